"""CSR rows over the columns that a fit by mini-batches or by optimizer="auto" can tell apart: so that an epoch costs what its values cost,
however many columns there are.

A column in which no row has a value, and whose weight and state are those of a beginning, goes the way of every other such column:
one is trained for all of them.  Used by _sgd.fit.  Per-sample SGD, which only scales such columns, has touched_columns.pyx for it.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import Matrix

from .touched_columns import BEHIND, PER_VALUE, located, narrow, renumbered

Array = NDArray[Any]


def find_identical_columns(X: Matrix, zero: Iterable[Array], same: Iterable[Array]) -> tuple[IdenticalColumns, Matrix] | None:
    """The columns that can be told apart, and X over them and one that stands for all others.

    Parameters
    ----------
    X : Matrix
    zero, same : iterable of ndarray of shape (k, d) or (d,)
        What training starts from.  A column of which nothing is known is 0 in the first and like any other such column in the second.

    Returns
    -------
    tuple (IdenticalColumns, Matrix), or None
        None: X is dense, or too many columns can be told apart for the others to be left out.
    """
    narrowed = narrow(X)
    if narrowed is None:
        return None
    apart = np.zeros(X.d, dtype=bool)
    for row in (row for array in zero for row in array.reshape(-1, X.d)):
        apart |= row != 0
    apart[narrowed[0]] = True
    one = int(np.argmin(apart))
    for row in (row for array in same for row in array.reshape(-1, X.d)):
        apart |= row != row[one]
    columns = np.flatnonzero(apart).astype(narrowed[0].dtype)   # in ascending order, as threads look for their columns in a row
    if PER_VALUE * len(columns) > X.d:
        return None
    return IdenticalColumns(columns, one, X.d), renumbered(narrowed[1], np.searchsorted(columns, narrowed[0]), len(columns) + 1)


class IdenticalColumns:
    """Columns that are all alike, and those that are not, which are trained one by one before the one that stands for the others.

    Parameters
    ----------
    columns : ndarray of shape (m,)
        Those that are not.
    one : int
        One of those that are.
    d : int
        All.
    """

    def __init__(self, columns: Array, one: int, d: int) -> None:
        self.columns, self.d, self._trained = columns, d, np.append(columns, one)

    def gather(self, whole: Array, axis: int = -1) -> Array:
        """Of all columns, which are an array's axis, those that are trained."""
        return whole.take(self._trained, axis)

    def spread(self, part: Array, axis: int = -1) -> Array:
        """All columns, from those that are trained: zeros cost no more than their address."""
        shape = list(part.shape)
        shape[axis] = self.d
        whole, part = np.zeros(shape, part.dtype), np.moveaxis(part, axis, -1)
        view = np.moveaxis(whole, axis, -1)
        if part[..., -1].any():
            view[...] = part[..., -1:]
        view[..., self.columns] = part[..., :-1]
        return whole

    def places(self, among: Array) -> Array:
        """Where some columns lie among those that are trained, and two of no row behind them, as `narrow` makes rows."""
        m = len(self.columns)
        at, found = located(self.columns, among)
        return np.append(np.where(found, at, m), [m] * BEHIND)

    def all_weights(self, trained: list[Any], places: Array | None = None) -> list[Any]:
        """Weights and averages of all columns, or at some places, with the intercepts as they are, from those that were trained."""
        def wide(part: Array | None) -> Array | None:
            return None if part is None else self.spread(part) if places is None else part[:, places]

        coef, intercept, coef_avg, intercept_avg = trained
        return [wide(coef), intercept, wide(coef_avg), intercept_avg]
