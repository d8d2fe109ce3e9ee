"""Mini-batches of CSR rows on several threads: products by rows, gradients and steps by columns.  The same bits as on one
thread, the weights of the plain reference, for rows of any kind; rows whose columns do not ascend are left to one thread.
"""
import numpy as np
import pytest
import scipy.sparse as sp
from test_batch_kernel import RATE, RULES, compare, fit, same

from fastopt._core import tables as _core
from fastopt._sgd.batch import columns as _batch_columns
from fastopt.linear_model import SGDClassifier
from reference.batch import minibatches


def rows(n=400, d=9000, k=1, dtype=np.float64, index=np.int32, skew=1.0):
    """CSR rows of 0 … 60 values, more in the first columns the larger `skew` is; classes."""
    rng = np.random.default_rng(0)
    own = [np.unique((d * rng.random(m) ** skew).astype(index)) for m in rng.integers(0, 60, n)]
    indptr = np.append(0, np.cumsum([len(row) for row in own])).astype(index)
    X = sp.csr_matrix((rng.standard_normal(indptr[-1]).astype(dtype), np.concatenate(own), indptr), shape=(n, d))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    return X, rng.integers(0, max(k, 2), n)


def unsorted(X):
    """The same rows, each from its last value to its first."""
    rows = [np.arange(a, b)[::-1] for a, b in zip(X.indptr[:-1], X.indptr[1:])]
    order = np.concatenate(rows).astype(int)
    return sp.csr_matrix((X.data[order], X.indices[order], X.indptr), shape=X.shape)


@pytest.mark.parametrize("name", RULES)
def test_every_rule(name):
    """On two threads, with averages."""
    X, y = rows(k=3)
    compare(X, y, 3, "log_loss", dense=X.toarray(), optimizer=name, lr=RATE.get(name, 0.05), sizes=40, l2=1e-3, average=4,
            threads=2)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k, loss", [(1, "log_loss"), (3, "log_loss"), (20, "softmax")])
@pytest.mark.repeats(4)
def test_same_bits(isa, k, loss, dtype, index):
    """Also where batches go on in other blocks than they began in, which others do."""
    for d, skew in ((7, 1), (9000, 1), (20000, 3)):
        X, y = rows(700, d, k, dtype, index, skew)
        for sizes, block_rows in ((40, 4096), (100, 96), (700, 4096)):
            one, *more = (fit(X, y, k, loss, l2=1e-3, l1=1e-5, sizes=sizes, block_rows=block_rows, average=3, threads=threads)
                          for threads in (1, 2, 3, 8))
            for other in more:
                same(one, other)


@pytest.mark.parametrize("name", ["sgd", "adam", "lamb", "adafactor"])
def test_same_bits_again_and_again(name):
    """Threads that do not wait for each other where they must are seen sooner or later."""
    X, y = rows(1000, 20000, 1, np.float32)
    one, *more = (fit(X, y, 1, "log_loss", optimizer=name, lr=0.05, sizes=100, threads=threads) for threads in (1, *[3] * 10))
    for other in more:
        same(one, other)


def test_rows_that_do_not_ascend():
    X, y = rows()
    other = unsorted(X)
    assert _batch_columns.columns_ascend(_core.Matrix(X)) and not _batch_columns.columns_ascend(_core.Matrix(other))
    compare(other, y, 1, "log_loss", dense=X.toarray(), sizes=40, threads=2)
    same(fit(other, y, 1, "log_loss", sizes=40, threads=1), fit(other, y, 1, "log_loss", sizes=40, threads=2))


@pytest.mark.parametrize("columns, indptr, ascend", [
    ([0, 1, 2, 0], [0, 3, 4], True), ([2, 1], [0, 2], False), ([2, 1], [0, 1, 2], True), ([1, 1, 2], [0, 3], True),
    ([], [0, 0, 0], True), ([2, 1], [0, 0, 1, 1, 2, 2], True), ([2, 1, 0], [0, 0, 1, 1, 3], False), ([1, 2, 0], [0, 3], False)])
def test_what_ascends(columns, indptr, ascend):
    X = sp.csr_matrix((np.ones(len(columns)), columns, indptr), shape=(len(indptr) - 1, 3))
    assert _batch_columns.columns_ascend(_core.Matrix(X)) == ascend


@pytest.mark.parametrize("d, skew, k", [(1, 1, 1), (5, 1, 1), (123, 1, 1), (3000, 1, 1), (3000, 4, 7)])
def test_bounds_of_columns(d, skew, k):
    """All columns once, and about as much to do in each half."""
    X, _ = rows(400, d, skew=skew)
    bounds = _batch_columns.column_bounds(_core.Matrix(X), 64, k, 100)
    assert len(bounds) == 65 and bounds[0] == 0 and bounds[-1] == d and (np.diff(bounds) >= 0).all()
    if d == 3000:
        work = 100 * X.getnnz(axis=0) / 400 + 0.25
        assert 0.4 < work[:bounds[32]].sum() / work.sum() < 0.6


def test_repeated_columns_and_empty_rows():
    """A column may stand twice in a row."""
    rng = np.random.default_rng(1)
    columns = np.sort(rng.integers(0, 64, (300, 40)), axis=1) * 140
    columns[::7] = 700
    lengths = np.tile([40, 0, 13, 40], 75)
    X = sp.csr_matrix((rng.standard_normal(lengths.sum()), np.concatenate([row[:m] for row, m in zip(columns, lengths)]),
                       np.append(0, np.cumsum(lengths))), shape=(300, 9000))
    y = rng.integers(0, 2, 300)
    compare(X, y, 1, "log_loss", dense=X.toarray(), sizes=40, threads=2, lr=0.02)
    same(fit(X, y, 1, "log_loss", sizes=40), fit(X, y, 1, "log_loss", sizes=40, threads=2))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_in_the_estimators(many_threads, optimizer):
    X, y = rows(6000, 9000, dtype=np.float32)
    params = {"loss": "log_loss", "optimizer": optimizer, "batch_size": 64, "learning_rate": "constant", "eta0": 0.01,
              "tol": None, "max_iter": 2, "shuffle": False, "alpha": 1e-3}
    one, two = (SGDClassifier(**params, n_jobs=jobs).fit(X, y) for jobs in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.intercept_, two.intercept_)
    assert (one.t_, one.loss_curve_) == (two.t_, two.loss_curve_)
    if optimizer == "sgd":
        want = minibatches(X.toarray(), y[:, None], "log_loss", lr=0.01, l2=1e-3, sizes=64, order=[np.arange(6000)] * 2)
        np.testing.assert_allclose(two.coef_, want.coef, rtol=0, atol=1e-4)
