"""The quadratic model of L-BFGS-B and its minimum within bounds: Cauchy point, then the variables that are free there.

Used by _minimize_quasi_newton.  References: Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained
optimization", SIAM J. Sci. Comput. 16 (1995); Morales and Nocedal, ACM TOMS 38 (2011), for the projection of the last step.
"""
from __future__ import annotations

import numpy as np

from ._lbfgs import History, dot
from ._minimize_objective import Array

BLOCK = 4    # breakpoints of the projected path that are looked at together at first


class Model:
    """B = θ·I − W·M·Wᵀ with the rows of Wᵀ the y and θ·s of the pairs; `m` is M, of twice as many rows as pairs, `inverse` M⁻¹."""

    def __init__(self, history: History) -> None:
        count, size = history.count, history.size
        rows = history.pairs if count == size else history.pairs[np.r_[:count, size:size + count]]
        self.theta = history.yy / history.newest_sy
        self.rows = rows
        self.scale = np.repeat([1.0, self.theta], count)
        self.gram = (rows @ rows.T).astype(np.float64)
        sy, ss = self.gram[count:, :count], self.gram[count:, count:]
        age = (np.arange(count) - history.first) % size
        lower = np.where(age[:, None] > age, sy, 0.0)
        self.inverse = np.empty((2 * count, 2 * count))
        self.inverse[:count, :count], self.inverse[count:, count:] = -np.diag(sy.diagonal()), self.theta * ss
        self.inverse[:count, count:], self.inverse[count:, :count] = lower.T, lower
        self.m = np.linalg.inv(self.inverse)

    def wt(self, v: Array) -> Array:
        """Wᵀ·v"""
        return np.asarray(self.scale * (self.rows @ v))

    def w(self, v: Array) -> Array:
        """W·v"""
        return np.asarray((self.scale * v).astype(self.rows.dtype) @ self.rows)

    def free_gram(self, free: Array) -> Array:
        """Wᵀ·W over the free variables."""
        few = ~free if 2 * np.count_nonzero(free) > free.size else free    # the smaller side: the free or the held variables
        rows = self.rows[:, np.flatnonzero(few)]
        gram = rows @ rows.T
        if few is not free:
            gram = self.gram - gram
        return np.asarray(gram * np.outer(self.scale, self.scale))


def bounded_step(x: Array, g: Array, lower: Array, upper: Array, history: History) -> Array:
    """From x to the minimum of the model within the bounds."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        times = np.where(g > 0, (x - lower) / g, np.where(g < 0, (x - upper) / g, np.inf))
    if history.count == 0:
        return np.asarray(np.clip(x - g, lower, upper) - x)
    try:
        model = Model(history)
        cauchy = cauchy_point(x, g, lower, upper, times, model)
        return np.asarray(subspace_minimum(x, g, lower, upper, cauchy, model) - x)
    except np.linalg.LinAlgError:   # M is singular to rounding
        history.clear()
        return np.asarray(np.clip(x - g, lower, upper) - x)


def cauchy_point(x: Array, g: Array, lower: Array, upper: Array, times: Array, model: Model) -> Array:
    """The first minimum of the model along the projected path x − t·g."""
    stop = _first_minimum(g, times, model)
    point = np.clip(x - stop * g, lower, upper)
    at = times <= stop
    return np.where(at & (g > 0), lower, np.where(at & (g < 0), upper, point)).astype(x.dtype, copy=False)


def _first_minimum(g: Array, times: Array, model: Model) -> float:
    """Its time.  Breakpoints are taken in blocks, a segment of the path a row: slopes and curvatures of all at once."""
    moving = np.where(times > 0, g, g.dtype.type(0))
    square, t = dot(moving, moving), 0.0
    p, c = -model.wt(moving), np.zeros(len(model.scale))
    curvature = model.theta * square - float(p @ model.m @ p)
    if curvature > 0 and square / curvature <= np.min(times, where=times > 0, initial=np.inf):   # before the first breakpoint
        return square / curvature
    waiting = np.flatnonzero((times > 0) & (times < np.inf))
    size = BLOCK
    while True:
        if waiting.size > size:
            part = np.argpartition(times[waiting], size)
            block, waiting = waiting[part[:size]], waiting[part[size:]]
        else:
            block, waiting = waiting, waiting[:0]
        block = block[np.argsort(times[block])]
        # row j: the segment that starts at the j-th breakpoint, row 0 where the block before ended
        start = np.concatenate([[t], times[block]]).astype(np.float64)
        way = np.diff(start, append=start[-1] if waiting.size else np.inf)
        gb = g[block].astype(np.float64)
        squares = square - np.concatenate([[0.0], np.cumsum(gb * gb)])
        ps = p + np.concatenate([np.zeros((1, len(p))), np.cumsum(gb[:, None] * model.scale * model.rows[:, block].T, 0)])
        cs = c + np.concatenate([np.zeros((1, len(p))), np.cumsum(way[:-1, None] * ps[:-1], 0)])
        mp = ps @ model.m
        slope = squares * (model.theta * start - 1) - np.einsum("ij,ij->i", mp, cs)
        curvatures = model.theta * squares - np.einsum("ij,ij->i", mp, ps)
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = np.where((slope < 0) & (curvatures > 0), -slope / curvatures, 0.0)
        found = np.flatnonzero(rest < way)
        if found.size or not waiting.size:
            j = found[0] if found.size else len(way) - 1
            return float(start[j] + rest[j])
        # the last row has no way yet: the next block starts there
        square, t, p, c, size = squares[-1], start[-1], ps[-1], cs[-1], 8 * size


def subspace_minimum(x: Array, g: Array, lower: Array, upper: Array, cauchy: Array, model: Model) -> Array:
    """The model's minimum over the variables that are free at the Cauchy point, the others held, brought into the bounds."""
    free = (cauchy > lower) & (cauchy < upper)
    if not free.any():
        return cauchy
    moved = cauchy - x
    residual = -(g + model.theta * moved - model.w(model.m @ model.wt(moved)))
    residual[~free] = 0
    theta = model.theta
    inner = np.linalg.solve(model.inverse - model.free_gram(free) / theta, model.wt(residual))
    step = (residual + model.w(inner) / theta) / theta
    step[~free] = 0
    target = np.clip(cauchy + step, lower, upper).astype(x.dtype, copy=False)
    if dot(target - x, g) < 0:
        return target
    shorter = cauchy + min(1.0, longest_step(cauchy, step, lower, upper)) * step
    return np.clip(shorter, lower, upper).astype(x.dtype, copy=False)


def longest_step(x: Array, direction: Array, lower: Array, upper: Array) -> float:
    """The largest t for which x + t·direction is within the bounds."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ways = np.where(direction > 0, (upper - x) / direction, (lower - x) / direction)
    return float(np.where(direction == 0, np.inf, ways).min())
