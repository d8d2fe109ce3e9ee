"""Gradient descent and nonlinear conjugate gradients: methods that remember at most one direction.

Used by minimize; the ends of a run are _methods.run's, the steps _methods.linesearch's.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastopt._linalg.lbfgs import dot
from fastopt._methods.function import Array
from fastopt._methods.linesearch import Armijo, Wolfe, first_step
from fastopt._methods.run import Run, Steps


def gradient_descent(run: Run, options: Mapping[str, Any]) -> Steps:
    """Steepest descent; a step is first guessed from the change of the gradient (Barzilai and Borwein)."""
    search: type[Armijo | Wolfe] = Wolfe if options["line_search"] == "wolfe" else Armijo
    steps = search(run, options["c1"], options["c2"], options["maxls"])
    direction, change = np.empty_like(run.point.x), np.empty_like(run.point.x)
    guess = first_step(run.point.g)
    while True:
        np.negative(run.point.g, out=direction)
        slope = -dot(direction, direction)
        t = steps.search(direction, slope, guess)
        if not t:
            return run.stuck()
        run.accept()
        np.subtract(run.point.g, run.previous.g, out=change)
        curvature, square = dot(change, direction), dot(change, change)
        # s·y / y·y and s·s / s·y of the step s = t·direction in turn: inverses of the curvature along it, the shorter and the
        # longer one (Dai and Fletcher); either alone creeps along curved valleys
        if curvature > 0 and square > 0:
            guess = t * curvature / square if run.nit % 2 else -slope * t / curvature
        else:
            guess = 2 * t
        yield


def conjugate_gradient(run: Run, options: Mapping[str, Any]) -> Steps:
    """d ← −g + β·d; where that is no descent, −g."""
    steps = Wolfe(run, options["c1"], options["c2"], options["maxls"])
    beta = {"hz": _hager_zhang, "pr+": _polak_ribiere}[options["beta"]]
    direction, change = np.negative(run.point.g), np.empty_like(run.point.x)
    slope, guess, fresh = -dot(direction, direction), first_step(run.point.g), True
    while True:
        t = steps.search(direction, slope, guess)
        if t:
            run.accept()
            yield
            np.subtract(run.point.g, run.previous.g, out=change)
            direction *= beta(run, direction, change)
            direction -= run.point.g
            old, slope, fresh = slope, dot(direction, run.point.g), False
            guess = t * old / slope if slope < 0 else t
        elif fresh:
            return run.stuck()
        if slope >= 0 or not t:
            np.negative(run.point.g, out=direction)
            slope, fresh = -dot(direction, direction), True
            guess = guess if t else first_step(run.point.g)


def _hager_zhang(run: Run, direction: Array, change: Array) -> float:
    """β of CG_DESCENT: with it every direction descends, whatever the step was (Hager and Zhang, 2005)."""
    dy = dot(direction, change)
    if dy == 0:
        return 0.0
    g = run.point.g
    value = (dot(change, g) - 2 * dot(change, change) * dot(direction, g) / dy) / dy
    floor = math.sqrt(dot(direction, direction)) * min(0.01, math.sqrt(dot(run.previous.g, run.previous.g)))
    return max(value, -1 / floor) if floor else 0.0


def _polak_ribiere(run: Run, direction: Array, change: Array) -> float:
    """β of Polak and Ribière, at least 0."""
    square = dot(run.previous.g, run.previous.g)
    return max(dot(run.point.g, change) / square, 0.0) if square else 0.0
