"""Epochs of per-sample SGD, log_loss + l2, shuffled, one thread: fastopt and scikit-learn on the same data and settings.

    pytest bench/bench_sgd.py --benchmark-json=sgd.json && python bench/report.py sgd.json

Each benchmark times a whole fit of some epochs; `extra_info` holds what the table shows: seconds of one epoch, as the
difference between fits of different length, without what a fit costs once (checks of X, its labels).  The two libraries
take turns, round by round, so that a drift of the machine's speed meets both alike.
"""
from __future__ import annotations

import functools

import pytest
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier as SklearnSGDClassifier

import data
from fastopt.linear_model import SGDClassifier
from turns import epochs_in_turn

LIBRARIES = {"fastopt": SGDClassifier, "scikit-learn": SklearnSGDClassifier}


@functools.cache
def epoch_seconds(case):
    """Seconds of an epoch by library, in turn."""
    X, y = data.case(case)
    models = {name: make(loss="log_loss", tol=None, random_state=0) for name, make in LIBRARIES.items()}
    return epochs_in_turn(models, X, y)


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
