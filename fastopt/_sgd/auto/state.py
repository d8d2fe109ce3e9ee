"""What optimizer="auto" knows between calls: statistics of columns and targets, weights and their averages, and the numbers
that a run takes from them (docs/auto.md, Specification).

Used by _sgd.auto.fit.  Knows neither estimators nor labels.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.statistics import Reader

Array = NDArray[Any]

TRUST_ROWS = 64          # rows after which the step is half of what many rows would allow
FIRST_ROWS = 50_000      # rows that a fit learns from at least, those of few rows again and again …
FIRST_EPOCHS = 10        # … and epochs that are enough for many


def products(w: Array, x: Array) -> Array:
    """w·x of each row, in double; without BLAS, whose threads spin on beside a fit on the same processors."""
    return np.asarray(np.einsum("ij,j->i", w, x))


def budget(n: int) -> int:
    """Epochs over n rows.

    Examples
    --------
    >>> from fastopt._sgd.auto.state import budget
    >>> budget(100), budget(1_000_000)
    (500, 10)
    """
    return max(FIRST_EPOCHS, -(-FIRST_ROWS // n))


@dataclass(frozen=True)
class ColumnStatistics:
    """Running statistics of d columns: their means, and the sums of |x − c| and (x − c)², c the mean or 0."""
    centred: bool
    origin: Array                       # the first row
    mean: Array
    sum1: Array
    sum2: Array
    rows: int = 0
    weight: float = 0.0

    @classmethod
    def empty(cls, d: int, centred: bool) -> ColumnStatistics:
        """Of no rows."""
        return cls(centred, *np.zeros((4, d)))

    def learn(self, X: Matrix, weight: Array | None, skip: Array | None) -> ColumnStatistics:
        """Those with more rows, but for rows of weight 0 and rows to skip."""
        reader, (origin, mean, sum1, sum2) = Reader(X, weight, skip), np.array([self.origin, self.mean, self.sum1, self.sum2])
        if self.centred and self.weight == 0:
            origin = mean = reader.first()
            mean = origin.copy()
        reader.learn(origin, mean, sum1, sum2, self.weight, self.centred)
        return ColumnStatistics(self.centred, origin, mean, sum1, sum2, self.rows + reader.count, self.weight + reader.total)

    def centre(self, dtype: Any) -> Array:
        """c as rows of this type are centred: exactly what is subtracted, in double."""
        return self.mean.astype(dtype).astype(float) if self.centred else np.zeros_like(self.mean)

    def inverse_scale(self, dtype: Any) -> Array:
        """r = Σ|x − c| / Σ(x − c)², 0 for a column that does not vary."""
        r = np.divide(self.sum1, self.sum2, out=np.zeros_like(self.sum1), where=self.sum2 > 0)
        return np.minimum(r, np.finfo(dtype).max).astype(dtype)

    def raw(self, w: Array, b: Array) -> Array:
        """Intercepts for raw X in place of those at the centre."""
        return b - products(w, self.centre(w.dtype)) if self.centred else b.copy()

    @property
    def uncentred(self) -> float:
        """κ = Σ|mean − c|·r: as how many intercepts the columns act together."""
        return 0.0 if self.centred else float(np.sum(np.abs(self.mean) * self.inverse_scale(float)))


@dataclass(frozen=True)
class TargetStatistics:
    """Running statistics of k columns of targets: weighted mean and squares about it, largest and least positive value."""
    mean: Array
    squares: Array
    low: Array
    high: Array
    weight: float = 0.0

    @classmethod
    def empty(cls, k: int) -> TargetStatistics:
        """Of no rows."""
        return cls(np.zeros(k), np.zeros(k), np.full(k, np.inf), np.full(k, -np.inf))

    def learn(self, y: Array, weight: Array | None, skip: Array | None) -> TargetStatistics:
        """Those with more rows."""
        Y = y.reshape(len(y), -1)
        Y = Y if Y.dtype in (np.float32, np.float64) else Y.astype(np.float64)
        matrix = Matrix(Y)
        reader = Reader(matrix, weight, skip)
        mean = reader.means(reader.first())
        total = self.weight + reader.total
        if reader.total == 0:
            return self
        apart = mean - self.mean
        counts = np.ones((len(Y), 1), dtype=bool) if weight is None else (np.asarray(weight) > 0)[:, None]
        counts = counts if skip is None else counts & (skip == 0)[:, None]
        return TargetStatistics(self.mean + reader.total / total * apart,
                     self.squares + reader.squares(mean) + self.weight * reader.total / total * apart**2,
                     np.minimum(self.low, np.min(Y, axis=0, where=counts & (Y > 0), initial=np.inf)),
                     np.maximum(self.high, np.max(Y, axis=0, where=counts, initial=-np.inf)), total)

    def deviation(self, centred: bool) -> Array:
        """Standard deviation; root mean square if not centred."""
        variance = self.squares / self.weight if self.weight else np.zeros_like(self.mean)
        return np.sqrt(variance + (0 if centred else self.mean**2))


@dataclass(frozen=True)
class State:
    """Statistics, and k rows of weights; intercepts are those at the centre of the columns.

    A call of partial_fit makes a new one, so that an error leaves the old.
    """
    columns: ColumnStatistics
    goals: TargetStatistics | None                 # None in classification
    w: Array                            # (k, d)
    w_avg: Array
    V: Array                            # sums of squares of the standardised gradients
    intercepts: Array                   # (3, k): b, V, averages
    steps: int = 0

    @classmethod
    def begin(cls, w: Array, b: Array, dtype: Any, centred: bool, classifies: bool) -> State:
        """Weights and intercepts for raw X to start from, before anything is known."""
        k, d = w.shape
        w = np.array(w, dtype=dtype, order="C")
        return cls(ColumnStatistics.empty(d, centred), None if classifies else TargetStatistics.empty(k), w, w.copy(), np.zeros_like(w),
                   np.array([b, np.zeros(k), b], dtype=float))

    def typed(self, dtype: Any, centred: bool) -> State:
        """The same for X of another type; statistics begin anew if X is centred no longer, or only now."""
        w, w_avg, V = (a.astype(dtype) for a in (self.w, self.w_avg, self.V))
        state = replace(self, w=w, w_avg=w_avg, V=V)
        before = self.columns.centre(self.w.dtype)
        if self.columns.centred != centred:
            state = replace(state, columns=ColumnStatistics.empty(w.shape[1], centred))
        return state.moved(state.columns.centre(dtype) - before)

    def moved(self, by: Array) -> State:
        """The same predictions after the centre has moved."""
        intercepts = self.intercepts.copy()
        intercepts[0] += products(self.w, by)
        intercepts[2] += products(self.w_avg, by)
        return replace(self, intercepts=intercepts)

    @property
    def of_columns(self) -> dict[str, Array]:
        """The arrays, by name, whose last axis is the columns."""
        return {"V": self.V, "w": self.w, "w_avg": self.w_avg,
                **{name: getattr(self.columns, name) for name in ("origin", "mean", "sum1", "sum2")}}

    def mapped(self, change: Callable[[Array], Array]) -> State:
        """The same, with change(array) for each of those."""
        changed: dict[str, Any] = {name: change(a) for name, a in self.of_columns.items()}
        V, w, w_avg = (changed.pop(name) for name in ("V", "w", "w_avg"))
        return replace(self, columns=replace(self.columns, **changed), V=V, w=w, w_avg=w_avg)

    def observe(self, X: Matrix, y: Array, weight: Array | None, skip: Array | None) -> State:
        """Take notice of rows before learning from them; predictions stay as they are."""
        before = self.columns.centre(X.dtype)
        columns = self.columns.learn(X, weight, skip)
        goals = None if self.goals is None else self.goals.learn(y, weight, skip)
        return replace(self, columns=columns, goals=goals).moved(columns.centre(X.dtype) - before)

    def result(self) -> tuple[Array, Array]:
        """Weights (k, d) and intercepts (k,) for raw X: the averages."""
        return self.w_avg, self.columns.raw(self.w_avg, self.intercepts[2])
