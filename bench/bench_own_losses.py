"""A user's own log loss, compiled by numba, against the built-in one: an epoch of SGD and of mini-batches, an evaluation of an objective.

    pytest bench/bench_own_losses.py --benchmark-json=own.json && python bench/report.py own.json

`extra_info` holds the seconds of both: what the built-in one takes, over what the user's takes, is the user's share of its speed.
"""
from __future__ import annotations

import itertools
import math

import numba
import numpy as np
import pytest
from turns import epochs_in_turn, in_turn

from fastopt import losses
from fastopt.linear_model import SGDClassifier
from fastopt.objective import LinearObjective


@numba.cfunc("double(double, double, CPointer(double))")
def log_loss(y, p, derivatives):
    e = math.exp(-abs(p))
    inverse = 1 / (1 + e)
    derivatives[0] = (inverse if p >= 0 else e * inverse) - y
    derivatives[1] = e * inverse * inverse
    return math.log1p(e) + max(p, 0.0) - y * p


@numba.cfunc("double(double, double)")
def slope(y, p):
    e = math.exp(-abs(p))
    return (1.0 if p >= 0 else e) / (1 + e) - y


OWN = losses.CompiledLoss(log_loss, target="unit", curvature=0.25, slope=slope)
SHAPES = [(200_000, 28), (50_000, 100), (20_000, 784)]
FITS = {"SGD": {}, "batches of 64": {"optimizer": "sgd", "batch_size": 64}, "auto": {"optimizer": "auto"}}


def problem(n, d):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32)
    return X, (X @ rng.standard_normal(d) + rng.standard_normal(n) * np.sqrt(d) > 0).astype(np.int64)


def record(benchmark, case, seconds, call):
    benchmark.group = "own loss"
    benchmark.extra_info.update(case=case, step_group="own loss", bytes=0, steps=seconds)
    benchmark.pedantic(call, rounds=1)


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize("n, d", SHAPES)
def test_own_epoch(benchmark, n, d, how):
    X, y = problem(n, d)
    models = {name: SGDClassifier(loss=loss, n_jobs=1, tol=None, random_state=0, learning_rate="constant", eta0=1e-3, **FITS[how])
              for name, loss in (("built in", "log_loss"), ("fastopt", OWN))}
    record(benchmark, f"{how}, {n:,} x {d}", epochs_in_turn(models, X, y), lambda: models["fastopt"].set_params(max_iter=1).fit(X, y))


@pytest.mark.parametrize("n, d", SHAPES)
def test_own_objective(benchmark, n, d):
    X, y = problem(n, d)
    calls = {}
    for name, loss in (("built in", "log_loss"), ("fastopt", OWN)):
        objective = LinearObjective(X, y, loss, n_threads=1)
        points = itertools.cycle(np.random.default_rng(1).standard_normal((2, d)) / d)   # an evaluation where it stands costs nothing
        calls[name] = lambda objective=objective, points=points: objective.value_and_gradient(next(points))
    record(benchmark, f"objective, {n:,} x {d}", in_turn(calls), calls["fastopt"])
