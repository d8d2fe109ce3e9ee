"""Proximal gradient steps with FISTA's acceleration, for any penalty with a proximal operator; zeros are exact.

Used by minimize with bounds and an l1 penalty, and by the solver "fista"; without bounds and penalty it is Nesterov's accelerated gradient method.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt._core.tables import PENALTY_NAMES
from fastopt._linalg.lbfgs import dot
from fastopt.penalties._regularizer import Regularizer

from .function import Array
from .run import Point, Run, Steps, copy_point

RELAX = 0.9   # the curvature falls by this in a step, so that steps grow again


class Prox:
    """A penalty of the first numbers of x, and its proximal operator; the end of the run in the norm of a step of scale 1."""

    def __init__(self, run: Run, penalty: Regularizer) -> None:
        self.run, self.penalty = run, penalty

    def value(self, x: Array) -> float:
        return self.penalty.value(x[:self.penalty.n])

    def step(self, x: Array, g: Array, scale: float, out: Array) -> None:
        """argmin over z of the penalty of z + ‖z − (x − scale·g)‖²/(2·scale)"""
        np.multiply(g, -scale, out=out)
        out += x
        penalised = out[:self.penalty.n]
        self.penalty.prox(penalised, scale, penalised)

    def optimality(self) -> float:
        """The largest component of a step of scale 1."""
        point, scratch = self.run.point, self.run.trial.x
        self.step(point.x, point.g, 1.0, scratch)
        return float(np.abs(np.subtract(scratch, point.x, out=scratch)).max())


def l1_within_bounds(run: Run, l1: Any) -> Prox:
    """The penalty l1·‖x‖₁ within the bounds of the run."""
    n = run.point.x.size
    return Prox(run, Regularizer(n, PENALTY_NAMES.index("l1"), 1.0, 0.0, np.broadcast_to(l1, n), run.lower, run.upper))


def proximal_gradient(run: Run, options: Mapping[str, Any]) -> Steps:
    """FISTA (Beck and Teboulle) with backtracking, and restarts where the momentum leads up (O'Donoghue and Candès)."""
    prox = l1_within_bounds(run, options["l1"])
    run.optimality, run.penalty = prox.optimality, prox.value
    return fista(run, prox, options)


def fista(run: Run, prox: Prox, options: Mapping[str, Any]) -> Steps:
    point = run.point
    ahead = Point(point.x.copy())      # the extrapolated point, where the gradient is taken
    ahead.f, ahead.g = point.f - prox.value(point.x), point.g.copy()
    curvature, momentum, delta = max(1.0, math.sqrt(dot(point.g, point.g))), 1.0, np.empty_like(point.x)
    rounding = 100 * float(np.finfo(point.x.dtype).eps)
    while True:
        curvature, smooth = _descend(run, prox, ahead, delta, curvature, rounding)
        if not curvature:
            return run.stuck()
        trial, point = run.trial, run.point
        trial.f = smooth + prox.value(trial.x)
        if trial.f > point.f + rounding * abs(point.f) and momentum > 1:   # momentum led up: from the point once more
            copy_point(point, ahead, point.f - prox.value(point.x))
            momentum = 1.0
            continue
        restart = options["restart"] and dot(delta, trial.x - point.x) < 0
        run.accept()
        momentum = _look_ahead(run, ahead, smooth, 1.0 if restart or not options["accelerate"] else momentum,
                               options["accelerate"])
        yield


def _descend(run: Run, prox: Prox, ahead: Point, delta: Array, curvature: float, rounding: float) -> tuple[float, float]:
    """A proximal step from `ahead` into the trial: the curvature to try next, 0 without a step, and the smooth value there.

    The curvature L grows until f(x) ≤ f(y) + g(y)·(x − y) + L/2 ‖x − y‖².  Where these values agree to rounding they say nothing:
    L does not grow, and falls if the gradients agree, (g(x) − g(y))·(x − y) ≤ L ‖x − y‖².
    """
    trial = run.trial
    for _ in range(100):
        prox.step(ahead.x, ahead.g, 1 / curvature, trial.x)
        np.subtract(trial.x, ahead.x, out=delta)
        square = dot(delta, delta)
        if square == 0 and not np.any(ahead.x != run.point.x):
            return 0.0, math.nan
        if run.evaluate(trial):
            rise = trial.f - ahead.f - dot(ahead.g, delta)
            level = abs(trial.f - ahead.f) <= rounding * abs(ahead.f)
            if level:
                fits = dot(trial.g - ahead.g, delta) <= curvature * square
                return RELAX * curvature if fits else curvature, trial.f
            if rise <= 0.5 * curvature * square + 0.1 * rounding * abs(ahead.f):
                return RELAX * curvature, trial.f
            curvature = max(2 * curvature, min(2 * rise / square, 10 * curvature))
        else:
            curvature *= 10
    return 0.0, math.nan


def _look_ahead(run: Run, ahead: Point, smooth: float, momentum: float, accelerate: bool) -> float:
    """Extrapolate, and the next momentum."""
    longer = 0.5 * (1 + math.sqrt(1 + 4 * momentum * momentum)) if accelerate else 1.0
    share = (momentum - 1) / longer
    copy_point(run.point, ahead, smooth)
    if share > 0:
        ahead.x += share * (run.point.x - run.previous.x)
        run.clip(ahead.x)
        if not run.evaluate(ahead):
            copy_point(run.point, ahead, smooth)
            return 1.0
    return longer
