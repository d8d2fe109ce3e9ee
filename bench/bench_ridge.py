"""Ridge() against scikit-learn's, fits in turn: many targets, wide and sparse X, small tables; one thread, time of the processor.

    OPENBLAS_NUM_THREADS=1 pytest bench/bench_ridge.py --benchmark-json=ridge.json && python bench/report.py ridge.json
    OPENBLAS_NUM_THREADS=1 python bench/bench_ridge.py

`extra_info` has the least seconds of both, and the share; run as a program it prints them, in milliseconds.
"""
from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs
from sklearn.datasets import load_diabetes, load_iris
from turns import in_turn

from fastopt import linear_model as ours


def dense(n, d, k=1, mean=0.0, dtype=np.float64, weighted=False):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) + mean
    Y = X @ rng.standard_normal((d, k)) + rng.standard_normal((n, k))
    return X.astype(dtype), (Y[:, 0] if k == 1 else Y).astype(dtype), (rng.random(n) + 0.1).astype(dtype) if weighted else None


def sparse(n, d, density):
    rng = np.random.default_rng(0)
    X = scipy.sparse.random(n, d, density, format="csr", random_state=0)
    return X, X @ rng.standard_normal(d) + rng.standard_normal(n), None


CASES = {
    "1000×100, 500 targets": lambda: dense(1000, 100, 500),
    "1000×100, 20 targets": lambda: dense(1000, 100, 20),
    "1000×100, 500 targets, weights": lambda: dense(1000, 100, 500, weighted=True),
    "1000×100, 500 targets, columns + 1000": lambda: dense(1000, 100, 500, 1000.0),
    "1000×100, 500 targets, float32": lambda: dense(1000, 100, 500, dtype=np.float32),
    "200×1000, 500 targets": lambda: dense(200, 1000, 500),
    "200×1000": lambda: dense(200, 1000),
    "CSR 20,000×2,000": lambda: sparse(20_000, 2_000, 0.01),
    "CSR 100,000×5": lambda: sparse(100_000, 5, 0.3),
    "iris": lambda: (*load_iris(return_X_y=True), None),
    "diabetes": lambda: (*load_diabetes(return_X_y=True), None),
    "1000×20": lambda: dense(1000, 20),
    "20,640×8, as houses": lambda: dense(20_640, 8, 1, np.array([3.9, 28, 5, 1, 1400, 3, 35, -120])),
}


def raced(case):
    """{name: seconds}, and our estimator with its data."""
    data, mine, other = CASES[case](), ours.Ridge(n_jobs=1), theirs.Ridge()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calls = {"ours": lambda: mine.fit(*data), "scikit-learn": lambda: other.fit(*data)}
        return in_turn(calls, rounds=25, least=1e-2, clock=time.process_time), mine, data


@pytest.mark.parametrize("case", CASES)
def test_ridge(benchmark, case):
    seconds, mine, data = raced(case)
    benchmark.group = "Ridge"
    benchmark.extra_info.update(case=case, seconds=seconds["ours"], their_seconds=seconds["scikit-learn"],
                                share=seconds["ours"] / seconds["scikit-learn"])
    benchmark.pedantic(mine.fit, args=data, rounds=2, warmup_rounds=0)


if __name__ == "__main__":
    for case in CASES:
        seconds, _, _ = raced(case)
        print(f"{case:40s} {1e3 * seconds['ours']:8.3f} {1e3 * seconds['scikit-learn']:8.3f} ms, "
              f"{seconds['scikit-learn'] / seconds['ours']:.2f} times as fast", flush=True)
