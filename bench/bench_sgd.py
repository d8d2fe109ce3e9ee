"""Epochs of per-sample SGD, log_loss + l2, shuffled, one thread, and calls of partial_fit at the defaults: fastopt and scikit-learn on the
same data and settings.

    pytest bench/bench_sgd.py --benchmark-json=sgd.json && python bench/report.py sgd.json

Each benchmark times a whole fit of some epochs; `extra_info` holds what the table shows: seconds of one epoch, as the
difference between fits of different length, without what a fit costs once (checks of X, its labels).  The two libraries
take turns, round by round, so that a drift of the machine's speed meets both alike.
"""
from __future__ import annotations

import functools
import time

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier as SklearnSGDClassifier

import data
from fastopt.linear_model import SGDClassifier
from turns import epochs_in_turn, in_turn

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


#: name: rows, columns, values a row (None: dense), dtype, classes, settings
CALLS = {
    "500 CSR rows, 2^18 columns": (500, 1 << 18, 50, np.float64, 2, {}),
    "500 CSR rows, 2^20 columns": (500, 1 << 20, 50, np.float64, 2, {}),
    "500 CSR rows, 2^20 columns, float32": (500, 1 << 20, 50, np.float32, 2, {}),
    "500 CSR rows, 2^20 columns, l1": (500, 1 << 20, 50, np.float64, 2, {"penalty": "l1"}),
    "500 CSR rows, 2^20 columns, averaged": (500, 1 << 20, 50, np.float64, 2, {"average": True}),
    "500 CSR rows, 2^18 columns, 5 classes": (500, 1 << 18, 50, np.float64, 5, {}),
    "1 CSR row, 2^18 columns": (1, 1 << 18, 50, np.float64, 2, {}),
    "1 CSR row, 2^20 columns": (1, 1 << 20, 50, np.float64, 2, {}),
    "1 dense row, 784 columns": (1, 784, None, np.float64, 2, {}),
    "100 dense rows, 20 columns": (100, 20, None, np.float64, 2, {}),
}


def call_data(case):
    """X, y of a call of partial_fit."""
    n, d, values, dtype, k, _ = CALLS[case]
    rng = np.random.default_rng(0)
    y = rng.integers(0, k, n)
    if values is None:
        return rng.normal(size=(n, d)).astype(dtype), y
    columns = np.sort(rng.integers(0, d, (n, values)), axis=1).astype(np.int32)
    data_ = rng.normal(size=n * values).astype(dtype)
    return sp.csr_matrix((data_, columns.ravel(), np.arange(0, n * values + 1, values, dtype=np.int32)), (n, d)), y


@functools.cache
def call_seconds(case):
    """Processor seconds of a call by library, in turn."""
    (X, y), settings, k = call_data(case), CALLS[case][5], CALLS[case][4]
    models = {name: make(random_state=0, **settings).partial_fit(X, y, np.arange(k)) for name, make in LIBRARIES.items()}
    calls = {name: functools.partial(model.partial_fit, X, y) for name, model in models.items()}
    return in_turn(calls, clock=time.process_time)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", CALLS)
def test_partial_fit(benchmark, case, library):
    (X, y), settings, k = call_data(case), CALLS[case][5], CALLS[case][4]
    benchmark.group = f"partial_fit: {case}"
    seconds = call_seconds(case)
    benchmark.extra_info.update(library=library, case=case, call_seconds=seconds[library],
                                ratio=seconds["scikit-learn"] / seconds[library])
    model = LIBRARIES[library](random_state=0, **settings).partial_fit(X, y, np.arange(k))
    benchmark.pedantic(model.partial_fit, args=(X, y), rounds=3, warmup_rounds=0)
