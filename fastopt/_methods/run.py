"""One minimisation: its point, when it ends, the callback, and the result in SciPy's form.

A method is a generator over a Run: each `next` is one iteration, which leaves the new point in ``run.point`` and the one before
in ``run.previous``; a method that cannot go on returns a status.  Used by the methods and the front doors.
"""
from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Mapping
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from .function import Array, Objective
from .iterate import Patience, iterate

SUCCESS, LIMIT, PRECISION, NAN, STOPPED = 0, 1, 2, 3, 99

#: SciPy's sentences
CONVERGED = "Optimization terminated successfully."
MAX_ITERATIONS = "Maximum number of iterations has been exceeded."
MAX_EVALUATIONS = "Maximum number of function evaluations has been exceeded."
MESSAGES = {SUCCESS: CONVERGED, PRECISION: "Desired error not necessarily achieved due to precision loss.",
            NAN: "NaN result encountered.", STOPPED: "`callback` raised `StopIteration`."}

#: iterations in a row that lower neither value nor gradient: gtol is below what rounding lets a method reach
MAX_IDLE = 50

WITHIN_GTOL = " The gradient is within gtol."

Steps = Generator[None, None, int]


class Point:
    """A point, the value and the gradient there."""
    __slots__ = ("x", "f", "g")

    def __init__(self, x: Array) -> None:
        self.x, self.f, self.g = x, math.nan, np.zeros_like(x)


def copy_point(point: Point, to: Point, f: float) -> None:
    """Copy a point, with this value."""
    np.copyto(to.x, point.x)
    np.copyto(to.g, point.g)
    to.f = f


class Run:
    """The state that methods share.

    Attributes
    ----------
    point, previous : Point
        Where the run is, and where it was an iteration before.
    trial : Point
        Room for the point that is being tried.
    lower, upper : ndarray or None
        Bounds on x.
    nit : int
        Iterations done.
    extra : dict
        Fields of the result that only this method has.
    optimality : callable
        How far the point is from stationary, in the norm of `gtol`.
    penalty : callable
        What is added to fun, as a function of x; methods with proximal steps add it themselves.
    patience : float
        Iterations without a lower value or gradient until the run ends; methods that are free to go up set it to inf.
    finish : callable
        Called at the end with the status: a method may still choose the point.
    """

    def __init__(self, objective: Objective, x0: Array, bounds: tuple[Array, Array] | None = None) -> None:
        self.objective, self.nit = objective, 0
        self.lower: Array | None = None if bounds is None else bounds[0]
        self.upper: Array | None = None if bounds is None else bounds[1]
        self.point, self.previous, self.trial = (Point(x) for x in (x0.copy(), x0.copy(), x0.copy()))
        self.extra: dict[str, Any] = {}
        self.optimality: Callable[[], float] = self._gradient_norm if bounds is None else self._projected_norm
        self.penalty: Callable[[Array], float] = lambda x: 0.0
        self._scratch = np.empty_like(x0)
        self.nan_seen = False
        self.patience: float = MAX_IDLE
        self.finish: Callable[[int], None] = lambda status: None

    def clip(self, x: Array) -> Array:
        """x moved into the bounds."""
        return x if self.lower is None else np.clip(x, self.lower, self.upper, out=x)

    def evaluate(self, point: Point) -> bool:
        """Value and gradient at point.x; False if one of them is not finite."""
        point.f = self.objective.value(point.x)
        finite = math.isfinite(point.f) and self.objective.gradient(point.x, point.g)
        self.nan_seen = self.nan_seen or not finite
        return finite

    def start(self) -> bool:
        """Evaluate the first point."""
        finite = self.evaluate(self.point)
        self.point.f += self.penalty(self.point.x)
        return finite

    def accept(self) -> None:
        """The trial becomes the point."""
        self.previous, self.point, self.trial = self.point, self.trial, self.previous

    def _gradient_norm(self) -> float:
        return float(np.abs(self.point.g, out=self._scratch).max())

    def _projected_norm(self) -> float:
        step = np.subtract(self.point.x, self.point.g, out=self._scratch)
        np.subtract(self.clip(step), self.point.x, out=step)
        return float(np.abs(step, out=step).max())

    def stuck(self) -> int:
        """The status of a method that finds no better point."""
        return NAN if self.nan_seen else PRECISION


def drive(run: Run, steps: Steps, options: Mapping[str, Any], callback: Callable[[OptimizeResult], None] | None
          ) -> OptimizeResult:
    """Iterate until a test is met."""
    if not run.start():
        return result(run, NAN)
    patience = Patience(run.patience)

    def look(nit: int) -> tuple[int, str] | None:
        run.nit, run.nan_seen = nit, False
        optimality = run.optimality()
        reason = WITHIN_GTOL if optimality <= options["gtol"] else small_change(run, options) if nit else ""
        if reason:
            return SUCCESS, reason
        if patience.ends(run.point.f, optimality):
            return PRECISION, ""
        if nit >= options["maxiter"]:
            return LIMIT, MAX_ITERATIONS
        return (LIMIT, MAX_EVALUATIONS) if run.objective.nfev >= options["maxfun"] else None

    tell = None if callback is None else lambda: callback(OptimizeResult(x=run.point.x.copy(), fun=run.point.f))
    return result(run, *iterate(_with_detail(steps), look, tell, (STOPPED, "")))


def _with_detail(steps: Steps) -> Generator[None, None, tuple[int, str]]:
    """The same steps; their end is a status without a detail."""
    return (yield from steps), ""


def small_change(run: Run, options: Mapping[str, Any]) -> str:
    """The reason to end after the last step, which was small; empty if it was not."""
    new, old = run.point, run.previous
    if options["ftol"] > 0 and old.f - new.f <= options["ftol"] * max(abs(old.f), abs(new.f), 1):
        return " The value's relative reduction is within ftol."
    if options["xtol"] > 0:
        moved = np.linalg.norm(np.subtract(new.x, old.x, out=run.trial.x))
        if moved <= options["xtol"] * (options["xtol"] + np.linalg.norm(new.x)):
            return " The step is within xtol."
    return ""


def result(run: Run, status: int, detail: str = "") -> OptimizeResult:
    """SciPy's result."""
    run.finish(status)
    message = detail if status == LIMIT else MESSAGES[status] + detail
    return OptimizeResult(x=run.point.x, fun=run.point.f, jac=run.point.g, nit=run.nit, nfev=run.objective.nfev,
                          njev=run.objective.njev, status=status, success=status == SUCCESS, message=message,
                          **run.extra)


def wrap_callback(callback: Callable[..., Any] | None) -> Callable[[OptimizeResult], None] | None:
    """SciPy's two kinds of callback as one: of ``intermediate_result`` by that name, or of a copy of x."""
    if callback is None:
        return None
    try:
        by_name = set(inspect.signature(callback).parameters) == {"intermediate_result"}
    except (TypeError, ValueError):   # some builtins have no signature
        by_name = False
    if by_name:
        return lambda state: callback(intermediate_result=state)
    return lambda state: callback(state.x)
