"""Loss and gradient of logistic regression over a whole data set, against scikit-learn's LinearModelLoss and, where it is installed,
PyTorch's forward and backward pass, in turn on the same data: dense float32 of five shapes, CSR, and pixels of 8 bits against the
same pixels in float32.

    FASTOPT_DATA=… pytest bench/bench_objective.py --benchmark-json=objective.json && python bench/report.py objective.json

FASTOPT_BENCH_THREADS says how many threads each may use (default: 2).  `gigabytes_per_second` is X once, over the time of a call;
`read` adds up the numbers of X with NumPy on one thread, for comparison.
"""
from __future__ import annotations

import functools
import os

import data
import numpy as np
import pytest
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.linear_model._linear_loss import LinearModelLoss
from turns import in_turn

import fastopt as fo

try:
    import torch
except ImportError:
    torch = None

THREADS = int(os.environ.get("FASTOPT_BENCH_THREADS", "2"))


def random(n, d):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d), dtype=np.float32), rng.integers(0, 2, n)


def fashion(dtype):
    X, y = data.load("fashion_mnist")
    return np.ascontiguousarray(X / X.max() * (255 if dtype == np.uint8 else 1), dtype=dtype), (y >= 5).astype(int)


CASES = {
    **{f"{n:,} × {d:,}": functools.partial(random, n, d) for n, d in
       [(1_000, 20), (50_000, 100), (500_000, 28), (20_000, 4_000)]},
    "60,000 × 784": lambda: fashion(np.float32),
    "60,000 × 784, uint8": lambda: fashion(np.uint8),
    "CSR, tf-idf, 25,000 × 36,000": lambda: data.case("CSR float32, tf-idf, 25,000 × 36,000"),
    "CSR, one-hot, 32,561 × 123": lambda: data.case("CSR float32, one-hot, 32,561 × 123"),
}


def fresh(size):
    """A function that returns another point at each call: nothing is answered from memory."""
    points, calls = np.random.default_rng(1).normal(0, 1e-3, (2, size)), iter(range(1 << 62))
    return lambda: points[next(calls) % 2]


def ours(X, y):
    objective = fo.LinearObjective(X, y, n_threads=THREADS)
    point = fresh(objective.n_params)
    return lambda: objective.value_and_gradient(point())


def sklearn_loss(X, y):
    loss = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=False)
    y, point = y.astype(X.dtype), fresh(X.shape[1])
    weights = [point().astype(X.dtype) for _ in range(2)]
    turn = iter(range(1 << 62))
    return lambda: loss.loss_gradient(weights[next(turn) % 2], X, y, n_threads=THREADS)


def torch_loss(X, y):
    torch.set_num_threads(THREADS)
    X, y = torch.from_numpy(X), torch.from_numpy(y.astype(np.float32))
    w = torch.zeros(X.shape[1], requires_grad=True)

    def call():
        w.grad = None
        torch.nn.functional.binary_cross_entropy_with_logits(X @ w, y).backward()
    return call


@functools.cache
def seconds(case):
    """{library: seconds of a call}, in turn."""
    X, y = CASES[case]()
    calls = {"fastopt": ours(X, y)}
    wide = X.astype(np.float32) if X.dtype == np.uint8 else X
    calls["fastopt, float32" if X.dtype == np.uint8 else "scikit-learn"] = (ours if X.dtype == np.uint8 else sklearn_loss)(wide, y)
    if isinstance(X, np.ndarray):
        calls["read"] = lambda: np.add.reduce(wide.ravel())
        if torch is not None and X.dtype != np.uint8:
            calls["torch"] = torch_loss(X, y)
    return data.nbytes(X), in_turn(calls)


@pytest.mark.parametrize("case", CASES)
def test_value_and_gradient(benchmark, case):
    X, y = CASES[case]()
    benchmark.group = f"loss and gradient: {case}"
    nbytes, found = seconds(case)
    benchmark.extra_info.update(
        case=case, steps=found, step_group=f"loss and gradient, log_loss, {THREADS} threads", threads=THREADS,
        real_data=data.is_real(), bytes=nbytes, ratios={name: other / found["fastopt"] for name, other in found.items()},
        gigabytes_per_second=nbytes / found["fastopt"] / 1e9)
    benchmark.pedantic(ours(X, y), rounds=5, warmup_rounds=1)
