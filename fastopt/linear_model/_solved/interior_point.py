"""Rows of X in float64, block by block: products with them, and sums over them.

Used by RidgeCV.  Dense X is read in blocks of rows, never copied as a whole; sparse X in float32 is copied to float64.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

BLOCK_BYTES = 4 << 20


class Design:
    """[X, 1] over the rows of the identity, which make |w|: products with it in float64, X by blocks of rows."""

    def __init__(self, X: Any, fit_intercept: bool, penalised: bool) -> None:
        self.X = X.astype(np.float64, copy=False) if scipy.sparse.issparse(X) else X
        self.d, self.fit_intercept, self.penalised = X.shape[1], fit_intercept, penalised
        rows = max(16, BLOCK_BYTES // (8 * self.d)) if isinstance(X, np.ndarray) else X.shape[0]
        self.parts = [slice(i, min(i + rows, X.shape[0])) for i in range(0, X.shape[0], rows)]

    def blocks(self) -> Any:
        """Slices of rows, and X there in float64."""
        for part in self.parts:
            block = self.X[part] if len(self.parts) > 1 else self.X
            yield part, block.astype(np.float64, copy=False)

    def times(self, w: Any) -> Any:
        """Products of all rows with w."""
        found = np.concatenate([block @ w[:self.d] for _, block in self.blocks()])
        found += w[self.d] if self.fit_intercept else 0.0
        return np.concatenate([found, w[:self.d]]) if self.penalised else found

    def transposed(self, z: Any) -> Any:
        """The sum of all rows, each times its z."""
        n = self.X.shape[0]
        found = np.zeros((self.d + self.fit_intercept, *z.shape[1:]))
        for part, block in self.blocks():
            found[:self.d] += block.T @ z[:n][part]
        if self.fit_intercept:
            found[self.d] = z[:n].sum(axis=0)
        if self.penalised:
            found[:self.d] += z[n:]
        return found
