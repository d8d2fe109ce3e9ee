"""A grid of 16 strengths × 5 folds: an estimator with CV in its name against 80 fits of ours, cold, to the same tol.

    pytest bench/bench_paths.py --benchmark-json=paths.json && python bench/report.py paths.json

A group is an estimator.  `extra_info` has the least seconds of the processor of both in turn, on one thread (set OPENBLAS_NUM_THREADS=1),
and the share: the grid also scores the held-out rows and fits all rows with what it has chosen, the 80 fits do not.  The group
"everyday" has small fits with defaults against scikit-learn's.
"""
from __future__ import annotations

import functools
import time

import everyday
import numpy as np
import pytest
from race_problems import SETS
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold
from turns import in_turn

from fastopt import linear_model as ours

FOLDS = KFold(5)
TIGHT = {"tol": 1e-4, "n_jobs": 1, "max_iter": 10_000}


@functools.cache
def data(name):
    """X, classes and a real target."""
    rng = np.random.default_rng(0)
    if name == "correlated":
        X = rng.standard_normal((5_000, 200)) + 0.3 * rng.standard_normal((5_000, 1))
        p = X @ (rng.standard_normal(200) * (rng.random(200) < 0.5)) / 7
        return X, (rng.random(5_000) * (1 + np.exp(-p)) < 1).astype(int), p + rng.standard_normal(5_000)
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y, None
    X, y = SETS[name]()
    return X, (y > 0).astype(int), X @ rng.standard_normal(X.shape[1]) + rng.standard_normal(len(y))


def logistic(X, y, l1_ratio):
    Cs = np.logspace(-4, 4, 16) if l1_ratio == 0 else np.logspace(-2.5, 0.5, 16)
    return (ours.LogisticRegressionCV(Cs=Cs, l1_ratios=[l1_ratio], cv=FOLDS, **TIGHT),
            [ours.LogisticRegression(C=C, l1_ratio=l1_ratio, **TIGHT) for C in Cs])


def squares(X, y, l1_ratio):
    alphas = np.abs(X.T @ (y - y.mean())).max() / len(y) / l1_ratio * np.geomspace(1, 1e-3, 16)
    if l1_ratio == 1:
        return ours.LassoCV(alphas=alphas, cv=FOLDS, **TIGHT), [ours.Lasso(alpha=alpha, **TIGHT) for alpha in alphas]
    return (ours.ElasticNetCV(alphas=alphas, l1_ratio=l1_ratio, cv=FOLDS, **TIGHT),
            [ours.ElasticNet(alpha=alpha, l1_ratio=l1_ratio, **TIGHT) for alpha in alphas])


def ridge(X, y, l1_ratio):
    alphas = np.geomspace(1e-3, 1e3, 16)
    return ours.RidgeCV(alphas=alphas, cv=FOLDS, n_jobs=1), [ours.Ridge(alpha=alpha, n_jobs=1) for alpha in alphas]


#: what makes the grid and the fits of it, and the share of l1
ESTIMATORS = {"LogisticRegressionCV": (logistic, 0.0), "LogisticRegressionCV, l1": (logistic, 1.0), "LassoCV": (squares, 1.0),
              "ElasticNetCV": (squares, 0.5), "RidgeCV": (ridge, 0.0)}


def separate(models, X, y):
    for train, _ in FOLDS.split(X):
        part, target = X[train], y[train]
        for model in models:
            model.fit(part, target)


@pytest.mark.parametrize("estimator, name", [
    *((estimator, name) for name in ("covtype", "a9a", "correlated") for estimator in ESTIMATORS),
    ("LogisticRegressionCV", "digits"), ("LogisticRegressionCV", "imdb")])
def test_grid(benchmark, estimator, name):
    make, l1_ratio = ESTIMATORS[estimator]
    X, classes, real = data(name)
    y = classes if make is logistic else real
    grid, models = make(X, y, l1_ratio)
    seconds = in_turn({"grid": lambda: grid.fit(X, y), "separate": lambda: separate(models, X, y)}, rounds=2,
                      clock=time.process_time)
    benchmark.group = estimator
    benchmark.extra_info.update(case=f"{estimator}, {name}", grid_seconds=seconds["grid"], separate_seconds=seconds["separate"],
                                share=seconds["grid"] / seconds["separate"])
    benchmark.pedantic(grid.fit, args=(X, y), rounds=2, warmup_rounds=0)


@pytest.mark.parametrize("case", everyday.CASES)
def test_everyday(benchmark, case):
    """Small fits with default parameters, against scikit-learn's; `python bench/everyday.py` has more draws."""
    mine, other, _ = everyday.seconds(case, 0)
    benchmark.group = "everyday"
    benchmark.extra_info.update(case=case, seconds=mine, their_seconds=other, share=mine / other)
    benchmark.pedantic(lambda: None, rounds=1)
