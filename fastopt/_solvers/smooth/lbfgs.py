"""Solver "lbfgs": limited-memory BFGS; an iteration reads X once, half for the direction and half for the gradient.

Used by _solvers/auto.py, through the register, and by _solvers/paths/pairs.py.  The pairs are _linalg/lbfgs.pyx's.
"""
from __future__ import annotations

import math

import numpy as np

from fastopt._linalg.lbfgs import History, dot
from fastopt._methods.linesearch import FAR, WIDEN, first_step
from fastopt._solvers.iterate import Steps
from fastopt._solvers.registry import Callback, Needs, RandomState, Solution, Vector, solver
from fastopt._solvers.squares.design_matrix import DesignMatrix, differ
from fastopt.objective import LinearObjective

from .base import Descent, descend
from .subsample import part_of

PAIRS = 10
#: ratio of the diagonal elements of the Hessian of log losses, largest to smallest, up to which weights are not scaled
MAX_UNSCALED_RATIO = 10.0
#: losses whose second derivative at 0 is the largest, for which weights are counted in units of the columns
STEEPEST_AT_0 = ("squared_error", "log_loss")


def _curvature(objective: LinearObjective) -> float:
    """The second derivative of the loss in a prediction, at w = 0, if weights are counted in units of the columns; else 0."""
    loss, k = objective.loss, objective.n_outputs
    if loss.couples_outputs:
        return (1 - 1 / k) / k
    return loss.curvature if loss.name in STEEPEST_AT_0 else 0.0


def _sizes(objective: LinearObjective, curvature: float) -> Vector:
    """The diagonal of the Hessian over the coefficients of an output, as it is at w = 0, by that over an intercept."""
    return DesignMatrix(objective).squares() + objective.l2 / curvature


def _unit(objective: LinearObjective, even: float) -> Vector | float:
    """What weights are counted in: one over the size of each column, so that its unit does not matter, where columns with l2 differ by
    more than a factor of `even`; else 1."""
    curvature = _curvature(objective)
    if not curvature or math.isinf(even):
        return 1.0
    if even:   # a part of the rows tells at less cost that nothing is to be done
        part = part_of(objective, None)
        if part is not None and not differ(_sizes(part, curvature), even):
            return 1.0
    sizes = _sizes(objective, curvature)
    if not differ(sizes, even):
        return 1.0
    unit = np.ones(objective.n_params)
    unit[:objective.n_outputs * objective.n_features] = np.tile(np.divide(1, np.sqrt(sizes), out=np.ones_like(sizes), where=sizes > 0),
                                                                objective.n_outputs)
    return unit


def _steps(descent: Descent, history: History, unit: Vector | float) -> Steps:
    """−H·g by the last pairs, then a step for Wolfe's conditions; after a failed search, again without the pairs."""
    direction = np.empty_like(descent.w)
    descent.unit = unit
    while True:
        history.direction(unit * descent.g, direction)
        direction *= unit
        guess, widen = (1.0, WIDEN) if history.count else (first_step(unit * descent.g), FAR)
        w, g = descent.w, descent.g
        if descent.step(direction, guess, widen):
            history.append(descent.w / unit, w / unit, descent.g * unit, g * unit)
            moved = (descent.w - w) / unit
            bend = dot(moved, (descent.g - g) * unit)
            descent.softest = max(descent.softest, dot(moved, moved) / bend if bend > 0 else 0.0)
            yield
        elif history.count:
            history.clear()
        else:
            return descent.standstill


def run(objective: LinearObjective, w0: Vector, history: History, tol: float, max_iter: int, callback: Callback | None = None,
        even: float = math.inf) -> Solution:
    """From w0, which is changed, with the pairs of the history.  `even` is the ratio of column sizes above which weights of log losses are
    scaled; runs that share a history leave it infinite, so that their pairs have one unit."""
    if objective.loss.name == "squared_error":
        even = 0.0
    return descend("lbfgs", lambda descent: _steps(descent, history, _unit(objective, even)), objective, w0, tol, max_iter, callback)


@solver("lbfgs", Needs(smooth=True, centred=True, gradients_alone=True))
def lbfgs(objective: LinearObjective, penalty: None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
          random_state: RandomState) -> Solution:
    """Limited-memory BFGS.

    References
    ----------
    J. Nocedal (1980), Updating quasi-Newton matrices with limited storage, Math. Comp. 35.
    """
    return run(objective, w0, History(PAIRS, len(w0), w0.dtype), tol, max_iter, callback, MAX_UNSCALED_RATIO)
