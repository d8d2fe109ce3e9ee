"""What the solvers of smooth objectives share: where a run is, a step along a line, when it ends.

A method is a generator over a Descent: each `next` is one iteration; it returns `Descent.standstill` where it cannot lower the value
any more.
Used by _solvers.smooth.lbfgs, _solvers.smooth.newton and _solvers.smooth.newton_cg.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fastopt._linalg.lbfgs import dot, largest
from fastopt._methods.iterate import Patience
from fastopt._methods.linesearch import WIDEN, Bracketing
from fastopt._solvers.iterate import Steps, iterate
from fastopt._solvers.registry import CONVERGED, NOT_FINITE, PRECISION, Callback, Solution, Vector
from fastopt.objective import LinearObjective
from fastopt.objective._hessian import at_once, hessian, second_order

Method = Callable[["Descent"], Steps]

C1, C2, MAXLS = 1e-4, 0.9, 30
#: slope at the end of a Newton step, relative to that at its beginning, and trials for it, which cost little
MAX_END_SLOPE, MAX_SECANTS = 0.1, 3
#: The Hessian is summed up along with the gradient if the next violation is expected to be more than so many times tol.
HESSIAN_AHEAD = 10.0
#: the share of the violation that a first step is expected to leave
FIRST_DROP = 0.01
#: how far a step may still move the predictions of squared errors at the end, as a share of the way they have come
PREDICTION_TOL = 1e-5
#: the relative rounding of a value, below which no step can be seen to lower it
VALUE_ROUNDING = 1e-9
#: The minimum is far if a Newton step is expected to lower the value by more than this share.
FAR_GAIN = 1e-3
#: iterations in a row, and Newton steps, that lower neither value nor gradient: tol is below what rounding lets a run reach
PATIENCE, NEWTON_PATIENCE = 5, 3
#: the share of the violation that a Newton step may leave if it lowers the value by no more than rounding
NEWTON_DROP = 0.9


class Descent:
    """The point where a run is, and the step from there.

    Attributes
    ----------
    objective : LinearObjective
    w, g : ndarray of shape (n_params,)
        The point and the gradient there.
    value, violation : float
        The objective there, and the largest element of the gradient.
    tol : float
        The goal of `violation`.
    newton : bool
        Whether steps are Newton's by the whole Hessian.
    decrement : float
        Twice what the last step was expected to lower the value by.
    gain : float
        By how much it did lower the value.
    bounds, away : bool
        Whether Hessians can have the curvature of an upper bound of the loss where it is far from its minimum, and whether they do.
    unit, softest : ndarray or float
        The unit of the weights, and in this unit one over the least curvature that steps have shown, if a method computes them.
    """

    def __init__(self, objective: LinearObjective, w0: Vector, tol: float, newton: bool = False) -> None:
        self.objective, self.w, self.tol, self.newton = objective, w0, tol, newton
        self.search = LineSearch(self)
        self.bounds = self.away = newton and at_once(objective)
        self.violation, self.expected = math.inf, math.inf
        self.moved, self.drifts, self.softest = False, False, 0.0
        self.unit: Vector | float = 1.0
        found = w0[:objective.n_outputs * objective.n_features].any()   # by the steps of an earlier run
        self.decrement = self.gain = 0.0 if found else math.inf
        self.look()
        self.first = self.value

    def look(self) -> None:
        """Value and gradient at w; for Newton's method also the Hessian, from the same reading of X, if another step is expected."""
        self._hessian: Vector | None = None
        if self.drifts:
            self.objective.forget()
            self.moved = False
        if self.newton and self.expected > HESSIAN_AHEAD * self.tol:
            self.value, self.g, self._hessian = second_order(self.objective, self.w, bound=self.away)
        else:
            self.value, self.g = self.objective.value_and_gradient(self.w)
        before, self.violation = self.violation, largest(self.g)
        if self.objective.loss.name == "squared_error":   # one step ends it
            self.expected = 0.0
        else:
            self.expected = self.violation * (self.violation / before if 0 < before < math.inf else FIRST_DROP)

    def hessian(self) -> Vector:
        """The Hessian at w, on and below the diagonal; the caller's own."""
        found, self._hessian = self._hessian, None
        return hessian(self.objective, self.w, whole=False, bound=self.away) if found is None else found

    def far(self, direction: Vector) -> bool:
        """Whether a Newton step is expected to gain more than a small share of the value."""
        return -dot(direction, self.g) > FAR_GAIN * abs(self.value)

    @property
    def spent(self) -> bool:
        """Whether the last step was expected to lower the value by less than the rounding that line searches reckon with."""
        return self.decrement <= self.search.rounding * abs(self.value)

    def holds(self) -> bool:
        """Whether the violation is within tol with predictions that are computed from X, not moved along lines.  If it is only with moved
        ones, predictions are computed anew after each step from now on."""
        if self.violation <= self.tol and self.moved:
            self.drifts = True
            self.look()
            self.drifts = not self.violation <= self.tol
        return self.violation <= self.tol

    @property
    def settled(self) -> bool:
        """Whether the last step gained nothing any more: a gradient within tol says little if columns hold small numbers.  With squared
        errors, predictions must move no further, as a share of the way they have come; other losses, which have a unit, must fall by
        no more than tol times their value."""
        if self.violation == 0:
            return True
        if self.objective.loss.name == "squared_error":
            away = max(self.decrement, self.softest * float(np.sum((self.unit * self.g) ** 2)))
            return away <= PREDICTION_TOL ** 2 * 2 * (self.first - self.value)
        return max(self.decrement, self.gain) <= max(self.tol, VALUE_ROUNDING) * max(abs(self.value), self.first - self.value)

    @property
    def standstill(self) -> str:
        """Why a run ends that comes no further."""
        return CONVERGED if self.violation <= self.tol else PRECISION

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value) and math.isfinite(self.violation)

    def step(self, direction: Vector, guess: float = 1.0, widen: float = WIDEN) -> bool:
        """Take a step along a direction by Wolfe's conditions; False if the value does not fall."""
        slope = dot(direction, self.g)
        if not slope < 0:
            return False
        self.decrement = -slope
        self.away = self.bounds and self.far(direction)
        line = self.search.line = self.objective.line(self.w, direction)
        step = self.search.search(direction, slope, guess, widen=widen)
        if not step:
            return False
        if self.newton:
            step = self.search.polish(step, slope)
        self.w, self.moved, before = line.accept(step), True, self.value
        self.look()
        self.gain = before - self.value
        return True


class LineSearch(Bracketing):
    """Wolfe's conditions along a line of the objective, where a trial costs no reading of X."""

    line: Callable[[float], tuple[float, float]]
    seen: tuple[float, float]   # value and slope at the last trial

    def __init__(self, descent: Descent) -> None:
        super().__init__(C1, C2, MAXLS, 10 * float(np.finfo(descent.objective.dtype).eps))
        self.descent = descent

    def _value(self) -> float:
        return self.descent.value

    def _probe(self, direction: Vector, t: float, threshold: float) -> tuple[float, float]:
        value, slope = self.line(t)
        self.seen = (value, slope) if math.isfinite(value) else (math.inf, math.nan)
        return self.seen

    def polish(self, t: float, slope: float) -> float:
        """A step near t, which is the last that was tried, with less of a slope, by secants, as long as the value falls."""
        a, da, (value, d) = 0.0, slope, self.seen
        for _ in range(MAX_SECANTS):
            if not MAX_END_SLOPE * -slope < abs(d) < math.inf or d == da:
                break
            further = t - d * (t - a) / (d - da)
            if not 0 < further <= WIDEN * t:
                break
            below, steepness = self.line(further)
            if not below < value:
                break
            a, da, t, value, d = t, d, further, below, steepness
        return t


def descend(name: str, method: Method, objective: LinearObjective, w0: Vector, tol: float, max_iter: int,
            callback: Callback | None, newton: bool = False, quick: bool = False) -> Solution:
    """Iterate until the gradient is within tol, or steps gain nothing.  `newton` is that of `Descent`; with it, or if a method is `quick`
    otherwise, steps that gain no more than rounding count as idle."""
    descent = Descent(objective, w0, tol, newton and max_iter > 0)
    patience = Patience(NEWTON_PATIENCE, NEWTON_DROP, descent.search.rounding) if newton or quick else Patience(PATIENCE)
    drifts = False

    def look(n_iter: int) -> Solution:
        nonlocal drifts
        within, end = descent.holds(), ""
        if not descent.finite:
            end = NOT_FINITE
        elif within and descent.settled:
            end = CONVERGED
        else:
            if descent.drifts and not drifts:   # the values that were seen so far were not exact
                patience.start_anew()
                drifts = True
            if patience.ends(descent.value, descent.violation):
                end = descent.standstill
        return Solution(descent.w, descent.value, n_iter, descent.violation, math.nan, end == CONVERGED, end, name)

    return iterate(method(descent), look, max_iter, callback)
