"""An epoch of per-sample SGD against twenty lines of plain C (plain_loop.c), compiled for this machine by `cc`, on the same rows in turn.

    pytest bench/bench_plain_loop.py --benchmark-json=plain.json && python bench/report.py plain.json

The plain loop is given the order of the rows; ours shuffles them, sums up the losses and checks the weights.
"""
from __future__ import annotations

import ctypes
import functools
import subprocess
from pathlib import Path

import data
import numpy as np
import pytest
import scipy.sparse as sp
from turns import in_turn

from fastopt.linear_model import SGDClassifier

SOURCE = Path(__file__).with_name("plain_loop.c")
#: all that helps the plain loop, sums in any order too: it is the peer, and stands nowhere but here
OPTIONS = ["-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-shared", "-fPIC"]
CASES = ["CSR float32, one-hot, 32,561 × 123", "CSR float32, tf-idf, 25,000 × 36,000", "dense float32, 200,000 × 28", "dense float32, 60,000 × 784"]
LR, ALPHA, EPOCHS = 1e-3, 1e-4, 6


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The compiled loop."""
    target = tmp_path_factory.mktemp("plain") / "plain_loop.so"
    subprocess.run(["cc", *OPTIONS, str(SOURCE), "-o", str(target), "-lm"], check=True)
    library = ctypes.CDLL(str(target))
    library.epoch_csr.restype = library.epoch_dense.restype = ctypes.c_double
    return library


def epoch_of(library, X, y):
    """An epoch of the plain loop, as a call."""
    n, d = X.shape
    order, w = np.random.default_rng(0).permutation(n).astype(np.int32), np.zeros(d, np.float32)
    signs = np.where(y > 0, 1, -1).astype(np.float32)
    arrays = [X.indptr, X.indices, X.data] if sp.issparse(X) else [X]
    arguments = [a.ctypes.data_as(ctypes.c_void_p) for a in (order, *arrays, signs)]
    call = library.epoch_csr if sp.issparse(X) else library.epoch_dense

    def epoch():
        w[:] = 0
        return call(ctypes.c_int64(n), *arguments, ctypes.c_int64(d), ctypes.c_float(LR), ctypes.c_float(ALPHA), w.ctypes.data_as(ctypes.c_void_p))
    epoch.keep = (order, signs, w, arrays)
    return epoch, w


@pytest.mark.parametrize("case", CASES)
def test_epoch_of_plain_c(benchmark, plain, case):
    X, y = data.case(case)
    y = np.asarray(y) > np.median(y) if len(np.unique(y)) > 2 else y
    epoch, w = epoch_of(plain, X, y)
    models = {k: SGDClassifier(loss="log_loss", tol=None, random_state=0, max_iter=k, learning_rate="constant", eta0=LR, alpha=ALPHA)
              for k in (1, 1 + EPOCHS)}
    epoch()
    ours = models[1].fit(X, y).coef_[0]
    assert np.abs(w - ours).max() < 0.1 * np.abs(ours).max()   # the same rows in another order
    seconds = in_turn({**{k: functools.partial(model.fit, X, y) for k, model in models.items()}, "plain": epoch}, rounds=15)
    own = (seconds[1 + EPOCHS] - seconds[1]) / EPOCHS
    benchmark.group = "SGD epoch against plain C"
    benchmark.extra_info.update(case=case, real_data=data.is_real(), nanoseconds_a_row=own / X.shape[0] * 1e9,
                                plain_nanoseconds=seconds["plain"] / X.shape[0] * 1e9, ratio=seconds["plain"] / own)
    benchmark.pedantic(epoch, rounds=3)
