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

import data
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier as SklearnSGDClassifier
from turns import epochs_in_turn, in_turn

from fastopt.linear_model import SGDClassifier

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


def short_rows(columns, values, dtype, n):
    """Dense rows, or CSR rows of so many values."""
    rng = np.random.default_rng(0)
    if values is None:
        return rng.standard_normal((n, columns), dtype=dtype)
    indices = np.sort(rng.integers(0, columns, (n, values)), axis=1).astype(np.int32)
    return sp.csr_matrix((rng.random(n * values, dtype=dtype), indices.ravel(), np.arange(0, n * values + 1, values, dtype=np.int32)), (n, columns))


@pytest.mark.parametrize("batch_size", [1, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns, values", [(20, None), (28, None), (32, None), (50, None), (123, 14)])
def test_short_rows(benchmark, columns, values, dtype, batch_size, n=1_000_000):
    """Nanoseconds a row of shuffled short rows far beyond the cache, by the difference of fits of 4 epochs and of 1."""
    X, y = short_rows(columns, values, dtype, n), np.random.default_rng(1).integers(0, 2, n)
    more = {"optimizer": "sgd", "batch_size": batch_size} if batch_size > 1 else {}
    models = {k: SGDClassifier(loss="log_loss", tol=None, random_state=0, max_iter=k, **more) for k in (1, 4)}
    seconds = in_turn({k: functools.partial(model.fit, X, y) for k, model in models.items()}, rounds=4)
    benchmark.group = f"short rows, batches of {batch_size}"
    benchmark.extra_info.update(columns=columns, values=values, dtype=np.dtype(dtype).name, nanoseconds_a_row=(seconds[4] - seconds[1]) / 3 / n * 1e9)
    benchmark.pedantic(models[1].fit, args=(X, y), rounds=1)


@pytest.mark.parametrize("case", data.CASES)
def test_beside_epochs(benchmark, case):
    """What a fit takes beside its epochs, in readings of X in order by NumPy's maximum, at the speed of this machine."""
    X, y = data.case(case)
    stored = X.data if sp.issparse(X) else X
    models = {n: SGDClassifier(loss="log_loss", tol=None, random_state=0, max_iter=n) for n in (1, 2, 8)}
    seconds = in_turn({**{n: functools.partial(model.fit, X, y) for n, model in models.items()}, "read": functools.partial(np.max, stored)})
    beside = seconds[1] - (seconds[8] - seconds[2]) / 6
    benchmark.group = "a fit beside its epochs"
    benchmark.extra_info.update(case=case, fit_seconds=seconds[1], beside_seconds=beside, readings=beside / seconds["read"])
    benchmark.pedantic(models[1].fit, args=(X, y), rounds=1)


#: settings of epochs over 900 values in 10 M columns
COLUMNS = {"per sample": {}, "sgd": {"optimizer": "sgd", "batch_size": 32}, "momentum": {"optimizer": "momentum", "batch_size": 32},
           "adam": {"optimizer": "adam", "batch_size": 32}, "adam, averaged": {"optimizer": "adam", "batch_size": 32, "average": True},
           "lamb": {"optimizer": "lamb", "batch_size": 32}, "auto": {"optimizer": "auto"},
           "per sample, best epoch kept": {"restore_best": True}, "adam, best epoch kept": {"optimizer": "adam", "batch_size": 32,
                                                                                         "restore_best": True}}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns(benchmark, case, epochs=40):
    """Processor seconds of an epoch over 300 rows of 3 values, as the difference between fits of few and of many epochs."""
    rng = np.random.default_rng(0)
    columns = np.sort(rng.integers(0, 10_000_000, (300, 3)), axis=1).ravel()
    X, y = sp.csr_matrix((rng.normal(size=900), columns, np.arange(0, 901, 3)), (300, 10_000_000)), rng.integers(0, 2, 300)
    models = {n: SGDClassifier(loss="log_loss", tol=None, random_state=0, max_iter=n, **COLUMNS[case]) for n in (1, 1 + epochs)}
    seconds = in_turn({n: functools.partial(model.fit, X, y) for n, model in models.items()}, clock=time.process_time)
    benchmark.group = "epochs over 900 values in 10 M columns"
    benchmark.extra_info.update(case=case, call_seconds=seconds[1], epoch_seconds=(seconds[1 + epochs] - seconds[1]) / epochs)
    benchmark.pedantic(models[1].fit, args=(X, y), rounds=1)


#: settings of epochs whose weights have faded out
FADED = {"per sample": {}, "sgd": {"optimizer": "sgd", "batch_size": 32}, "adam": {"optimizer": "adam", "batch_size": 32},
         "auto": {"optimizer": "auto"}}


@functools.cache
def faded_seconds(case, dtype):
    """Processor seconds of an epoch from ordinary weights, and from weights below the smallest number of full precision, in turn."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 500)).astype(dtype)
    X[:, 50:] = 0
    y = rng.integers(0, 2, len(X))
    coefs = {name: np.full((1, 500), fill, dtype) for name, fill in (("ordinary", 1e-3), ("faded", np.finfo(dtype).tiny / 8))}
    model = SGDClassifier(loss="log_loss", penalty=None, tol=None, random_state=0, max_iter=5, **FADED[case])
    calls = {name: functools.partial(clone(model).fit, X, y, coef_init=coef) for name, coef in coefs.items()}
    return {name: seconds / 5 for name, seconds in in_turn(calls, clock=time.process_time).items()}


@pytest.mark.parametrize("weights", ["ordinary", "faded"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", FADED)
def test_faded(benchmark, case, dtype, weights):
    """Weights that have faded out cost no more than others."""
    benchmark.group = f"faded: {case}, {dtype}"
    seconds = faded_seconds(case, dtype)
    benchmark.extra_info.update(case=case, epoch_seconds=seconds[weights], ratio=seconds["faded"] / seconds["ordinary"])
    X = np.zeros((2, 2), dtype)
    benchmark.pedantic(SGDClassifier(max_iter=1, tol=None).fit, args=(X, [0, 1]), rounds=1)


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
