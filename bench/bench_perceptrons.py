"""Fits of the perceptrons against scikit-learn's, public estimators both, relu and Adam, float32, one thread, five epochs: what a fit costs, with all
that is around its epochs; and one row at a time: predictions and partial_fit.

    pytest bench/bench_perceptrons.py --benchmark-json=perceptrons.json && python bench/report.py perceptrons.json

All take turns, round by round, by the processor's time.  The losses that are reached are compared too: the same numbers of epochs and seeds.
"""
from __future__ import annotations

import functools
import time
import warnings

import numpy as np
import pytest
import sklearn.neural_network as theirs
from bench_networks import CASES, problem
from turns import in_turn

import fastopt.neural_network as ours

EPOCHS = 5


def models(case):
    """(ours, theirs), X, y of the rows that bench_networks times."""
    sizes, _, batch, _ = CASES[case]
    X, y, order = problem(case)
    options = {"hidden_layer_sizes": sizes[1:-1], "batch_size": batch, "max_iter": EPOCHS, "tol": 0.0, "n_iter_no_change": EPOCHS + 1,
               "random_state": 0}
    pair = ours.MLPClassifier(**options, n_jobs=1), theirs.MLPClassifier(**options)
    return pair, np.ascontiguousarray(X[order]), y[order].astype(int)


@functools.cache
def found(case):
    """Seconds of an epoch, whose; and the ratio of their losses at the end."""
    (mine, peer), X, y = models(case)
    calls = {"fastopt": lambda: mine.fit(X, y), "scikit-learn": lambda: peer.fit(X, y)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds = in_turn(calls, rounds=5, clock=time.process_time, most=120)
    return {name: each / EPOCHS for name, each in seconds.items()}, mine.loss_ / peer.loss_


@pytest.mark.parametrize("case", CASES)
def test_fit(benchmark, case):
    seconds, losses = found(case)
    benchmark.group = f"fit of a perceptron: {case}"
    benchmark.extra_info.update(case=case, **{f"{name} ms an epoch": 1e3 * each for name, each in seconds.items()},
                                **{"scikit-learn / fastopt": seconds["scikit-learn"] / seconds["fastopt"], "loss / scikit-learn's": losses})
    (mine, _), X, y = models(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        benchmark.pedantic(lambda: mine.fit(X, y), rounds=1, warmup_rounds=0)


@pytest.mark.parametrize("rows", [1, 32, 1000])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "partial_fit"])
def test_calls_on_a_few_rows(benchmark, method, rows):
    (mine, peer), X, y = models("20-32-16-1, batch 32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in (mine, peer):
            model.fit(X[:2000], y[:2000])
        arguments = (X[:rows], y[:rows]) if method == "partial_fit" else (X[:rows],)
        calls = {name: functools.partial(getattr(model, method), *arguments) for name, model in (("fastopt", mine), ("scikit-learn", peer))}
        seconds = in_turn(calls, clock=time.process_time)
        benchmark.group = f"{method} of a perceptron, {rows} rows"
        benchmark.extra_info.update(case=f"{method}, {rows} rows", **{f"{name} µs": 1e6 * each for name, each in seconds.items()},
                                    **{"scikit-learn / fastopt": seconds["scikit-learn"] / seconds["fastopt"]})
        benchmark.pedantic(functools.partial(getattr(mine, method), *arguments), rounds=1, warmup_rounds=0)
