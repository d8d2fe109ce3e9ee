"""Update rules of fastopt.optimizers as methods: one evaluation, one step.

Used by minimize and, for settings and driven schedules, by minimize_stochastic.  Knows no rule by name.
"""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from fastopt import optimizers
from fastopt._common.registry import parameters_of
from fastopt._linalg.lbfgs import dot
from fastopt._methods.fista import l1_within_bounds
from fastopt._methods.function import Array, called
from fastopt._methods.run import NAN, SUCCESS, Point, Run, Steps, copy_point
from fastopt.schedules._base import LearningRate

#: of all optimizers, without `maximize` and `nonfinite`, which are the drivers' matter
_SHARED = {"l1": 0.0, "clip_value": None, "clip_norm": None, "clip_global_norm": None, "n_threads": None}


def find_rule(key: str) -> str | None:
    """The name of a rule in the spelling of `optimizers`, from one without punctuation."""
    return next((name for name in optimizers.names() if re.sub("[^a-z0-9]", "", name) == key), None)


def settings_of(rule: str) -> dict[str, Any]:
    """The settings of a rule with their defaults."""
    parameters = parameters_of(optimizers.get(rule)).values()
    return {**_SHARED, **{p.name: p.default for p in parameters if p.default is not p.empty}}


def rule_steps(rule: str) -> Callable[[Run, Mapping[str, Any]], Steps]:
    """The method that follows a rule."""
    names = list(settings_of(rule))

    def method(run: Run, options: Mapping[str, Any]) -> Steps:
        # built here rather than in the generator: a bad setting is an error before fun is called
        w = run.point.x.copy()
        optimizer = optimizers.get(rule)(w, **{name: options[name] for name in names})
        run.patience = math.inf
        if options["l1"]:
            prox = l1_within_bounds(run, options["l1"])
            run.optimality, run.penalty = prox.optimality, prox.value
        return _follow(run, optimizer, w, options.get("lr"))

    return method


def _follow(run: Run, optimizer: optimizers.Optimizer, w: Array, lr: LearningRate | None) -> Steps:
    best = Point(run.point.x.copy())
    best.f = math.inf

    def finish(status: int) -> None:
        """The point to return: where the run converged; else the point that the rule recommends, or the lowest."""
        solution = optimizer.solution()
        if status not in (SUCCESS, NAN) and solution is not optimizer.params[0]:
            np.copyto(run.trial.x, solution)
            if run.evaluate(run.trial):
                run.trial.f += run.penalty(run.trial.x)
                if run.trial.f <= min(best.f, run.point.f):
                    run.point = run.trial
                    return
        if status != SUCCESS and best.f < run.point.f:
            run.point = best

    run.finish = finish
    while True:
        point = run.point
        if point.f < best.f:
            copy_point(point, best, point.f)
        called(inform, lr, point.f, point.g)
        try:
            called(optimizer.step, point.g)
        except FloatingPointError:
            return NAN
        np.copyto(run.trial.x, w)
        if not run.evaluate(run.trial):
            return NAN
        run.trial.f += run.penalty(run.trial.x)
        run.accept()
        yield


def inform(lr: object, value: float, g: Array | None = None) -> None:
    """Tell a schedule what drives it: the value with its gradient, or without one the value as a metric."""
    driven_by, driven = getattr(lr, "driven_by", None), cast(Any, lr)
    if driven_by == "value" and g is not None:
        driven.update(value, dot(g, g))
    elif driven_by == "metric":
        driven.update(value)
