"""The step along a direction: Armijo's backtracking, and a search for Wolfe's conditions that copes with rounding.

Used by the descent and quasi-Newton methods; knows only values and slopes on a ray.
"""
from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from fastopt._linalg.lbfgs import dot

from .function import Array
from .run import Point, Run

WIDEN = 4.0       # the most by which a step grows at once (Moré and Thuente)
FAR = 100.0       # the same if the scale of the first guess is unknown
MARGIN = 0.1      # a step inside a bracket keeps away from its ends by this share
SHRINK = 0.66     # a bracket that did not shrink by this much in two steps is halved
C1, HALVINGS = 1e-4, 40   # backtracking by values: the least share of the expected change, and trials at most


class Bracketing(ABC):
    """Steps t with f(t) ≤ f(0) + c1·t·f'(0) and |f'(t)| ≤ −c2·f'(0).

    Where f(t) and f(0) agree to rounding, their difference says nothing, and the first condition is replaced by that on slopes
    which equals it for a quadratic, f'(t) ≤ (2·c1 − 1)·f'(0) (Hager and Zhang).  The bracket is narrowed by cubic
    interpolation, a quadratic one where the slope was not asked for because the value alone was too high.

    Parameters
    ----------
    c1, c2 : float
    maxls : int
        Points tried at most.
    rounding : float
        The relative rounding of values.
    """

    def __init__(self, c1: float, c2: float, maxls: int, rounding: float) -> None:
        self.c1, self.c2, self.maxls, self.rounding = c1, c2, maxls, rounding

    def search(self, direction: Array, slope: float, t: float, longest: float = math.inf, widen: float = WIDEN) -> float:
        """The step, from the guess t; 0 if there is none."""
        f0 = self._value()
        noise = self.rounding * abs(f0)
        a, fa, da = 0.0, f0, slope
        b, fb, db = math.inf, math.inf, math.nan
        t, width = min(t, longest), math.inf
        for _ in range(self.maxls):
            f, d = self._probe(direction, t, f0 + max(self.c1 * t * slope, noise))
            low_enough = f <= f0 + self.c1 * t * slope
            level = abs(f - f0) <= noise
            if math.isfinite(d):
                if abs(d) <= -self.c2 * slope and (low_enough or level and d <= (2 * self.c1 - 1) * slope):
                    return t
                if t >= longest and d < 0 and (low_enough or level):
                    return t
            if not math.isfinite(d) or not level and (not low_enough or f > fa) or d >= 0:
                b, fb, db = t, f, d
            else:
                if math.isinf(b):
                    t, a, fa, da = min(_beyond(a, fa, da, t, f, d, widen), longest), t, f, d
                    self._keep_low()
                    continue
                a, fa, da = t, f, d
                self._keep_low()
            t, width = _between(a, fa, da, b, fb, db, width)
            if not a < t < b:
                break
        return self._fall_back(a, fa, f0)

    def _fall_back(self, a: float, fa: float, f0: float) -> float:
        """The lower end of the bracket, where it is an improvement."""
        if a > 0 and fa < f0:
            self._keep_low()
            return a
        return 0.0

    @abstractmethod
    def _value(self) -> float:
        """f(0)."""

    @abstractmethod
    def _probe(self, direction: Array, t: float, threshold: float) -> tuple[float, float]:
        """f(t), infinite where it is not finite, and f'(t), nan where f(t) is not finite or above the threshold and f' costs more."""

    def _keep_low(self) -> None:   # noqa: B027  where points are not stored there is nothing to do
        """The point that was tried last becomes the lower end of the bracket; or, at the end of a search, the other way round."""


class Wolfe(Bracketing):
    """The search of a run, whose `trial` takes the points tried; the accepted one is left there."""

    def __init__(self, run: Run, c1: float, c2: float, maxls: int) -> None:
        super().__init__(c1, c2, maxls, 100 * float(np.finfo(run.point.x.dtype).eps))
        self.run = run
        self.low = Point(np.empty_like(run.point.x))    # the lower end of the bracket, while it is not the start

    def _value(self) -> float:
        return self.run.point.f

    def _probe(self, direction: Array, t: float, threshold: float) -> tuple[float, float]:
        return probe(self.run, direction, t, threshold)

    def _keep_low(self) -> None:
        self.low, self.run.trial = self.run.trial, self.low


class Armijo:
    """Steps t with f(t) ≤ f(0) + c1·t·f'(0), from the guess downwards by quadratic interpolation; rounding as in Wolfe."""

    def __init__(self, run: Run, c1: float, c2: float, maxls: int) -> None:
        self.run, self.c1, self.maxls = run, c1, maxls    # c2 is Wolfe's
        self.rounding = 100 * float(np.finfo(run.point.x.dtype).eps)

    def search(self, direction: Array, slope: float, t: float, longest: float = math.inf) -> float:
        """The step, from the guess t; 0 if there is none."""
        f0, t = self.run.point.f, min(t, longest)
        noise = self.rounding * abs(f0)
        for _ in range(self.maxls):
            f, d = probe(self.run, direction, t, f0 + max(self.c1 * t * slope, noise))
            if math.isfinite(d) and (f <= f0 + self.c1 * t * slope or
                                     abs(f - f0) <= noise and d <= (2 * self.c1 - 1) * slope):
                return t if f != f0 or np.any(self.run.trial.x != self.run.point.x) else 0.0
            t *= min(max(_quadratic(f0, slope, t, f), MARGIN), 0.5)
        return 0.0


def backtrack(value: Callable[[float], float], slope: float, eps: float) -> float:
    """A step, at most 1, that lowers the value by Armijo's rule: 1, 1/2, 1/4 …; 0 if there is none.

    Parameters
    ----------
    value : callable
        Of the step.
    slope : float
        The derivative at 0, or what a step of 1 is expected to change the value by.
    eps : float
        The relative rounding of values.
    """
    start = value(0.0)
    rounding = 10 * eps * abs(start)
    step = 1.0
    for _ in range(HALVINGS):
        if value(step) <= start + C1 * step * slope + rounding:
            return step
        step *= 0.5
    return 0.0


def probe(run: Run, direction: Array, t: float, threshold: float) -> tuple[float, float]:
    """Value and slope at t, into the trial; the slope is nan where the value is above the threshold, unless it is free."""
    trial = run.trial
    np.multiply(direction, t, out=trial.x)
    trial.x += run.point.x
    run.clip(trial.x)
    trial.f = run.objective.value(trial.x)
    if not math.isfinite(trial.f):
        run.nan_seen = True
        return math.inf, math.nan
    if trial.f > threshold and not run.objective.joint:
        return trial.f, math.nan
    if not run.objective.gradient(trial.x, trial.g):
        run.nan_seen = True
        return math.inf, math.nan
    return trial.f, dot(trial.g, direction)


def _quadratic(fa: float, da: float, width: float, fb: float) -> float:
    """The minimum of the parabola of two values and the slope at the first, as a share of the width."""
    curvature = fb - fa - da * width
    return -da * width / (2 * curvature) if 0 < curvature < math.inf else 0.0


def _cubic(a: float, fa: float, da: float, b: float, fb: float, db: float) -> float:
    """The minimum of the cubic of two values and slopes; nan if it has none (Nocedal and Wright, 3.59)."""
    if a == b:
        return math.nan
    d1 = da + db - 3 * (fa - fb) / (a - b)
    square = d1 * d1 - da * db
    if not 0 <= square < math.inf:
        return math.nan
    d2 = math.copysign(math.sqrt(square), b - a)
    scale = db - da + 2 * d2
    return b - (b - a) * (db + d2 - d1) / scale if scale else math.nan


def _beyond(a: float, fa: float, da: float, t: float, f: float, d: float, widen: float) -> float:
    """The next step where the value still falls at t: by the cubic, further by 1.1 to `widen` times the last way."""
    guess, way = _cubic(a, fa, da, t, f, d), t - a
    return min(max(guess, t + 1.1 * way), t + widen * way) if guess > t else t + WIDEN * way


def _between(a: float, fa: float, da: float, b: float, fb: float, db: float, width: float) -> tuple[float, float]:
    """A step inside the bracket, and the bracket's width for the next call."""
    way = b - a
    if way > SHRINK * width:
        return a + 0.5 * way, way
    if math.isfinite(db):
        guess = _cubic(a, fa, da, b, fb, db)
    else:
        guess = a + way * _quadratic(fa, da, way, fb)
    if not math.isfinite(guess):
        guess = a + 0.5 * way
    return min(max(guess, a + MARGIN * way), b - MARGIN * way), way


def first_step(g: Array) -> float:
    """A guess where nothing is known yet: a step of length 1."""
    square = dot(g, g)
    return 1 / math.sqrt(square) if square else 1.0
