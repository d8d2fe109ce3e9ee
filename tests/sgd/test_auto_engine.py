"""The engine of optimizer="auto" takes the steps of its reference (tests/reference/auto.py): the same weights, statistics, losses, for
every loss, layout, type, number of outputs and threads."""
import numpy as np
import pytest
import scipy.sparse as sp

from fastopt import losses
from fastopt._core import tables as _core
from fastopt._samples import order as _samples
from fastopt._sgd import settings as _settings
from fastopt._sgd.auto import fit as _linear_auto, state as _auto_state
from reference.auto import LOG_LINK, MARGIN, SHARE, Auto, Columns, Targets
from reference.losses import LOSS_CASES, PLAIN

ELASTICNET = _core.PENALTY_NAMES.index("elasticnet")
SETTINGS = {"alpha": 1e-3, "l1_ratio": 0.3}


def problem(n=150, d=7, k=1, seed=0, sparse=False):
    """X with columns of all scales and origins, and k columns of real targets."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) @ rng.standard_normal((d, d))
    X = X * (rng.random((n, d)) < 0.3) if sparse else X + rng.uniform(-3, 3, d)
    Y = X @ rng.standard_normal((d, k)) + rng.standard_normal((n, k))
    return X * 10.0 ** rng.integers(-3, 4, d), 5 * Y + 20


def targets_for(loss, Y):
    if loss in MARGIN:
        return np.where(np.median(Y) < Y, 1.0, 0.0 if loss in SHARE else -1.0)
    if loss in ("general_robust", "student_t"):   # of errors far beyond their scale they learn by gradients that are rounding
        return Y / Y.std()
    return np.exp((Y - Y.mean()) / Y.std() / 2) if loss in LOG_LINK else Y


def fit_settings(loss, params, batches, threads=1, fit_intercept=True, alpha=1e-4, l1_ratio=0.0, **_):
    return _settings.FitSettings(losses.get(loss, **params).spec, (ELASTICNET, alpha, l1_ratio), (0, 1.0, 0.0, 0.0), fit_intercept, seed=3,
                       threads=threads, max_iter=10, batches=batches)


def ours(X, Y, loss, params=(), epochs=2, state=None, weight=None, class_weight=None, batch=32, skip=None, threads=1,
         fit_intercept=True, **settings):
    """An AutoFit after some epochs."""
    matrix, k = _core.Matrix(X), Y.shape[1]
    classifies = loss in MARGIN
    if state is None:
        state = _auto_state.State.begin(np.zeros((k, X.shape[1])), np.zeros(k), X.dtype, fit_intercept and not sp.issparse(X),
                                        classifies)
    samples = _samples.Samples(matrix, Y, k, weight=weight, held_out=skip, seed=3, block_rows=64)
    run = _linear_auto.AutoFit(matrix, samples, state.observe(matrix, Y, weight, skip),
                               fit_settings(loss, dict(params), _settings.Auto(batch, classifies), threads, fit_intercept, **settings),
                               class_weight)
    run.run(epochs)
    return run


def theirs(X, Y, loss, params=(), epochs=2, weight=None, class_weight=None, skip=None, **settings):
    """The reference and the mean loss of each epoch."""
    auto = Auto(loss, X.shape[1], Y.shape[1], params, dense=not sp.issparse(X), **settings)
    held = np.ones(len(Y)) if skip is None else 1.0 - skip
    auto.observe(X, Y, held if weight is None else held * weight)
    curve = []
    for epoch in range(epochs):
        order = _samples.shuffled(len(Y), 3, epoch + 1)
        curve.append(auto.epoch(X, Y, order[held[order] > 0], weight, class_weight))
    return auto, curve


def compare(X, Y, loss, dtype=np.float64, tolerance=1e-9, **settings):
    here, (there, curve) = ours(X.astype(dtype), Y, loss, **settings), theirs(X, Y, loss, **settings)
    state = here.memory()
    size = there.columns.inverse_scale   # weights in standardised units
    for ours_, theirs_ in ((state.w, there.w), (state.w_avg, there.w_avg)):
        np.testing.assert_allclose(ours_ / size, theirs_ / size, rtol=0, atol=tolerance * np.abs(theirs_ / size).max())
    np.testing.assert_allclose(state.V, there.V, rtol=100 * tolerance, atol=tolerance)
    scale = max(1, np.abs(there.b).max())
    np.testing.assert_allclose(state.intercepts, [there.b, there.V_b, there.b_avg], rtol=100 * tolerance, atol=tolerance * scale)
    unit, slope = there._units()
    np.testing.assert_allclose(here.loss_curve, np.mean(curve * np.where(unit > 0, unit * slope, 1), axis=1), rtol=10 * tolerance)
    assert state.steps == there.t
    return here, there


@pytest.mark.parametrize("loss,params", [(loss, params) for loss in PLAIN for params in LOSS_CASES.get(loss, [{}])[:4]])
@pytest.mark.parametrize("sparse", [False, True])
def test_every_loss(loss, params, sparse):
    X, Y = problem(sparse=sparse)
    compare(sp.csr_matrix(X) if sparse else X, targets_for(loss, Y), loss, params=params, **SETTINGS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 2, 8, 15, 16, 17, 33, 100])
@pytest.mark.parametrize("k", [1, 3])
def test_sizes(isa, d, k, dtype):
    X, Y = problem(d=d, k=k)
    compare(X, Y, "squared_error", dtype, tolerance=1e-9 if dtype == np.float64 else 2e-3, epochs=1, **SETTINGS)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("k", [1, 2, 5, 17])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_csr(isa, index, k, dtype):
    X, Y = problem(d=40, k=k, sparse=True)
    X = sp.csr_matrix(X)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    compare(X, Y, "squared_error", dtype, tolerance=1e-9 if dtype == np.float64 else 2e-3, **SETTINGS)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("alpha", [0.0, 1e-4, 0.3])
def test_penalties(alpha, l1_ratio, sparse):
    X, Y = problem(sparse=sparse, d=12)
    here, there = compare(sp.csr_matrix(X) if sparse else X, Y, "squared_error", alpha=alpha, l1_ratio=l1_ratio, epochs=3)
    np.testing.assert_array_equal(here.memory().w == 0, there.w == 0)


@pytest.mark.parametrize("batch", [1, 7, 32, 100, 1000])
@pytest.mark.parametrize("sparse", [False, True])
def test_batches(batch, sparse):
    """Batches that end within a block of rows, across blocks, and beyond the data."""
    X, Y = problem(sparse=sparse)
    compare(sp.csr_matrix(X) if sparse else X, Y, "squared_error", batch=batch, **SETTINGS)


@pytest.mark.parametrize("sparse", [False, True])
def test_weights_and_held_out_rows(sparse):
    X, Y = problem(n=2500, k=2, sparse=sparse)
    rng = np.random.default_rng(5)
    weight, skip = rng.integers(0, 3, 2500).astype(float), (rng.random(2500) < 0.2).astype(np.uint8)
    X = sp.csr_matrix(X) if sparse else X
    compare(X, Y, "squared_error", weight=weight, skip=skip, epochs=1)
    compare(X, targets_for("hinge", Y), "hinge", weight=weight, skip=skip, class_weight=rng.random((2, 2)), epochs=1)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "hinge", "poisson"])
def test_no_intercept(loss, sparse):
    X, Y = problem(sparse=sparse)
    compare(sp.csr_matrix(X) if sparse else X, targets_for(loss, Y), loss, fit_intercept=False, **SETTINGS)


@pytest.mark.parametrize("layout", ["fortran", "strided", "reversed", "unaligned"])
@pytest.mark.parametrize("d", [5, 700])
def test_dense_x_of_any_layout(layout, d):
    X, Y = problem(n=1100, d=d)
    plain = ours(X, Y, "squared_error", epochs=1).memory()
    raw = np.zeros(X.nbytes + 1, dtype=np.uint8)
    other = {"fortran": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=1)[:, ::2], "reversed": X[:, ::-1].copy()[:, ::-1],
             "unaligned": raw[1:].view(np.float64).reshape(X.shape)}[layout]
    other[...] = X
    odd = ours(other, Y, "squared_error", epochs=1).memory()
    for a, b in ((plain.w_avg, odd.w_avg), (plain.V, odd.V), (plain.columns.sum2, odd.columns.sum2)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 4])
def test_threads_change_nothing(dtype, k):
    X, Y = problem(d=900, n=400, k=k)
    one, two = (ours(X.astype(dtype), Y, "squared_error", batch=64, threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one.memory().w_avg, two.memory().w_avg)
    np.testing.assert_array_equal(one.memory().intercepts, two.memory().intercepts)
    assert one.loss_curve == two.loss_curve


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("chunk", [1, 40, 150])
def test_streams(chunk, sparse):
    """Statistics of a call's rows, then its batches: what was learnt goes on, predictions stay when the centre moves."""
    X, Y = problem(sparse=sparse)
    X = sp.csr_matrix(X) if sparse else X
    there, state = Auto("squared_error", 7, 1, dense=not sparse, **SETTINGS), None
    for start in range(0, 150, chunk):
        x, y = X[start:start + chunk], Y[start:start + chunk]
        run = ours(x, y, "squared_error", epochs=1, state=state, **SETTINGS)
        state = run.memory()
        there.observe(x, y).epoch(x, y, _samples.shuffled(x.shape[0], 3, 1))
    for a, b in zip(state.result(), there.result()):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    assert state.steps == there.t


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sparse", [False, True])
def test_statistics(dtype, sparse):
    X, Y = problem(n=2500, d=9, k=3, sparse=sparse)
    X[:, 4] = 0 if sparse else 0.1
    X, weight = X.astype(dtype), np.random.default_rng(0).integers(0, 3, 2500).astype(float)
    there, goals, X = Columns(9, not sparse), Targets(3, True), sp.csr_matrix(X) if sparse else X
    columns, ours_ = _auto_state.ColumnStatistics.empty(9, not sparse), _auto_state.TargetStatistics.empty(3)
    for rows in (slice(0, 2), slice(2, 1300), slice(1300, 2500)):
        columns = columns.learn(_core.Matrix(X[rows]), weight[rows], None)
        ours_ = ours_.learn(Y[rows], weight[rows], None)
        there.add(X[rows], weight[rows])
        goals.add(Y[rows], weight[rows])
    assert columns.inverse_scale(dtype)[4] == 0 and columns.rows == there.rows
    np.testing.assert_allclose(columns.inverse_scale(float), there.inverse_scale, rtol=1e-10)
    np.testing.assert_allclose(columns.mean, there.mean, rtol=1e-10)
    np.testing.assert_allclose(columns.uncentred, there.uncentred, rtol=1e-10)
    np.testing.assert_allclose(ours_.deviation(True), goals.deviation, rtol=1e-10)
    np.testing.assert_allclose([ours_.mean, ours_.low, ours_.high], [goals.mean, goals.low, goals.high], rtol=1e-10)
