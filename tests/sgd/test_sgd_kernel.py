"""The per-sample SGD kernel against the plain reference: every instruction set, type and layout, odd sizes, many outputs.

What is compared are weights after a few epochs.  In float64 they agree to rounding; in float32 to the error that float32
steps add up to.
"""
import numpy as np
import pytest
import scipy.sparse as sp

import fastopt as fo
from fastopt._core import tables as _core
from fastopt._samples import order as _samples
from fastopt._sgd.per_sample import run as _sgd
from fastopt._sgd.settings import FitSettings, Start
from reference.sgd import sgd

SIZES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 129, 300]
LOSS, PENALTY, SCHEDULE = _core.LOSS_NAMES.index, _core.PENALTY_NAMES.index, _core.SCHEDULE_NAMES.index
RATIO = {"none": 0.0, "l2": 0.0, "l1": 1.0, "elasticnet": 0.3}
TOLERANCE = {np.float64: 1e-10, np.float32: 2e-3}


def problem(n, d, k, dtype, sparse=False, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) / np.sqrt(d)
    if sparse:
        X *= rng.random((n, d)) < 0.4
    return X.astype(dtype), rng.integers(0, max(k, 2), n)


def fit(X, y, k, loss, *, penalty="none", alpha=0.0, schedule="constant", eta0=0.5, power_t=0.5, t0=1.0, epochs=3,
        weight=None, class_weight=None, average=0, seed=7, shuffle=True, threads=1, negative=0.0, **options):
    """Weights, intercepts, averages and the loss curve of the engine; y numbers classes, or is (n, k) targets."""
    d = X.shape[1]
    matrix = _core.Matrix(X)
    codes = y.astype(np.uint8) if y.dtype.kind == "i" else y
    samples = _samples.Samples(matrix, codes, k, negative, weight, None, shuffle, seed, threads)
    zeros = np.zeros((k, d)), np.zeros(k)
    settings = FitSettings((LOSS(loss), 0.1, 0), (PENALTY(penalty), alpha, RATIO[penalty]), (SCHEDULE(schedule), eta0, power_t, t0),
                           threads=threads, max_iter=max(epochs, 2), tol=0.0, **options)   # so that penalties are summed up
    start = Start(*zeros, *(zeros if average else (None, None)), average=average)
    run = _sgd.PerSampleRun(matrix, samples, settings, start, class_weight)
    run.run(epochs)
    return *run.weights(), list(run.loss_curve)


def targets(y, k, negative):
    return np.where(y[:, None] == np.arange(k), 1.0, negative) if y.dtype.kind == "i" else y.reshape(-1, k).astype(float)


def compare(X, y, k, loss, *, dense=None, tolerance, epochs=3, shuffle=True, negative=0.0, average=0, penalty="none",
            alpha=0.0, **options):
    got = fit(X, y, k, loss, epochs=epochs, shuffle=shuffle, negative=negative, average=average, penalty=penalty,
              alpha=alpha, **options)
    n = X.shape[0]
    order = [_samples.shuffled(n, 7, e + 1) if shuffle else np.arange(n) for e in range(epochs)]
    options.pop("threads", None)
    options["intercept"] = options.pop("fit_intercept", True)
    want = sgd(X if dense is None else dense, targets(y, k, negative), loss, order=order, epochs=epochs, average=average,
               penalty=penalty, alpha=alpha, l1_ratio=RATIO[penalty], share=1.0 if dense is None else 0.01,
               **{"eta0": 0.5, **options})
    scale = 1 + max(np.abs(want[0]).max(), np.abs(want[1]).max())
    # under l1, averages follow scikit-learn's formula, which leaves out what truncation took: test_sgd_parity.py
    pairs = list(zip(got[:2], want[:2])) + (list(zip(got[2:4], want[2:4])) if average and not RATIO[penalty] else [])
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(got[4], want[4], rtol=max(tolerance, 1e-9))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", SIZES)
def test_dense_sizes(isa, d, dtype):
    X, y = problem(67, d, 1, dtype, seed=d)
    compare(X, y, 1, "log_loss", penalty="l2", alpha=1e-2, tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 3, 4, 5, 9, 17])
@pytest.mark.parametrize("sparse", [False, True])
def test_many_outputs(isa, k, dtype, sparse):
    X, y = problem(60, 21, k, dtype, sparse)
    kind = dict(dense=X.astype(float)) if sparse else {}
    compare(sp.csr_matrix(X) if sparse else X, y, k, "log_loss", penalty="l2", alpha=1e-2, tolerance=TOLERANCE[dtype], **kind)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 5, 40, 200])
def test_csr(isa, d, dtype, index):
    X, y = problem(67, d, 1, dtype, sparse=True)
    S = sp.csr_matrix(X)
    S.indices, S.indptr = S.indices.astype(index), S.indptr.astype(index)
    compare(S, y, 1, "log_loss", dense=X, penalty="l2", alpha=1e-2, tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("schedule", _core.SGD_SCHEDULE_NAMES)
@pytest.mark.parametrize("penalty", [name for name, place in _core.PENALTY_PLACES.items() if place == "sgd"])
@pytest.mark.parametrize("layout", ["narrow", "wide", "csr", "outputs"])
@pytest.mark.parametrize("average", [0, 1, 50])
def test_every_setting(schedule, penalty, layout, average):
    """Penalty × schedule × averaging, on each of the loops that the kernel is compiled to."""
    k, d = (3 if layout == "outputs" else 1), (300 if layout == "wide" else 20)
    X, y = problem(41, d, k, np.float64, sparse=layout == "csr")
    loss, negative = ("hinge", -1.0) if schedule.startswith("pa") else ("log_loss", 0.0)
    kind = dict(dense=X) if layout == "csr" else {}
    compare(sp.csr_matrix(X) if layout == "csr" else X, y, k, loss, negative=negative, penalty=penalty, alpha=1e-3,
            schedule=schedule, average=average, tolerance=1e-9, t0=100.0, **kind)


@pytest.mark.parametrize("d", [9, 300])
@pytest.mark.parametrize("loss", ["squared_error", "epsilon_insensitive"])
def test_weights_and_targets(isa, loss, d):
    """Sample weights, class weights, real targets, several of them, and no intercept."""
    X, _ = problem(50, d, 1, np.float64)
    rng = np.random.default_rng(3)
    y, weight = rng.standard_normal((50, 2)), rng.random(50)
    class_weight = rng.random((2, 2))
    compare(X, y, 2, loss, weight=weight, class_weight=class_weight, eta0=0.1, tolerance=1e-10)
    compare(X, y[:, :1].copy(), 1, loss, weight=weight, class_weight=class_weight[:1], fit_intercept=False, eta0=0.1,
            tolerance=1e-10)


def test_one_class(isa):
    X, _ = problem(50, 12, 1, np.float64)
    compare(X, np.ones((50, 1)), 1, "hinge", penalty="l2", alpha=0.5, one_class=True, eta0=0.05, tolerance=1e-10)


def test_the_decay_may_reach_zero(isa):
    """lr·alpha >= 1 sets the weights to zero before the step, as scikit-learn does; the lazy factor is folded in time."""
    X, y = problem(50, 12, 1, np.float64)
    for alpha in (3.0, 1.999, 0.5):
        compare(X, y, 1, "log_loss", penalty="l2", alpha=alpha, eta0=0.5, average=1, tolerance=1e-7)
        compare(X, y, 1, "log_loss", penalty="l2", alpha=alpha, eta0=0.5, tolerance=1e-9)


def layouts(X):
    """The same numbers, elsewhere in memory."""
    n, d = X.shape
    strided = np.zeros((2 * n, 3 * d), X.dtype)[::2, ::3]
    strided[...] = X
    unaligned = np.zeros(X.nbytes + 1, np.uint8)[1:].view(X.dtype).reshape(n, d)
    unaligned[...] = X
    padded = np.zeros((n, d + 5), X.dtype)[:, 2:d + 2]
    padded[...] = X
    locked = X.copy()
    locked.flags.writeable = False
    return {"fortran": np.asfortranarray(X), "strided": strided, "backwards": X[::-1, ::-1].copy()[::-1, ::-1],
            "unaligned": unaligned, "padded": padded, "read-only": locked}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("d", [28, 300])
def test_any_memory(isa, d, k, dtype, tmp_path):
    """Bit for bit the result of the contiguous array."""
    X, y = problem(700, d, k, dtype)
    want = fit(X, y, k, "log_loss", penalty="l2", alpha=1e-3)
    mapped = np.memmap(tmp_path / "X", dtype, "w+", shape=X.shape)
    mapped[...] = X
    for name, other in {**layouts(X), "memmap": mapped}.items():
        got = fit(other, y, k, "log_loss", penalty="l2", alpha=1e-3)
        np.testing.assert_array_equal(got[0], want[0], err_msg=name)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("k", [2, 5, 11])
def test_same_bits_for_any_number_of_threads(k, sparse):
    X, y = problem(5000, 37, k, np.float32, sparse)
    X = sp.csr_matrix(X) if sparse else X
    one, two, three = (fit(X, y, k, "log_loss", penalty="l2", alpha=1e-3, threads=t) for t in (1, 2, 3))
    for other in (two, three):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
        assert one[4] == other[4]   # the loss curve


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [5, 28, 300])
def test_instruction_sets_agree_bit_for_bit(d, dtype, fused_isas):
    X, y = problem(300, d, 1, dtype)
    results = []
    for name in fused_isas:
        fo.set_isa(name)
        results.append(fit(X, y, 1, "log_loss", penalty="l2", alpha=1e-3)[0])
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_l1_makes_exact_zeros():
    X, y = problem(400, 30, 1, np.float64)
    coef = fit(X, y, 1, "log_loss", penalty="l1", alpha=0.003, eta0=0.1)[0]
    assert 0 < np.count_nonzero(coef) < coef.size


def test_order_is_a_permutation_that_goes_on():
    first, second = _samples.shuffled(1000, 5, 1), _samples.shuffled(1000, 5, 2)
    assert sorted(first) == sorted(second) == list(range(1000))
    np.testing.assert_array_equal(second, first[first])   # the same permutation again
    np.testing.assert_array_equal(_samples.shuffled(1, 5), [0])
