"""Least squares for many strengths of a penalty, many folds of the samples and many targets, from sums of products that are read once:
those of the rows to learn from are those of all rows without those of the fold.  Where rows are fewer than columns and few, these are
copied instead.

Used by the estimators that choose a strength, and by those that have several targets.
"""
from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dger

from fastopt import penalties
from fastopt._core.tables import all_finite
from fastopt._core.threads import resolve_threads
from fastopt._samples.rows import source_of
from fastopt._solvers.proximal.columns import Columns
from fastopt._solvers.proximal.gram import gram
from fastopt._solvers.proximal.samples import SampleLosses
from fastopt._solvers.registry import CONVERGED, GAP_CLOSED, LIMIT, NOT_FINITE, PRECISION, Solution, Vector
from fastopt.objective import LinearObjective
from fastopt.penalties import Penalty
from fastopt.penalties._regularizer import Regularizer

from .walk import DONE, ROUNDS_OVER, Walk

Array = NDArray[Any]

#: features whose sums of products pay; and with fewer samples than features
MAX_FEATURES, MAX_FEATURES_WIDE = 2048, 1024
#: products of columns that a target needs on average, if rows are few
PRODUCTS_A_TARGET = 1 << 13
#: numbers of dense columns that are copied if rows are few; and that are multiplied by BLAS
MAX_COPIED, MAX_BLAS_SIZE = 1 << 21, 1 << 18
#: rows that are looked at for the size of numbers; the share of that size up to which means cost sums hardly any digits
SAMPLED_ROWS, SMALL_MEAN = 100, 0.3
#: rows whose columns are copied at a time, at least
MIN_CHUNK_ROWS = 4096
NO_PENALTY = penalties.Box()
#: the attributes of `Sums` that are summed
SUM_NAMES = ("H", "g", "h", "y")


def fold_sums(objective: LinearObjective, folds: Sequence[Array]) -> Sequence[LeastSquaresPath] | None:
    """What `path` needs of the rows that are not in a fold, for each fold; None where that does not pay, or is not possible.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows.
    folds : sequence of arrays of int
        The rows that each fold leaves out.

    Returns
    -------
    sequence of LeastSquaresPath, or None
    """
    if _few(objective, len(folds)):
        strengths: Strengths = {}
        return [CopiedRows(objective.rows(np.setdiff1d(np.arange(objective.n_samples), fold)), strengths=strengths) for fold in folds]
    if not _pays(objective, MAX_FEATURES if objective.n_features < objective.n_samples else MAX_FEATURES_WIDE):
        return None
    centre = _centre(objective)
    parts = [Sums.of(objective, np.asarray(fold), centre) for fold in folds]
    apart = np.array_equal(np.sort(np.concatenate(folds)), np.arange(objective.n_samples))
    total = Sums.total(parts) if apart else Sums.of(objective, np.arange(objective.n_samples), centre)
    found = [total.without(part) for part in parts]
    return found if all(sums.precise(objective, fold) for sums, fold in zip(found, folds)) else None


def all_sums(objective: LinearObjective, targets: Sequence[Array] | None = None) -> LeastSquaresPath | None:
    """The same of all rows, and of several targets.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows, and one target.
    targets : sequence of k arrays of shape (n,), optional
        Instead of the objective's.
    """
    if _few(objective) and PRODUCTS_A_TARGET * (1 if targets is None else len(targets)) <= objective.n_features ** 2:
        return CopiedRows(objective, targets)
    most = MAX_FEATURES if targets is not None or objective.n_features <= objective.n_samples else MAX_FEATURES_WIDE
    found = Sums.of(objective, None, _centre(objective), targets) if _pays(objective, most) else None
    return None if found is None or not found.precise(objective, keep=False) else found


def _few(objective: LinearObjective, copies: int = 1) -> bool:
    """Whether rows are so few, and fewer than columns, that they themselves are all that is needed, and may be copied so often."""
    n, d = objective.n_samples, objective.n_features
    return n < d and copies * n * d <= MAX_COPIED and not objective.X.is_sparse and not objective.transposed and _pays(objective, d)


def _pays(objective: LinearObjective, most: int) -> bool:
    """Whether sums are possible, and are expected to pay for so many features."""
    return bool(objective.loss.name == "squared_error" and objective.n_outputs == 1 and objective.n_features <= most
                and SampleLosses(objective).standard is None)


def _centre(objective: LinearObjective) -> Vector:
    """What x had best stand without: the means of dense columns where there is an intercept, if some lie far from 0."""
    samples = SampleLosses(objective)
    if not objective.fit_intercept or samples.X.is_sparse:
        return np.zeros(objective.n_features)
    means, some = np.asarray(samples.column_means()), np.asarray(source_of(samples.X)[:SAMPLED_ROWS], dtype=np.float64)
    near = bool((means * means <= SMALL_MEAN ** 2 * np.einsum("ij,ij->j", some, some) / len(some)).all())
    return np.zeros_like(means) if near else means


def _still(objective: LinearObjective, fold: Array | None, columns: Array) -> bool:
    """Whether no row but those of the fold has another number in these columns than the first of them."""
    samples = SampleLosses(objective)
    if samples.X.is_sparse or not objective.fit_intercept:
        return False
    X = source_of(samples.X)[:, columns]
    X = X if samples.rows is None else X[samples.rows]
    X = X if fold is None else np.delete(X, fold, axis=0)
    return bool((X[0] == X).all())


Strengths = dict[tuple[float, int], "Strength"]


class LeastSquaresPath(ABC):
    """Least squares with a penalty for one strength after the other, of what is known of some rows.

    Attributes
    ----------
    intercept : bool
    strengths : dict
        Penalties that have been bound to the weights, by l2 and identity of the penalty; problems with as many columns may share it.
    """

    def __init__(self, intercept: bool, strengths: Strengths | None) -> None:
        self.intercept, self.strengths = intercept, {} if strengths is None else strengths

    @abstractmethod
    def walk(self, target: int, w: Vector | None) -> tuple[Walk | None, Vector, Vector, float]:
        """What goes from w, for one target, or None if numbers are not finite; the weights, which it changes, and the means of x and y."""

    def _strength(self, l2: float, rule: Penalty, d: int) -> Strength:
        key = l2, id(rule)
        if key not in self.strengths:
            self.strengths[key] = Strength(rule, rule.bind(d), rule.sparse and not rule.grouped, rule.name in ("l1", "elasticnet"))
        return self.strengths[key]

    def path(self, strengths: Iterable[tuple[float, Penalty | None]], w: Vector | None = None, tol: float = 1e-4, max_iter: int = 1000,
             target: int = 0) -> Iterator[Solution]:
        """Least squares for one (l2, penalty) after the other, each started at the one before.

        Parameters
        ----------
        strengths : iterable of (float, Penalty or None)
        w : ndarray of shape (n_params,), optional
            Where to start.
        tol : float
            Of the duality gap over the mean square of y, or of the violation where there is no gap.
        max_iter : int
            Rounds for each, at most.
        target : int
            Which one.

        Yields
        ------
        Solution
        """
        walk, u, x, y = self.walk(target, w)
        d = len(u)
        for l2, penalty in strengths:
            strength = self._strength(l2, NO_PENALTY if penalty is None else penalty, d)
            value, violation, gap, rounds, message = math.nan, math.nan, math.nan, 0, NOT_FINITE
            if walk is not None:
                value, violation, gap, rounds, why = walk.solve(strength.penalty, l2, strength.sparse, strength.gaps, tol, max_iter)
                message = (GAP_CLOSED if strength.gaps else CONVERGED) if why == DONE else LIMIT if why == ROUNDS_OVER else PRECISION
            found = np.empty(d + self.intercept)
            found[:d] = u
            if self.intercept:
                found[d] = 0.0 if walk is None else y - x @ u
            yield Solution(found, value, rounds, violation, gap, message in (GAP_CLOSED, CONVERGED), message, "cd")


def rows_of(samples: SampleLosses) -> Vector:
    """Those that count of a dense X, in float64."""
    X = source_of(samples.X)
    return np.asarray(X if samples.rows is None else X[samples.rows], dtype=np.float64)


def shares_of(samples: SampleLosses, n: int) -> Vector:
    """Weights of n samples over their sum, in float64."""
    if samples.weight is None:
        return np.full(n, 1 / n)
    share = samples.weight.astype(np.float64)
    return np.asarray(share / share.sum())


class Strength(NamedTuple):
    """A penalty, which stays, what it is to as many weights as there are, whether it makes each 0 by itself, and whether squares have a
    duality gap with it."""

    rule: Penalty
    penalty: Regularizer
    sparse: bool
    gaps: bool


class CopiedRows(LeastSquaresPath):
    """Rows of dense columns, fewer than these, without their means where there is an intercept: each times the root of its share."""

    def __init__(self, objective: LinearObjective, targets: Sequence[Array] | None = None, strengths: Strengths | None = None) -> None:
        super().__init__(objective.fit_intercept, strengths)
        samples = SampleLosses(objective)
        X = rows_of(samples)
        share = shares_of(samples, len(X))
        Y = np.array([samples.targets] if targets is None else targets, dtype=np.float64, order="C")
        self.x, self.y = (share @ X, Y @ share) if self.intercept else (np.zeros(X.shape[1]), np.zeros(len(Y)))
        self.X = np.subtract(X.T, self.x[:, None], order="C")
        Y -= self.y[:, None]
        root = np.sqrt(share)
        self.X *= root
        self.Y = Y * root
        self.g = np.ascontiguousarray(self.Y @ self.X.T)
        self.square = np.einsum("ij,ij->i", self.Y, self.Y)
        squares = np.einsum("ij,ij->i", self.X, self.X)
        self.finite = all(bool(np.isfinite(values).all()) for values in (squares, self.square, self.g, self.x, self.y))

    def walk(self, target: int, w: Vector | None) -> tuple[Walk | None, Vector, Vector, float]:
        d = len(self.x)
        u = np.zeros(d) if w is None or not self.finite else np.array(w[:d], dtype=np.float64)
        walk = Walk(u, self.g[target], float(self.square[target]), None, self.X, self.Y[target]) if self.finite else None
        return walk, u, self.x, float(self.y[target])


class Sums(LeastSquaresPath):
    """Sums over samples of products of [x, 1, y] with themselves, weighted; y may be several targets.

    Attributes
    ----------
    centre, middle : ndarray of shape (d,) and (k,)
        What x and y stand without, so that products do not lose the digits that the means of dense columns and of y have.
    H : ndarray of shape (d, d)
    g : ndarray of shape (k, d)
        Of x·y.
    h : ndarray of shape (d,)
        Of x.
    y : ndarray of shape (3, k)
        Of 1, y and y².
    """

    H: Vector
    g: Vector
    h: Vector
    y: Vector

    def __init__(self, centre: Vector, middle: Vector, intercept: bool) -> None:
        super().__init__(intercept, None)
        self.centre, self.middle = centre, middle
        self._means: MeanProducts | None = None

    @classmethod
    def of(cls, objective: LinearObjective, rows: Array | None, centre: Vector, targets: Sequence[Array] | None = None) -> Sums:
        """Of some rows of an objective, or of all, whose columns are copied, some rows at a time."""
        chosen = np.arange(objective.n_samples, dtype=np.int32) if rows is None else rows
        targets = [SampleLosses(objective).targets] if targets is None else targets
        middle = np.array([y.mean(dtype=np.float64) if objective.fit_intercept else 0.0 for y in targets])
        found, size = cls(centre, middle, objective.fit_intercept), max(MIN_CHUNK_ROWS, 4 * objective.n_features)
        for start in range(0, len(chosen), size):
            found._add(objective if rows is None and size >= len(chosen) else objective.rows(chosen[start:start + size]),
                       [y[chosen[start:start + size]] for y in targets])
        return found

    def _add(self, part: LinearObjective, targets: Sequence[Array]) -> None:
        samples = SampleLosses(part)
        total = samples.total
        share = shares_of(samples, len(targets[0]))
        wide = [np.asarray(y, dtype=np.float64) - middle for y, middle in zip(targets, self.middle)]
        moments = np.array([np.ones(len(wide)), [share @ y for y in wide], [share @ (y * y) for y in wide]])
        small = not samples.X.is_sparse and len(share) * part.n_features <= MAX_BLAS_SIZE
        by = self._by_blas if small else self._by_columns
        for name, value in (*zip("Hgh", by(part, samples, share, wide)), ("y", moments)):
            value *= total
            setattr(self, name, value + vars(self)[name] if name in vars(self) else value)

    def _by_blas(self, part: LinearObjective, samples: SampleLosses, share: Vector, targets: Sequence[Array]) -> tuple[Vector, Vector, Vector]:
        """Sums of few numbers, which are copied."""
        X = rows_of(samples)
        X = X - self.centre if self.centre.any() else X
        g, h = np.array([share * y for y in targets]) @ X, share @ X
        if samples.weight is None:
            return X.T @ X * float(share[0]), g, h
        X = X * np.sqrt(share)[:, None]
        return X.T @ X, g, h

    def _by_columns(self, part: LinearObjective, samples: SampleLosses, share: Vector, targets: Sequence[Array]) -> tuple[Vector, Vector, Vector]:
        """Sums in the type of X, whose columns are copied."""
        columns = Columns(samples.X, np.arange(part.n_features, dtype=np.int32), samples.rows, transposed=samples.transposed,
                          standard=(self.centre, None) if self.centre.any() else None)
        g = np.array([columns.slopes((share * y).astype(part.dtype)) for y in targets])
        share = share.astype(part.dtype)
        return gram(columns, share, 1.0, resolve_threads(part.n_threads)), g, columns.moments(None, share, 1.0)[1]

    @classmethod
    def total(cls, parts: Sequence[Sums]) -> Sums:
        """The sums of all parts, which stay."""
        found = cls(parts[0].centre, parts[0].middle, parts[0].intercept)
        for name in SUM_NAMES:
            value = getattr(parts[0], name).copy()
            for part in parts[1:]:
                value += getattr(part, name)
            setattr(found, name, value)
        return found

    def without(self, part: Sums) -> Sums:
        """These sums without those of a part, whose memory they take."""
        for name in SUM_NAMES:
            own = getattr(part, name)
            np.subtract(getattr(self, name), own, out=own)
        part._means, part.strengths = None, self.strengths
        return part

    def means(self, keep: bool = True) -> MeanProducts:
        """Over the weights, and without the means of x and y where there is an intercept; in the memory of H unless that is to be kept."""
        if self._means is None:
            size = self.y[0, 0]
            H = np.divide(self.H, size, out=None if keep else self.H)
            g, h, y, square = self.g / size, self.h / size, self.y[1] / size, self.y[2] / size
            if self.intercept:
                dger(-1.0, h, h, a=H.T, overwrite_a=1)   # in place
                g, square = g - np.multiply.outer(y, h), square - y * y
            finite = all(map(all_finite, (H.diagonal().copy(), g, square, self.middle, self.centre)))
            self._means = MeanProducts(H, g, h, y, square, finite)
        return self._means

    def precise(self, objective: LinearObjective, fold: Array | None = None, keep: bool = True) -> bool:
        """Whether columns lie so near to 0 that their means do not cost too many digits of sums, or do not vary at all: the sums of these
        are rounding, and become 0.  They are those of an objective's rows, without the fold."""
        least = np.sqrt(np.finfo(objective.dtype).eps) * self.H.diagonal() / self.y[0, 0]
        means = self.means(keep)
        lost = np.flatnonzero(means.H.diagonal() < least)
        if lost.size:
            if not _still(objective, fold, lost):
                return False
            means.H[lost], means.H[:, lost], means.g[:, lost] = 0.0, 0.0, 0.0
        return True

    def walk(self, target: int, w: Vector | None) -> tuple[Walk | None, Vector, Vector, float]:
        means, d = self.means(), len(self.h)
        u = np.zeros(d) if w is None or not means.finite else np.array(w[:d], dtype=np.float64)
        walk = Walk(u, means.g[target], float(means.square[target]), means.H) if means.finite else None
        return walk, u, means.h + self.centre, float(self.middle[target] + means.y[target])


class MeanProducts(NamedTuple):
    """What `Sums` are over their weights, H, g and square without the means of x and y where there is an intercept."""

    H: Vector
    g: Vector
    h: Vector
    y: Vector
    square: Vector
    finite: bool
