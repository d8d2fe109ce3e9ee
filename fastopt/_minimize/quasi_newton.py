"""L-BFGS, and L-BFGS-B for bounds.

Used by minimize.  The pairs and the product with them are _linalg/lbfgs.pyx's; the model of bounded steps is _minimize.bounded's.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt._linalg.lbfgs import History, dot
from fastopt._methods.linesearch import FAR, WIDEN, Wolfe, first_step
from fastopt._methods.run import Run, Steps

from .bounded import BoundedSteps, Model, longest_step


def lbfgs(run: Run, options: Mapping[str, Any]) -> Steps:
    """−H·g by the last pairs, then a step for Wolfe's conditions; after a failed search, again without the pairs."""
    history = History(options["maxcor"], len(run.point.x), run.point.x.dtype)
    steps = Wolfe(run, options["c1"], options["c2"], options["maxls"])
    direction = np.empty_like(run.point.x)
    while True:
        history.direction(run.point.g, direction)
        slope = dot(direction, run.point.g)
        t = 0.0
        if slope < 0:
            guess, widen = (1.0, WIDEN) if history.count else (first_step(run.point.g), FAR)
            t = steps.search(direction, slope, guess, widen=widen)
        if t:
            run.accept()
            history.append(run.point.x, run.previous.x, run.point.g, run.previous.g)
            yield
        elif history.count:
            history.clear()
        else:
            return run.stuck()


def lbfgsb(run: Run, options: Mapping[str, Any]) -> Steps:
    """The same within bounds: towards the minimum of the pairs' quadratic model within them (Byrd, Lu, Nocedal, Zhu)."""
    if run.lower is None or run.upper is None:
        return (yield from lbfgs(run, options))
    history = History(options["maxcor"], len(run.point.x), run.point.x.dtype)
    bounded, direction = BoundedSteps(Model(history)), np.empty_like(run.point.x)
    steps = Wolfe(run, options["c1"], options["c2"], options["maxls"])
    while True:
        bounded.step(run.point.x, run.point.g, run.lower, run.upper, direction)
        slope = dot(direction, run.point.g)
        t = 0.0
        if slope < 0:
            longest = longest_step(run.point.x, direction, run.lower, run.upper)
            t = steps.search(direction, slope, 1.0 if history.count else first_step(direction), longest)
        if t:
            run.accept()
            history.append(run.point.x, run.previous.x, run.point.g, run.previous.g)
            yield
        elif history.count:
            history.clear()
        else:
            return run.stuck()
