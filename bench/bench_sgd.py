"""Epochs of per-sample SGD, log_loss + l2, shuffled, one thread: fastopt and scikit-learn on the same data and settings.

    pytest bench/bench_sgd.py --benchmark-json=sgd.json && python bench/report.py sgd.json

Each benchmark times a whole fit of some epochs; `extra_info` holds what the table shows: seconds of one epoch, as the
difference between fits of different length, without what a fit costs once (checks of X, its labels).  The two libraries
take turns, round by round, so that a drift of the machine's speed meets both alike.
"""
from __future__ import annotations

import functools
import time

import pytest
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier as SklearnSGDClassifier

import data
from fastopt.linear_model import SGDClassifier

LIBRARIES = {"fastopt": SGDClassifier, "scikit-learn": SklearnSGDClassifier}
ROUNDS = 5


def _seconds(model, X, y, epochs):
    model = clone(model).set_params(max_iter=epochs)
    start = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - start


@functools.cache
def epoch_seconds(case):
    """Seconds of an epoch by library: the least of ROUNDS, in turn."""
    X, y = data.case(case)
    models = {name: make(loss="log_loss", tol=None, random_state=0) for name, make in LIBRARIES.items()}
    epochs = {name: max(2, int(0.4 / max(_seconds(model, X, y, 2) / 2, 1e-4))) for name, model in models.items()}
    best = {}
    for _ in range(ROUNDS):
        for name, model in models.items():
            once, more = _seconds(model, X, y, 1), _seconds(model, X, y, 1 + epochs[name])
            best.setdefault(name, []).append(((more - once) / epochs[name], more))
    return {name: min(t for t, _ in times) for name, times in best.items()}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", data.CASES)
def test_epoch(benchmark, case, library):
    X, y = data.case(case)
    benchmark.group = f"SGD epoch: {case}"
    seconds = epoch_seconds(case)
    benchmark.extra_info.update(
        library=library, case=case, real_data=data.is_real(), epoch_seconds=seconds[library],
        ratio=seconds["scikit-learn"] / seconds[library], bytes=data.nbytes(X),
        gigabytes_per_second=data.nbytes(X) / seconds[library] / 1e9)
    model = LIBRARIES[library](loss="log_loss", tol=None, random_state=0, max_iter=3)
    benchmark.pedantic(clone(model).fit, args=(X, y), rounds=3, warmup_rounds=0)
