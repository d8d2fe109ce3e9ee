"""The step of L-BFGS-B: to the minimum of the pairs' quadratic model within the bounds.

Used by _minimize.quasi_newton.  What is computed is _compact's and _lbfgsb's; here is what they need where the caller keeps
no room for it.
"""
from __future__ import annotations

import numpy as np

from fastopt._linalg.compact import Model
from fastopt._linalg.lbfgs import History
from fastopt._linalg.lbfgsb import BoundedSteps, longest_step
from fastopt._methods.function import Array

__all__ = ["BoundedSteps", "Model", "bounded_step", "cauchy_point", "longest_step"]


def bounded_step(x: Array, g: Array, lower: Array, upper: Array, history: History) -> Array:
    """From x to the minimum of the model within the bounds."""
    out = np.empty_like(x)
    BoundedSteps(Model(history)).step(x, g, lower, upper, out)
    return out


def cauchy_point(x: Array, g: Array, lower: Array, upper: Array, times: Array, model: Model) -> Array:
    """The first minimum of the model along the projected path x − t·g, which reaches its bounds at these times."""
    point = np.empty_like(x)
    BoundedSteps(model).cauchy(x, g, lower, upper, times, point)
    return point
