"""A sum of losses with one kink each, sharp or rounded, and squares of the weights: a primal-dual interior point method with a certified gap.

Used by _solve_piecewise.py, which makes such a sum of losses and penalties and brings it into a common scale; knows neither of them.
Each iteration costs one weighted XᵀX and a system of as many equations as there are weights.  What it returns beside the
weights is a value that no weights are below.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ._solve_design import Design
from ._solver import GAP_CLOSED, LIMIT, PRECISION, STOPPED

Array = NDArray[Any]

#: how far a step goes towards the boundary
SHORT_OF = 0.9995
#: iterations in which neither value nor bound becomes better, after which there is nothing more to gain
PATIENCE = 12
#: a value that is small beside targets of size 1: gaps are at first relative to it; and one that is nothing but rounding
SMALL, TINY = 1e-3, 1e-22
#: how many times as large as those found the weights of the minimum may be, where nothing else bounds them
FURTHER = 10.0
#: least eigenvalue of the rows' Gram matrix, as a share of the largest, above which weights are taken as they are; singular value of
#: the rows, likewise, that is nothing but rounding; bytes of rows that may be copied for others
EVEN, DEPENDENT, MOST_BYTES = 1e-8, 1e-14, 64 << 20
#: weights up to which the nearest vertex is looked for among several times as many rows, by a factor with pivots
PIVOTS = 300


def losses_of(r: Array, low: Array, high: Array, rounded: Array) -> Array:
    """The terms of a `Sum`, of residuals r."""
    if not rounded.any():
        return np.maximum(low * r, high * r)
    with np.errstate(all="ignore"):
        z = np.where(rounded > 0, np.clip(r / rounded, low, high), np.where(r > 0, high, low))
    return z * r - rounded / 2 * z * z


class Sum(NamedTuple):
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
        r = self.target - self.design.times(w)
        return float(losses_of(r, self.low, self.high, self.round).sum() + self.ridge @ (w * w) / 2)

    @property
    def linear(self) -> bool:
        """Whether it is a linear programme."""
        return not (self.ridge.any() or self.round.any())

    def bound(self, z: Array, w: Array, value: float) -> float:
        """What no weights are below, by dual variables z within low and high; of a sum that is `value` at w."""
        g, r = self.design.transposed(z), self.ridge
        most = FURTHER * (np.abs(w) + 1 / len(z))
        with np.errstate(all="ignore"):
            most = np.fmin(most, np.where(r > 0, np.sqrt(2 * value / r), np.inf))
            inside = np.where(np.abs(g) <= r * most, -g * g / (2 * r), r / 2 * most * most - np.abs(g) * most)
        return float(self.target @ z - self.round @ (z * z) / 2 + np.where(r > 0, inside, -np.abs(g) * most).sum())


def conditioned(total: Sum) -> tuple[Sum, Array | None]:
    """The same in weights v, w = basis·v, whose columns are orthogonal, where those of w are all but dependent; else itself.

    Directions in which no row has a part are left out, or come last if there are unit rows.
    """
    design = total.design
    n, size = design.n, design.size
    if not total.linear or size > PIVOTS or 8 * n * size > MOST_BYTES:
        return total, None
    plain = Design(design.blocks, n, design.d, design.intercept, 1, np.zeros(0, dtype=np.intp))
    values = np.linalg.eigvalsh(plain.gram(np.full(n, 1 / n)))
    if values[0] > EVEN * values[-1]:
        return total, None
    rows = plain.rows(np.arange(n))
    _, sizes, right = np.linalg.svd(rows, full_matrices=n < size)
    sizes = np.concatenate([sizes, np.zeros(size - len(sizes))])
    known = sizes > DEPENDENT * sizes[0]
    basis = right.T[:, :len(known)] / np.where(known, sizes / np.sqrt(n), 1.0)
    if not len(design.units):
        basis, known = basis[:, known], known[known]
    turned = rows @ basis
    turned[:, ~known] = 0.0
    inner = Design(lambda: [(slice(0, n), turned)], n, basis.shape[1], False, design.copies, basis[design.units])
    return total._replace(design=inner, ridge=np.zeros(basis.shape[1])), basis


class Point(NamedTuple):
    """Weights w, dual z with its distances to the bounds, and the multipliers of those: the parts of the residual."""
    w: Array
    z: Array
    above: Array      # z − low
    below: Array      # high − z
    under: Array      # multiplier of low: the residual's negative part
    over: Array       # multiplier of high: its positive part

    @property
    def gap(self) -> float:
        return float(self.above @ self.under + self.below @ self.over)


class Outcome(NamedTuple):
    """Weights, the value there, what no weights are below, iterations, and why they ended."""
    w: Array
    value: float
    bound: float
    n_iter: int
    message: str


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


def longest(at: Array, step: Array) -> float:
    """The longest step that keeps `at` positive, at most 1."""
    with np.errstate(all="ignore"):
        far = np.where(step < 0, at / -step, np.inf)
    return float(min(1.0, SHORT_OF * far.min()))


def newton(total: Sum, point: Point) -> Point:
    """One predictor-corrector step of Mehrotra."""
    design, above, below, under, over = total.design, point.above, point.below, point.under, point.over
    q = 1 / (total.round + under / above + over / below)
    gram = design.gram(q)
    gram[np.diag_indices(design.size)] += total.ridge
    solve = factorise(gram)
    rest = total.target - design.times(point.w) - total.round * point.z - over + under
    balance = total.ridge * point.w - design.transposed(point.z)

    def direction(lower: Array, upper: Array) -> tuple[Array, Array, Array, Array]:
        """By what the products of distances and multipliers are to change."""
        g = rest + lower / above - upper / below
        w = solve(design.transposed(q * g) - balance)
        z = q * (g - design.times(w))
        return w, z, (lower - under * z) / above, (upper + over * z) / below

    w, z, d_under, d_over = direction(-above * under, -below * over)
    dual, primal = min(longest(above, z), longest(below, -z)), min(longest(under, d_under), longest(over, d_over))
    ahead = ((above + dual * z) @ (under + primal * d_under) + (below - dual * z) @ (over + primal * d_over))
    mean = point.gap / (2 * len(z)) * (ahead / point.gap) ** 3
    w, z, d_under, d_over = direction(mean - above * under - z * d_under, mean - below * over + z * d_over)
    dual, primal = min(longest(above, z), longest(below, -z)), min(longest(under, d_under), longest(over, d_over))
    if not total.linear:   # each of w and z is in the other's constraints: one step for both
        dual = primal = min(dual, primal)
    return Point(point.w + primal * w, point.z + dual * z, above + dual * z, below - dual * z, under + primal * d_under,
                 over + primal * d_over)


def start(total: Sum) -> Point:
    """Weights by least squares, dual variables of 0 or in the middle, and multipliers that are far from 0."""
    design, width = total.design, total.high - total.low
    gram = design.gram(width)
    gram[np.diag_indices(design.size)] += total.ridge
    w = factorise(gram)(design.transposed(width * total.target))
    r = total.target - design.times(w)
    away = max(float(np.abs(r).mean()), 1e-3)
    near = np.minimum(-total.low, total.high) < 1e-3 * width
    z = np.where(near, total.low / 2 + total.high / 2, 0.0)
    return Point(w, z, z - total.low, total.high - z, np.maximum(-r, 0) + away, np.maximum(r, 0) + away)


def vertex(total: Sum, w: Array) -> Array:
    """The vertex that w is near: as many residuals exactly 0 as there are weights; w itself if that is no better."""
    size = len(w)
    r = np.abs(total.target - total.design.times(w))
    nearest = np.argsort(r, kind="stable")[:5 * size if size <= PIVOTS else size]
    rows = total.design.rows(nearest)
    if size <= PIVOTS:   # of these, rows that determine w, the nearest first
        scale = 1 / (r[nearest] + 1e-10 * (1 + r[nearest].max()))
        triangle, order = scipy.linalg.qr((rows * scale[:, None]).T, mode="r", pivoting=True, check_finite=False)
        diagonal = np.abs(np.diag(triangle))
        order = order[:len(diagonal)][diagonal > 1e-13 * diagonal.max(initial=0.0)]
        nearest, rows = nearest[order], rows[order]
    with np.errstate(all="ignore"):
        found = w + np.linalg.lstsq(rows, (total.target - total.design.times(w))[nearest], rcond=None)[0]
    unit = nearest >= total.design.n * total.design.copies
    if not total.design.dense:
        found[total.design.units[nearest[unit] - total.design.n * total.design.copies]] = total.target[nearest[unit]]
    return found if np.isfinite(found).all() and total.value(found) <= total.value(w) else w


def minimize(total: Sum, tol: float, max_iter: int, after: Callable[[Outcome], Any] | None = None) -> Outcome:
    """The minimum, to a gap of tol times the value; `after` each iteration is told, and may raise StopIteration."""
    if total.design.size == 0:
        value = total.value(np.zeros(0))
        return Outcome(np.zeros(0), value, value, 0, GAP_CLOSED)
    inner, basis = conditioned(total)

    def outer(outcome: Outcome) -> Outcome:
        return outcome if basis is None else outcome._replace(w=_restored(total, basis, outcome.w))
    tell = None if after is None else lambda outcome: after(outer(outcome))
    found = _minimize(inner, tol, max_iter, tell)
    if total.linear and found.n_iter:
        if found.value < SMALL and found.value - found.bound > tol * found.value > TINY:
            found = _again(inner, found, tol, max_iter - found.n_iter)
        w = vertex(inner, found.w)
        found = found._replace(w=w, value=inner.value(w))
    return outer(found)


def _again(total: Sum, at: Outcome, tol: float, max_iter: int) -> Outcome:
    """From a point whose value is small beside the targets: the targets less the predictions there, in units of that value."""
    unit = at.value
    more = _minimize(total._replace(target=(total.target - total.design.times(at.w)) / unit), tol, max_iter, None)
    w = at.w + unit * more.w
    value, n_iter = total.value(w), at.n_iter + more.n_iter
    if not value <= at.value:
        return at._replace(n_iter=n_iter)
    return Outcome(w, value, max(at.bound, unit * more.bound), n_iter, more.message)


def _restored(total: Sum, basis: Array, v: Array) -> Array:
    """w = basis·v; where a unit row's residual is nothing but rounding, it is 0."""
    w, units = basis @ v, total.design.units
    target = total.target[total.design.n * total.design.copies:]
    exact = np.abs(w[units] - target) <= 1e-12 * (np.abs(basis[units]) @ np.abs(v))
    w[units[exact]] = target[exact]
    return w


def _minimize(total: Sum, tol: float, max_iter: int, after: Callable[[Outcome], Any] | None) -> Outcome:
    point = start(total)
    best, value = point.w, total.value(point.w)
    bound, n_iter, idle = -np.inf, 0, 0
    while True:
        bound, before = max(bound, total.bound(point.z, best, value)), value - bound
        if value - bound <= tol * max(abs(value), SMALL):
            return Outcome(best, value, bound, n_iter, GAP_CLOSED)
        idle = 0 if n_iter == 0 or value - bound < 0.9 * before else idle + 1
        if n_iter >= max_iter:
            return Outcome(best, value, bound, n_iter, LIMIT)
        with np.errstate(all="ignore"):
            point = newton(total, point)
            now = total.value(point.w)
        if idle > PATIENCE or not (np.isfinite(point.w).all() and np.isfinite(point.z).all()):
            return Outcome(best, value, bound, n_iter, PRECISION)
        n_iter += 1
        if now < value:
            best, value = point.w, now
        if after is not None:
            try:
                after(Outcome(best, value, bound, n_iter, LIMIT))
            except StopIteration:
                return Outcome(best, value, bound, n_iter, STOPPED)
