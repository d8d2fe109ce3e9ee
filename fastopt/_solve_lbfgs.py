"""Solver "lbfgs": limited-memory BFGS; an iteration reads X once, half for the direction and half for the gradient.

Used by _solve.py, through the register, and by _path_pairs.py.  The pairs are _lbfgs.pyx's.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from ._lbfgs import History, dot
from ._minimize_linesearch import FAR, WIDEN, first_step
from ._solve_columns import Columns
from ._solve_smooth import Descent, Steps, descend
from ._solver import Callback, Needs, Solution, Vector, loss_name, solver

PAIRS = 10


def _unit(objective: Any) -> Any:
    """What weights are counted in: of squared errors one over the size of each column, so that its unit does not matter; else 1."""
    if loss_name(objective) != "squared_error":
        return 1.0
    sizes = Columns(objective).squares() + objective.l2
    unit = np.ones(objective.n_params)
    unit[:objective.n_outputs * objective.n_features] = np.tile(np.divide(1, np.sqrt(sizes), out=np.ones_like(sizes), where=sizes > 0),
                                                                objective.n_outputs)
    return unit


def _steps(descent: Descent, history: History) -> Steps:
    """−H·g by the last pairs, then a step for Wolfe's conditions; after a failed search, again without the pairs."""
    direction, unit = np.empty_like(descent.w), _unit(descent.objective)
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
            return


def run(objective: Any, w0: Vector, history: History, tol: float, max_iter: int, callback: Callback | None = None) -> Solution:
    """From w0, which is the solver's own, on with the pairs that are there."""
    return descend("lbfgs", lambda descent: _steps(descent, history), objective, w0, tol, max_iter, callback)


@solver("lbfgs", Needs(smooth=True, centred=True))
def lbfgs(objective: Any, penalty: None, w0: Vector, *, tol: float, max_iter: int, callback: Callback | None,
          random_state: Any) -> Solution:
    """Limited-memory BFGS.

    References
    ----------
    J. Nocedal (1980), Updating quasi-Newton matrices with limited storage, Math. Comp. 35.
    """
    return run(objective, w0, History(PAIRS, len(w0), w0.dtype), tol, max_iter, callback)
