"""A sum of losses with one kink each, sharp or rounded, and squares of the weights: the steps of steps.pyx until a certified gap is closed.

Used by _solvers/piecewise/solver.py, which makes such a sum of losses and penalties and brings it into a common scale; knows neither of them.
Each iteration costs one weighted XᵀX, of a method of multipliers of few rows, and a system of as many equations as there are
weights.  What it returns beside the weights is a value that no weights are below.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

from fastopt._methods.iterate import iterate
from fastopt._solvers.registry import GAP_CLOSED, LIMIT, PRECISION, STOPPED

from .design import Design
from .steps import InteriorPoint, PrimalDual, held, losses_of

Array = NDArray[Any]

#: a value that is small beside targets of size 1, to which gaps are relative at least; and one that is rounding
SMALL_VALUE, VALUE_ROUNDING = 1e-3, 1e-22
#: Weights are changed for orthogonal ones if the least eigenvalue of the Gram matrix is below this share of the largest and the rows
#: have at most so many bytes; singular values below this share of the largest are rounding.
MIN_EIGENVALUE_RATIO, MIN_SINGULAR_RATIO, MAX_COPY_BYTES = 1e-8, 1e-14, 64 << 20
#: bytes of dense rows that are copied into one array, and of sparse ones
MAX_DENSE_BYTES, MAX_SPARSE_BYTES = 16 << 20, 1 << 19
#: weights up to which the nearest vertex is found among several times as many rows, by a factor with pivots
MAX_PIVOTED = 300


class PiecewiseSum(NamedTuple):
    """Σ max over z from lowₖ to highₖ of z·rₖ − roundₖ·z²/2, and Σ ridgeⱼ·wⱼ²/2, with r = target − design·w.

    With round = 0 that is max(low·r, high·r); else its kink is rounded to a parabola, as Huber's loss is.
    """
    design: Design
    target: Array
    low: Array
    high: Array
    round: Array
    ridge: Array

    def value(self, w: Array) -> float:
        r = self.target - self.design.matvec(w)
        return losses_of(r, self.low, self.high, self.round) + float(self.ridge @ (w * w)) / 2

    @property
    def linear(self) -> bool:
        """Whether it is a linear programme."""
        return not (self.ridge.any() or self.round.any())

    def bound(self, z: Array, w: Array, value: float) -> float:
        """What no weights are below, by dual variables z within low and high; of a sum that is `value` at w."""
        return float(self.target @ z - self.round @ (z * z) / 2) + held(self.ridge, self.design.rmatvec(z), w, value, len(z))


def conditioned(total: PiecewiseSum) -> tuple[PiecewiseSum, Array | None]:
    """The same in weights v, w = basis·v, whose columns are orthogonal, where those of w are all but dependent; else itself.

    Directions in which no row has a part are left out, or come last if there are unit rows.
    """
    design = total.design
    n, size = design.n, design.size
    if not total.linear or size > MAX_PIVOTED or 8 * n * size > MAX_COPY_BYTES:
        return total, None
    plain = Design(design.blocks, n, design.d, design.intercept, 1, np.zeros(0, dtype=np.intp))
    values = np.linalg.eigvalsh(plain.gram(np.full(n, 1 / n)))
    if values[0] > MIN_EIGENVALUE_RATIO * values[-1]:
        return total, None
    rows = plain.rows(np.arange(n))
    _, sizes, right = np.linalg.svd(rows, full_matrices=n < size)
    sizes = np.concatenate([sizes, np.zeros(size - len(sizes))])
    known = sizes > MIN_SINGULAR_RATIO * sizes[0]
    basis = right.T[:, :len(known)] / np.where(known, sizes / np.sqrt(n), 1.0)
    if not len(design.units):
        basis, known = basis[:, known], known[known]
    rotated = rows @ basis
    rotated[:, ~known] = 0.0
    inner = Design(lambda: [(slice(0, n), rotated)], n, basis.shape[1], False, design.copies, basis[design.units])
    return total._replace(design=inner, ridge=np.zeros(basis.shape[1])), basis


class Outcome(NamedTuple):
    """Weights, the value there, what no weights are below, iterations, and why they ended."""
    w: Array
    value: float
    bound: float
    n_iter: int
    message: str

    @property
    def gap(self) -> float:
        """How far the value is above the least, at most."""
        return self.value - self.bound


def factorise(gram: Array) -> Callable[[Array], Array]:
    """Solve with a Gram matrix: scaled to unit diagonal, by Cholesky, or by least squares where it is singular."""
    scale = np.sqrt(np.maximum(np.diag(gram), np.finfo(np.float64).tiny))
    scaled = gram / scale / scale[:, None]
    try:
        factor = scipy.linalg.cho_factor(scaled, check_finite=False)
        if np.diag(factor[0]).min() > 1e-7:
            return lambda g: scipy.linalg.cho_solve(factor, g / scale, check_finite=False) / scale
    except np.linalg.LinAlgError:
        pass
    if not np.isfinite(scaled).all():
        return lambda g: np.full_like(g, np.nan)
    values, vectors = np.linalg.eigh(scaled)
    inverse = np.where(values > 1e-13 * values[-1], 1 / np.maximum(values, np.finfo(np.float64).tiny), 0.0)
    return lambda g: vectors @ (inverse * (vectors.T @ (g / scale))) / scale


def vertex(total: PiecewiseSum, w: Array) -> Array:
    """The vertex that w is near: as many residuals exactly 0 as there are weights; w itself if that is no better."""
    size = len(w)
    r = np.abs(total.target - total.design.matvec(w))
    nearest = np.argsort(r, kind="stable")[:5 * size if size <= MAX_PIVOTED else size]
    rows = total.design.rows(nearest)
    if size <= MAX_PIVOTED:   # of these, rows that determine w, the nearest first
        scale = 1 / (r[nearest] + 1e-10 * (1 + r[nearest].max()))
        triangle, order = scipy.linalg.qr((rows * scale[:, None]).T, mode="r", pivoting=True, check_finite=False)
        diagonal = np.abs(np.diag(triangle))
        order = order[:len(diagonal)][diagonal > 1e-13 * diagonal.max(initial=0.0)]
        nearest, rows = nearest[order], rows[order]
    with np.errstate(all="ignore"):
        found = w + np.linalg.lstsq(rows, (total.target - total.design.matvec(w))[nearest], rcond=None)[0]
    unit = nearest >= total.design.n * total.design.copies
    if not total.design.dense:
        found[total.design.units[nearest[unit] - total.design.n * total.design.copies]] = total.target[nearest[unit]]
    return found if np.isfinite(found).all() and total.value(found) <= total.value(w) else w


def minimize(total: PiecewiseSum, tol: float, max_iter: int, after: Callable[[Outcome], object] | None = None,
             method: type[PrimalDual] = InteriorPoint) -> Outcome:
    """The minimum, to a gap of tol times the value; `after` is called after each iteration, and may raise StopIteration."""
    if total.design.size == 0:
        value = total.value(np.zeros(0))
        return Outcome(np.zeros(0), value, value, 0, GAP_CLOSED)
    inner, basis = conditioned(total)

    def outer(outcome: Outcome) -> Outcome:
        return outcome if basis is None else outcome._replace(w=_restored(total, basis, outcome.w))
    tell = None if after is None else lambda outcome: after(outer(outcome))
    found = _minimize(inner, tol, max_iter, tell, method)
    if total.linear and found.n_iter:
        if found.value < SMALL_VALUE and found.gap > tol * found.value > VALUE_ROUNDING:
            found = _again(inner, found, tol, max_iter - found.n_iter)
        w = vertex(inner, found.w)
        found = found._replace(w=w, value=inner.value(w))
    return outer(found)


def _again(total: PiecewiseSum, at: Outcome, tol: float, max_iter: int) -> Outcome:
    """From a point whose value is small beside the targets: the targets less the predictions there, in units of that value."""
    unit = at.value
    more = _minimize(total._replace(target=(total.target - total.design.matvec(at.w)) / unit), tol, max_iter, None, InteriorPoint)
    w = at.w + unit * more.w
    value, n_iter = total.value(w), at.n_iter + more.n_iter
    if not value <= at.value:
        return at._replace(n_iter=n_iter)
    return Outcome(w, value, max(at.bound, unit * more.bound), n_iter, more.message)


def _restored(total: PiecewiseSum, basis: Array, v: Array) -> Array:
    """w = basis·v; where a unit row's residual is nothing but rounding, it is 0."""
    w, units = basis @ v, total.design.units
    target = total.target[total.design.n * total.design.copies:]
    exact = np.abs(w[units] - target) <= 1e-12 * (np.abs(basis[units]) @ np.abs(v))
    w[units[exact]] = target[exact]
    return w


def _rows(design: Design) -> Array | None:
    """The rows of X as one array, where they are few enough."""
    size = 8 * design.n * design.size
    if design.dense or size > MAX_DENSE_BYTES:
        return None
    found = np.empty((design.n, design.size))
    for part, block in design.blocks():
        if scipy.sparse.issparse(block):
            if size > MAX_SPARSE_BYTES:
                return None
            block = block.toarray()
        found[part, :design.d] = block
    found[:, design.d:] = 1
    return found


def _minimize(total: PiecewiseSum, tol: float, max_iter: int, after: Callable[[Outcome], object] | None, method: type[PrimalDual]) -> Outcome:
    run, idle = method(total, _rows(total.design), factorise), 0
    w, value, bound, done = run.w, math.nan, -math.inf, 0   # the best weights so far, and what no others are below

    def look(n_iter: int) -> str | None:
        nonlocal w, value, bound, done, idle
        now, before, done = run.value(), value - bound, n_iter
        if n_iter == 0 or now < value:
            w, value = run.w.copy(), now
        bound = max(bound, run.bound(w, value))
        if value - bound <= tol * max(abs(value), SMALL_VALUE):
            return GAP_CLOSED
        idle = 0 if n_iter == 0 or value - bound < 0.9 * before else idle + 1
        return LIMIT if n_iter >= max_iter else None

    def steps() -> Generator[None, None, str]:
        while run.step() and idle <= run.patience:
            yield
        return PRECISION

    end = iterate(steps(), look, None if after is None else lambda: after(Outcome(w, value, bound, done, "")), STOPPED)
    return Outcome(w, value, bound, done, end)
