"""Ridge regression for many strengths from one decomposition: sums of products of rows, and their spectrum.

Used by linear_model._solved.ridge_cv.  Sums of folds are added and subtracted, so that each row is multiplied once for all of
them.  The computation is in float64; X is read in blocks of rows.
"""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike

from fastopt._estimators.types import Array, RowWeights, Samples

#: of a block of rows in float64
BLOCK_BYTES = 4 << 20


class RowBlocks:
    """X in float64 by blocks of rows: dense X is never copied as a whole, sparse X in float32 is."""

    def __init__(self, X: Samples) -> None:
        self.X = X if isinstance(X, np.ndarray) else X.astype(np.float64, copy=False)
        rows = max(16, BLOCK_BYTES // (8 * X.shape[1])) if isinstance(X, np.ndarray) else X.shape[0]
        self.parts = [slice(i, min(i + rows, X.shape[0])) for i in range(0, X.shape[0], rows)]

    def __iter__(self) -> Iterator[tuple[slice, Samples]]:
        """Slices of rows, and X there."""
        for part in self.parts:
            block = self.X[part] if len(self.parts) > 1 else self.X
            yield part, block.astype(np.float64, copy=False)

    def times(self, w: Array) -> Array:
        """Products of all rows with w."""
        return np.concatenate([block @ w for _, block in self])

    def transposed(self, z: Array) -> Array:
        """The sum of all rows, each times its z."""
        found = np.zeros((self.X.shape[1], *z.shape[1:]))
        for part, block in self:
            found += block.T @ z[part]
        return found


class Products:
    """Weighted sums over rows of 1, x, y, x·xᵀ and x·yᵀ; offsets are subtracted from x and y first, to keep precision.

    Parameters
    ----------
    X : ndarray, CSR or CSC matrix of shape (n, d)
    y : ndarray of shape (n, k)
    weight : ndarray of shape (n,), or None
    offset, shift : ndarray of shape (d,) and (k,)
        Offsets of x, zeros for sparse X, and of y.
    """

    def __init__(self, X: Samples, y: Array, weight: RowWeights, offset: Array, shift: Array) -> None:
        d, k = X.shape[1], y.shape[1]
        self.offset, self.shift = offset, shift
        self.total = float(len(y) if weight is None else weight.sum())
        self.x, self.y = np.zeros(d), np.zeros(k)
        self.gram, self.targets = np.zeros((d, d)), np.zeros((d, k))
        for part, block in RowBlocks(X):
            self._add(block - offset if offset.any() else block, y[part] - shift, None if weight is None else weight[part])

    def _add(self, x: Samples, y: Array, weight: RowWeights) -> None:
        weighted: Samples
        if isinstance(x, np.ndarray):
            weighted = x if weight is None else x * weight[:, None]
            self.gram += weighted.T @ x
        else:
            weighted = x if weight is None else x.multiply(weight[:, None]).tocsr()
            self.gram += (x.T @ weighted).toarray()
        self.targets += weighted.T @ y
        self.x += np.asarray(weighted.sum(axis=0)).ravel()
        self.y += y.sum(axis=0) if weight is None else weight @ y

    def _joined(self, other: Products, sign: int) -> Products:
        found = Products.__new__(Products)
        found.offset, found.shift = self.offset, self.shift
        for name in ("total", "x", "y", "gram", "targets"):
            setattr(found, name, getattr(self, name) + sign * getattr(other, name))
        return found

    def __add__(self, other: Products) -> Products:
        return self._joined(other, 1)

    def __sub__(self, other: Products) -> Products:
        return self._joined(other, -1)


def offsets(X: Samples, y: Array, weight: RowWeights, fit_intercept: bool) -> tuple[Array, Array]:
    """The offsets to subtract from the rows of X and y: their means, or zeros for sparse X and without an intercept."""
    if not fit_intercept:
        return np.zeros(X.shape[1]), np.zeros(y.shape[1])
    shift = np.average(y, axis=0, weights=weight)
    if scipy.sparse.issparse(X):
        return np.zeros(X.shape[1]), shift
    ones = np.ones(len(y)) if weight is None else weight
    return RowBlocks(X).transposed(ones) / ones.sum(), shift


def refuse_overflow(*arrays: ArrayLike) -> None:
    """Raise where sums are not finite."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("X and y hold numbers so large, or so far apart, that sums of their squares overflow: scale them, see "
                         "sklearn.preprocessing")


class Spectrum:
    """The eigenvalues of Σ sᵢ·x̃ᵢ·x̃ᵢᵀ, with x̃ centred if there is an intercept, and y in the basis of its eigenvectors."""

    values: Array
    vectors: Array
    targets: Array

    def __init__(self, centre: Array, middle: Array, total: float, fit_intercept: bool) -> None:
        self.centre, self.middle, self.total, self.fit_intercept = centre, middle, total, fit_intercept

    @classmethod
    def of_products(cls, sums: Products, fit_intercept: bool) -> Spectrum:
        """From sums over rows."""
        x, y = (sums.x / sums.total, sums.y / sums.total) if fit_intercept else (np.zeros_like(sums.x), np.zeros_like(sums.y))
        refuse_overflow(sums.gram, sums.targets, sums.y, sums.shift)
        found = cls(sums.offset + x, sums.shift + y, sums.total, fit_intercept)
        values, found.vectors = np.linalg.eigh(sums.gram - sums.total * np.outer(x, x))
        found.values = np.maximum(values, 0)
        found.targets = found.vectors.T @ (sums.targets - sums.total * np.outer(x, y))
        return found

    def inverse(self, alphas: Array) -> Array:
        """1/(value + alpha), (values, alphas); 0 where both are rounding, so that of several minima the shortest is found."""
        sums = self.values[:, None] + alphas
        least = len(self.values) * np.finfo(np.float64).eps * self.values.max(initial=0.0)
        found: Array = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > least)
        return found

    def weights(self, alphas: Array) -> tuple[Array, Array]:
        """Coefficients (alphas, k, d) and intercepts (alphas, k)."""
        shares = self.targets[:, :, None] * self.inverse(alphas)[:, None, :]
        rank, k, n_alphas = shares.shape
        coef = (self.vectors @ shares.reshape(rank, k * n_alphas)).reshape(-1, k, n_alphas).transpose(2, 1, 0)
        return coef, self.middle - coef @ self.centre

    def left_out(self, X: Samples, y: Array, weight: RowWeights, alphas: Array) -> Array:
        """Errors (n, k, alphas) in predicting each row from the others: the residuals over 1 − leverage."""
        found = np.empty((*y.shape, len(alphas)))
        share = self.inverse(alphas)
        for part, block in RowBlocks(X):
            z = np.asarray(block @ self.vectors) - self.centre @ self.vectors
            leverage = z * z @ share + (1 / self.total if self.fit_intercept else 0.0)
            leverage *= 1.0 if weight is None else weight[part, None]
            for j in range(y.shape[1]):
                residual = y[part, j, None] - self.middle[j] - z @ (self.targets[:, j, None] * share)
                found[part, j] = residual / np.maximum(1 - leverage, 1e-15)
        return found


class RowSpectrum(Spectrum):
    """The same from products of rows with one another, for fewer rows than columns.

    Its weights may go through every row.  Residuals and 1 − leverages are all rounding then, but both are α times sums over the
    eigenvectors that have all their digits: for K = Q·diag(v)·Qᵀ they are the product of Q·diag(1/(v + α))·Qᵀ with y, and its
    diagonal.
    """

    def __init__(self, X: Samples, y: Array, weight: RowWeights, fit_intercept: bool) -> None:
        weight = np.ones(len(y)) if weight is None else weight
        parts, total = RowBlocks(X), float(weight.sum())
        centre = parts.transposed(weight) / total if fit_intercept else np.zeros(X.shape[1])
        super().__init__(centre, weight @ y / total if fit_intercept else np.zeros(y.shape[1]), total, fit_intercept)
        blocks = [block if isinstance(block, np.ndarray) else block.toarray() for _, block in parts]
        self.root = np.sqrt(weight)[:, None]
        rows = self.root * (np.concatenate(blocks) - centre)
        products = rows @ rows.T
        refuse_overflow(products, self.middle)
        values, self.left = np.linalg.eigh(products)
        known = values > values[-1] * len(values) * np.finfo(np.float64).eps
        self.all_values = np.where(known, values, 0.0)
        self.values = values[known]
        self.vectors = rows.T @ self.left[:, known] / np.sqrt(self.values)
        self.targets = self.vectors.T @ (rows.T @ (self.root * (y - self.middle)))

    def left_out(self, X: Samples, y: Array, weight: RowWeights, alphas: Array) -> Array:
        """As of the other spectrum."""
        left = self.left
        if self.fit_intercept:   # the intercept has the direction of the roots for itself
            left = left - self.root * (self.root.T @ left / self.total)
        share = 1 / (self.all_values[:, None] + alphas)
        spread = left * left @ share
        found = np.empty((*y.shape, len(alphas)))
        for j, target in enumerate((left.T @ (self.root * (y - self.middle))).T):
            residual = left @ (target[:, None] * share) / self.root
            found[:, j] = np.divide(residual, spread, out=np.zeros_like(residual), where=spread > 0)
        return found
