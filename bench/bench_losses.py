"""Pointwise losses with their gradients over a million predictions, one thread: fastopt, NumPy as one would write it, and
scikit-learn's compiled losses where it has them.

    pytest bench/bench_losses.py --benchmark-json=losses.json && python bench/report.py losses.json
"""
from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn import _loss as sklearn_loss

import fastopt as fo

N = 1_000_000
NUMPY = {
    "squared_error": lambda y, p: (0.5 * np.mean((p - y) ** 2), (p - y) / len(p)),
    "huber": lambda y, p: (np.mean(np.where(abs(p - y) < 1.35, 0.5 * (p - y) ** 2, 1.35 * (abs(p - y) - 0.675))),
                           np.clip(p - y, -1.35, 1.35) / len(p)),
    "log_loss": lambda y, p: (np.mean(np.logaddexp(0, p) - y * p), (expit(p) - y) / len(p)),
    "poisson": lambda y, p: (np.mean(np.exp(p) - y * p), (np.exp(p) - y) / len(p)),
    "hinge": lambda y, p: (np.mean(np.maximum(0, 1 - (2 * y - 1) * p)),
                           np.where((2 * y - 1) * p <= 1, 1 - 2 * y, 0) / len(p)),
}
SKLEARN = {"squared_error": "HalfSquaredError", "log_loss": "HalfBinomialLoss", "poisson": "HalfPoissonLoss"}


@pytest.fixture(autouse=True)
def one_thread():
    before = fo.get_num_threads()
    fo.set_num_threads(1)
    yield
    fo.set_num_threads(before)


def _call(loss, library, dtype):
    rng = np.random.default_rng(0)
    p, y = rng.standard_normal(N).astype(dtype), rng.integers(0, 2, N).astype(dtype)
    out = np.empty_like(p)
    if library == "fastopt":
        bound = fo.losses.get(loss)
        return lambda: bound.value_and_gradient(y, p, out=out)
    if library == "numpy":
        return lambda: NUMPY[loss](y, p)
    peer, values = getattr(sklearn_loss, SKLEARN[loss])(), np.empty_like(p)
    return lambda: peer.loss_gradient(y, p, loss_out=values, gradient_out=out)[0].mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss, library", [(loss, library) for loss in NUMPY for library in
                                           ("fastopt", "numpy", *(["scikit-learn"] if loss in SKLEARN else []))])
def test_value_and_gradient(benchmark, loss, dtype, library):
    case = f"{loss}, {np.dtype(dtype).name}"
    benchmark.group = f"loss and gradient: {case}"
    benchmark.extra_info.update(library=library, case=case, bytes=3 * N * np.dtype(dtype).itemsize)
    benchmark.pedantic(_call(loss, library, dtype), rounds=9, warmup_rounds=1)
    seconds = benchmark.stats.stats.min
    benchmark.extra_info.update(seconds=seconds, gigabytes_per_second=benchmark.extra_info["bytes"] / seconds / 1e9)
