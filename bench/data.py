"""Data of the benchmarks.  FASTOPT_DATA names a folder of real sets with a `load.py` (`load(name) -> X, y`); without it,
random data of the same shape, type and sparsity stand in, on which an epoch does the same work."""
from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path

import numpy as np
import scipy.sparse as sp

#: name: (real set, rows, columns, values a row, classes)
SHAPES = {"fashion_mnist": (60_000, 784, None, 10), "imdb": (25_000, 36_000, 136, 2), "a9a": (32_561, 123, 14, 2)}


def is_real() -> bool:
    return "FASTOPT_DATA" in os.environ


@functools.cache
def load(name: str, part: str = "train"):
    """(X, y) of a set of SHAPES, or of any real set."""
    if is_real():
        spec = importlib.util.spec_from_file_location("fastopt_data", Path(os.environ["FASTOPT_DATA"]) / "load.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.load(name, part)
    n, d, filled, k = SHAPES[name]
    rng = np.random.default_rng(0)
    if filled is None:
        X = rng.random((n, d), dtype=np.float32)
        return X, rng.integers(0, k, n)
    columns = np.minimum(d * rng.random((n, filled)) ** 3, d - 1).astype(np.int32)   # some features are frequent
    X = sp.csr_matrix((np.ones(n * filled, np.float32), columns.ravel(), np.arange(0, n * filled + 1, filled)), (n, d))
    X.sum_duplicates()
    return X, rng.integers(0, 2, n)


def narrow(n=200_000, d=28):
    """A dense table of few columns, linearly separable but for noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32)
    return X, (X @ rng.standard_normal(d) + rng.standard_normal(n) > 0).astype(int)


def int32_indices(X):
    """scikit-learn's estimators refuse 64-bit indices, which its own svmlight loader makes; its vectorizers sort them."""
    X.sort_indices()
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X


def _binary(rows=None, dtype=np.float32):
    X, y = load("fashion_mnist")
    return np.ascontiguousarray(X[:rows], dtype=dtype), (y[:rows] >= 5).astype(int)


def _sparse(name):
    X, y = load(name)
    return int32_indices(X), y


#: the cases of the table in README.md
CASES = {
    "dense float32, 60,000 × 784": _binary,
    "dense float64, 20,000 × 784": lambda: _binary(20_000, np.float64),
    "dense float32, 200,000 × 28": narrow,
    "10 classes, float32, 20,000 × 784": lambda: tuple(a[:20_000] for a in load("fashion_mnist")),
    "CSR float32, tf-idf, 25,000 × 36,000": lambda: _sparse("imdb"),
    "CSR float32, one-hot, 32,561 × 123": lambda: _sparse("a9a"),
}


@functools.cache
def case(name: str):
    return CASES[name]()


def nbytes(X) -> int:
    """Bytes that one pass over X reads."""
    return X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
