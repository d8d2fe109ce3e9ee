"""The loop over mini-batches against the plain reference: every rule, instruction set, type and layout, odd sizes, threads.

What is compared are weights after a few epochs.  In float64 they agree to rounding; in float32 to what float32 steps add up to.
"""
import numpy as np
import pytest
import scipy.sparse as sp
from test_sgd_kernel import layouts, problem, targets

import fastopt as fo
from fastopt import batching, losses, optimizers
from fastopt._core import tables as _core
from fastopt._samples import order as _samples
from fastopt._sgd.batch import run as _batch
from fastopt._sgd.batch.fit import make_optimizer
from fastopt._sgd.settings import Batches, FitSettings, Start
from optimizer_cases import OPTIONS
from reference.batch import minibatches

SIZES = [1, 3, 7, 8, 15, 16, 17, 33, 65, 127, 300, 784]
LOSS, CONSTANT = _core.LOSS_NAMES.index, _core.SCHEDULE_NAMES.index("constant")
ELASTICNET = _core.PENALTY_NAMES.index("elasticnet")
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-4}
RULES = sorted(OPTIONS)
#: rates at which each rule moves well on these problems
RATE = {"adadelta": 1.0, "dog": 1.0, "prodigy": 1.0, "schedule_free_sgd": 0.5, "lars": 5.0, "signsgd": 0.01, "lion": 0.01}


def fit(X, y, k, loss, *, optimizer="sgd", settings=None, lr=0.2, l2=0.0, l1=0.0, sizes=8, epochs=3, weight=None,
        class_weight=None, average=0, clip_norm=None, threads=1, negative=0.0, intercept=True, shuffle=True, block_rows=4096, params=None):
    """Weights, intercepts, averages, the loss curve, the next step of the engine; loss "softmax": multinomial."""
    matrix = _core.Matrix(X)
    codes = y.astype(np.uint8) if y.dtype.kind == "i" else y
    samples = _samples.Samples(matrix, codes, k, negative, weight, None, shuffle, 7, threads, block_rows)
    shape = (X.shape[1], k) if matrix.is_sparse else (k, X.shape[1])
    first = lr(0) if callable(lr) else lr
    batches = Batches(optimizer, settings or {}, sizes, lr if callable(lr) else None, clip_norm)
    update = make_optimizer(batches, np.zeros(shape, X.dtype), np.zeros(k), first, l2, l1)
    averages = (np.zeros(shape, X.dtype), np.zeros(k)) if average else None
    rowwise = loss == "softmax" or loss in _core.COUPLED_LOSS_NAMES
    spec = losses.get("multinomial" if loss == "softmax" else loss, **(params or {})).spec if rowwise else (LOSS(loss), 0.1, 0)
    fitted = FitSettings(spec, (ELASTICNET, l2 + l1, l1 / (l2 + l1) if l1 else 0.0),
                         (CONSTANT, first, 0.0, 0.0), intercept, threads=threads, batches=batches)
    run = _batch.BatchRun(matrix, samples, fitted, Start(None, None, average=average), update, averages, class_weight)
    run.run(epochs)
    assert not run.diverged
    return *run.weights(), list(run.loss_curve), run.t


def compare(X, y, k, loss, *, epochs=3, shuffle=True, negative=0.0, threads=1, block_rows=4096, dense=None, **options):
    X_plain = np.asarray(X if dense is None else dense, float)
    got = fit(X, y, k, loss, epochs=epochs, shuffle=shuffle, negative=negative, threads=threads, block_rows=block_rows, **options)
    n = X.shape[0]
    order = [_samples.shuffled(n, 7, e + 1) if shuffle else np.arange(n) for e in range(epochs)]
    want = minibatches(X_plain, targets(y, k, negative), loss, order=order,
                       **{"lr": 0.2, **options, "sizes": getattr(options.get("sizes"), "size", options.get("sizes", 8))})
    tolerance = TOLERANCE[X.dtype.type]
    scale = 1 + max(np.abs(want.coef).max(), np.abs(want.intercept).max())
    pairs = [(got[0], want.coef), (got[1], want.intercept)]
    pairs += [(got[2], want.coef_avg), (got[3], want.intercept_avg)] if options.get("average") else []
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(got[4], want.curve, rtol=tolerance)
    assert got[5] == want.t
    assert np.abs(want.coef).max() > 0


def same(one, other):
    for a, b in zip(one[:4], other[:4]):
        np.testing.assert_array_equal(a, b)
    assert one[4:] == other[4:]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", SIZES)
def test_dense_sizes(isa, d, dtype):
    X, y = problem(67, d, 1, dtype, seed=d)
    compare(X, y, 1, "log_loss", l2=1e-2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["log_loss", "softmax"])
@pytest.mark.parametrize("k", [2, 3, 4, 5, 9, 17])
@pytest.mark.parametrize("layout", ["dense", "csr"])
def test_many_outputs(isa, layout, k, loss, dtype):
    X, y = problem(60, 21, k, dtype, layout == "csr")
    compare(sp.csr_matrix(X) if layout == "csr" else X, y, k, loss, dense=X, l2=1e-2, lr=0.5)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 5, 40, 200])
def test_csr(isa, d, dtype, index):
    X, y = problem(67, d, 1, dtype, sparse=True)
    S = sp.csr_matrix(X)
    S.indices, S.indptr = S.indices.astype(index), S.indptr.astype(index)
    compare(S, y, 1, "log_loss", dense=X, l2=1e-2)


@pytest.mark.parametrize("layout", ["one", "outputs", "wide", "csr", "csr outputs"])
@pytest.mark.parametrize("penalty", [{}, {"l2": 1e-2}, {"l1": 2e-3}, {"l2": 7e-3, "l1": 3e-3}], ids=str)
@pytest.mark.parametrize("name", RULES)
def test_every_rule(name, penalty, layout):
    k, d = 3 if "outputs" in layout else 1, 500 if layout == "wide" else 20
    X, y = problem(45, d, k, np.float64, sparse="csr" in layout)
    compare(sp.csr_matrix(X) if "csr" in layout else X, y, k, "log_loss", dense=X, optimizer=name, lr=RATE.get(name, 0.05),
            average=4, **penalty)


@pytest.mark.parametrize("name, settings", [(name, own) for name in RULES for own in OPTIONS[name]], ids=str)
def test_settings_of_every_rule(name, settings):
    """On a squared error, two threads, with a schedule and clipping; what the estimator sets itself is left out."""
    X, _ = problem(50, 500, 1, np.float64)
    y = np.random.default_rng(1).standard_normal((50, 2))
    own = {key: value for key, value in settings.items() if key not in ("weight_decay", "l1", "l2", "lr")}
    rate = settings.get("lr", RATE.get(name, 0.05))
    compare(X, y, 2, "squared_error", optimizer=name, settings=own, lr=lambda t: rate / (1 + 0.1 * t), sizes=16, threads=2,
            l2=settings.get("weight_decay", 0.01), clip_norm=0.5)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_in_float32(name):
    """In one epoch: rounding may turn the sign of a small gradient, and some rules look at nothing else."""
    X, y = problem(45, 20, 1, np.float32)
    compare(X, y, 1, "log_loss", optimizer=name, lr=RATE.get(name, 0.05), l2=1e-2, epochs=1)


@pytest.mark.parametrize("block_rows", [16, 4096])
@pytest.mark.parametrize("sizes", [1, 2, 7, 50, 51, 1000, batching.Growing(2, 2, every=3, max_size=20), batching.RandomSize(1, 9),
                                   batching.Scheduled(lambda t: 3 + t % 4)], ids=str)
def test_batch_sizes(sizes, block_rows):
    """The last batch of an epoch is what is left; batches end in other blocks than they begin in."""
    X, y = problem(50, 12, 1, np.float64)
    compare(X, y, 1, "log_loss", sizes=sizes, block_rows=block_rows)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("average", [0, 1, 9])
def test_averages_and_order(average, shuffle):
    for k in (1, 3):
        X, y = problem(41, 12, k, np.float64)
        compare(X, y, k, "log_loss", average=average, shuffle=shuffle, l1=1e-3)
        compare(sp.csr_matrix(X), y, k, "log_loss", dense=X, average=average, shuffle=shuffle, l1=1e-3)


@pytest.mark.parametrize("d", [9, 300])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "softmax"])
def test_weights_and_targets(isa, loss, d):
    """Sample weights, class weights, several targets, and no intercept."""
    X, _ = problem(50, d, 1, np.float64)
    rng = np.random.default_rng(3)
    y = rng.standard_normal((50, 2)) if loss == "squared_error" else rng.integers(0, 2, 50)
    weight, class_weight = rng.random(50), rng.random((2, 2))
    for options in ({}, {"weight": weight}, {"class_weight": class_weight}, {"weight": weight, "class_weight": class_weight}):
        compare(X, y, 2, loss, **options)
        compare(X, y, 2, loss, intercept=False, optimizer="adam", lr=0.05, **options)
        compare(X, y, 2, loss, intercept=False, clip_norm=0.05, **options)


@pytest.mark.parametrize("clip_norm", [1e-3, 0.1, 10.0])
def test_clipping(clip_norm):
    """All outputs and intercepts have one norm; the penalty comes after."""
    for k in (1, 3):
        X, y = problem(50, 30, k, np.float64)
        compare(X, y, k, "log_loss", clip_norm=clip_norm, l2=1e-2)
        compare(sp.csr_matrix(X), y, k, "log_loss", dense=X, clip_norm=clip_norm, l2=1e-2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("d", [28, 300])
def test_any_memory(isa, d, k, dtype, tmp_path):
    """Bit for bit the result of the contiguous array."""
    X, y = problem(300, d, k, dtype)
    want = fit(X, y, k, "log_loss", l2=1e-3, sizes=32)
    mapped = np.memmap(tmp_path / "X", dtype, "w+", shape=X.shape)
    mapped[...] = X
    for other in [*layouts(X).values(), mapped]:
        same(fit(other, y, k, "log_loss", l2=1e-3, sizes=32), want)


@pytest.mark.parametrize("name", ["sgd", "adam", "ftrl", "lamb", "schedule_free_adamw", "adafactor"])
@pytest.mark.parametrize("k, loss", [(1, "log_loss"), (5, "log_loss"), (5, "softmax")])
@pytest.mark.parametrize("layout", ["dense", "csr"])
def test_same_bits_for_any_number_of_threads(layout, k, loss, name):
    X, y = problem(1500, 800, k, np.float32, layout == "csr")
    X = sp.csr_matrix(X) if layout == "csr" else X
    one, two, three = (fit(X, y, k, loss, optimizer=name, l2=1e-3, l1=1e-5, sizes=64, average=5, threads=t) for t in (1, 2, 3))
    same(one, two)
    same(one, three)


@pytest.mark.parametrize("name", ["sgd", "adam", "lamb"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [5, 28, 300])
def test_instruction_sets_agree_bit_for_bit(d, dtype, name, fused_isas):
    X, y = problem(300, d, 3, dtype)
    for data in (X, sp.csr_matrix(X)):
        for loss in ("log_loss", "softmax"):
            results = []
            for isa in fused_isas:
                fo.set_isa(isa)
                results.append(fit(data, y, 3, loss, optimizer=name, l2=1e-3, sizes=16))
            for other in results[1:]:
                same(results[0], other)


def test_every_optimizer_has_a_reference():
    """Adafactor, whose reference is that of matrices, is compared as a step in test_optimizers_matrix.py; here CSR with dense."""
    assert set(optimizers.names()) - {"muon", "adafactor"} == set(RULES)
    X, y = problem(60, 30, 4, np.float64, sparse=True)
    dense, sparse = (fit(data, y, 4, "softmax", optimizer="adafactor", lr=0.05) for data in (X, sp.csr_matrix(X)))
    for a, b in zip(dense[:2], sparse[:2]):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_l1_makes_exact_zeros():
    X, y = problem(400, 30, 1, np.float64)
    for name in ("sgd", "adam", "ftrl"):
        coef = fit(X, y, 1, "log_loss", optimizer=name, l1=0.004, lr=0.1, sizes=40, epochs=10)[0]
        assert 0 < np.count_nonzero(coef) < coef.size
