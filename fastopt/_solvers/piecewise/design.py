"""The rows of a linear programme or a quadratic one: columns of X brought to a common origin and scale, and products with them.

Used by _solvers/piecewise/interior_point.py, which needs the products alone, and by _solvers/piecewise/solver.py, which makes them.
Knows neither losses nor penalties.  X is read in blocks of rows, which are kept where they are small.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from .columns import add_up, enlarge, move

Array = NDArray[Any]

#: bytes of a block of rows, and of all blocks that are kept
BLOCK_BYTES, KEPT_BYTES = 4 << 20, 64 << 20


class StandardColumns:
    """Columns of X less `first` and `mean`, over their spread; `first`, a value of theirs, makes constant columns exactly 0.

    Parameters
    ----------
    X : ndarray, or CSR matrix
    centre : bool or ndarray of shape (d,)
        Whether columns are centred, or where.  Of sparse X only columns without zeros are.
    """

    def __init__(self, X: Any, centre: Any) -> None:
        n, d = X.shape
        self.X, self.sparse = X, scipy.sparse.issparse(X)
        if self.sparse:
            self.X = X.astype(np.float64, copy=True)
            self.X.sum_duplicates()
        rows = n if self.sparse else max(16, BLOCK_BYTES // (8 * max(1, d)))
        self.parts = [slice(i, min(i + rows, n)) for i in range(0, n, rows)]
        self.power = np.ldexp(1.0, -np.minimum(np.maximum(np.frexp(self.largest())[1], -1000), 1000))
        self.first, self.mean, self.inverse = np.zeros(d), np.zeros(d), np.ones(d)
        full = np.bincount(self.X.indices, minlength=d) == n if self.sparse else np.ones(d, dtype=bool)
        if isinstance(centre, np.ndarray):
            self.first = centre * self.power
        elif centre:
            first = self.X[:1].toarray().ravel() if self.sparse else np.asarray(X[0], dtype=np.float64)
            self.first = np.where(full, first * self.power, 0.0)
        self.held: list[Any] | None = None   # blocks of all columns, if there is room for them
        if not self.sparse and 8 * n * d <= KEPT_BYTES:
            self.held = [self.block(part) for part in self.parts]
        if centre is True:
            self.mean = np.where(full, self.sums(1) / n, 0.0)
            for x in self.held or ():
                move(x, np.ones(d), self.mean)
        spread = np.sqrt(self.sums(2) / n)
        self.inverse = 1 / np.where(spread > 0, spread, 1.0)
        for x in self.held or ():
            move(x, self.inverse, np.zeros(d))
        self.columns = np.flatnonzero(spread > 0)
        self.scale = (self.power * self.inverse)
        self.kept: list[Any] | None = None

    def largest(self) -> Array:
        """The largest magnitude in each column."""
        if self.sparse:
            return np.asarray(abs(self.X).max(axis=0).toarray(), dtype=np.float64).ravel()
        found = np.zeros(self.X.shape[1])
        for part in self.parts:
            enlarge(np.require(self.X[part], np.float64, ["C", "A"]), found)
        return found

    def block(self, part: slice) -> Any:
        """Rows, standardised, in float64."""
        if not self.sparse:
            x = np.array(self.X[part], dtype=np.float64, order="C")
            move(x, self.power, self.first)
            if self.mean.any() or (self.inverse != 1).any():
                move(x, np.ones(len(self.mean)), self.mean)
                move(x, self.inverse, np.zeros(len(self.mean)))
            return x
        X, at = self.X, self.X.indices
        data = ((X.data * self.power[at] - self.first[at]) - self.mean[at]) * self.inverse[at]
        return scipy.sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def sums(self, power: int) -> Array:
        """Sums over the rows of the values, or of their squares."""
        found = np.zeros(self.X.shape[1])
        for _, x in self.whole():
            if self.sparse:
                x.data **= power
                found += np.asarray(x.sum(axis=0)).ravel()
            else:
                add_up(x, power == 2, found)
        return found

    def whole(self) -> Iterator[tuple[slice, Any]]:
        """Slices of rows and all standardised columns."""
        for i, part in enumerate(self.parts):
            yield part, self.block(part) if self.held is None else self.held[i]

    def blocks(self) -> Iterator[tuple[slice, Any]]:
        """Slices of rows and the standardised columns that are used."""
        if self.kept is None and (self.sparse or 8 * self.X.shape[0] * len(self.columns) <= KEPT_BYTES):
            self.kept, self.held = [self.chosen(block) for _, block in self.whole()], None
        if self.kept is None:
            yield from ((part, self.chosen(block)) for part, block in self.whole())
        else:
            yield from zip(self.parts, self.kept)

    def chosen(self, block: Any) -> Any:
        return block if len(self.columns) == block.shape[1] else block[:, self.columns]


class UnitRows(NamedTuple):
    """Rows that have a 1 in one column and else 0: what a penalty of that weight is."""
    column: Array
    target: Array
    low: Array
    high: Array
    round: Array


class Design:
    """The rows a: those of X, with a 1 for the intercept, as often as there are kinks in a loss; then unit rows.

    Parameters
    ----------
    blocks : callable
        An iterator over (slice of rows, X there), dense or CSR.
    n, d : int
        Shape of X.
    intercept : bool
    copies : int
        How often the rows of X are there.
    units : ndarray of int, or of shape (rows, d + intercept)
        The columns of the unit rows; or these rows, where they are others.
    """

    def __init__(self, blocks: Callable[[], Iterable[tuple[slice, Any]]], n: int, d: int, intercept: bool, copies: int,
                 units: Array) -> None:
        self.blocks, self.n, self.d, self.intercept, self.copies, self.units = blocks, n, d, intercept, copies, units
        self.size, self.dense = d + intercept, units.ndim > 1

    def matvec(self, w: Array) -> Array:
        """Products of all rows with w."""
        found = np.empty(self.n)
        for part, block in self.blocks():
            found[part] = block @ w[:self.d]
        found += w[self.d] if self.intercept else 0.0
        return np.concatenate([found] * self.copies + [self.units @ w if self.dense else w[self.units]])

    def rmatvec(self, z: Array) -> Array:
        """The sum of all rows, each times its z."""
        found, own = np.zeros(self.size), z[:self.n * self.copies].reshape(self.copies, self.n).sum(axis=0)
        for part, block in self.blocks():
            found[:self.d] += block.T @ own[part]
        if self.intercept:
            found[self.d] = own.sum()
        own = z[self.n * self.copies:]
        return found + (own @ self.units if self.dense else np.bincount(self.units, own, self.size))

    def gram(self, q: Array) -> Array:
        """The sum of the outer products of all rows, each times its q."""
        d, found = self.d, np.zeros((self.size, self.size))
        own = q[:self.n * self.copies].reshape(self.copies, self.n).sum(axis=0)
        for part, block in self.blocks():
            weighted = block.multiply(own[part, None]).tocsr() if scipy.sparse.issparse(block) else block * own[part, None]
            product = block.T @ weighted
            found[:d, :d] += product.toarray() if scipy.sparse.issparse(product) else product
            if self.intercept:
                found[:d, d] += np.asarray(weighted.sum(axis=0)).ravel()
        if self.intercept:
            found[d, :d], found[d, d] = found[:d, d], own.sum()
        own = q[self.n * self.copies:]
        if self.dense:
            return np.asarray(found + self.units.T @ (self.units * own[:, None]))
        found[np.diag_indices(self.size)] += np.bincount(self.units, own, self.size)
        return found

    def rows(self, chosen: Array) -> Array:
        """Some of the rows, dense."""
        found, data = np.zeros((len(chosen), self.size)), chosen < self.n * self.copies
        own = chosen[data] % self.n
        for part, block in self.blocks():
            here = (own >= part.start) & (own < part.stop)
            picked = block[own[here] - part.start]
            found[np.flatnonzero(data)[here], :self.d] = picked.toarray() if scipy.sparse.issparse(picked) else picked
        found[data, self.d:] = 1
        unit = self.units[chosen[~data] - self.n * self.copies]
        if self.dense:
            found[~data] = unit
        else:
            found[np.flatnonzero(~data), unit] = 1
        return found
