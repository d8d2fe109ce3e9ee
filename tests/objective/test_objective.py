"""LinearObjective against plain NumPy: every loss, type, layout and option; sizes around the edges of blocks; the same bits for
any number of threads and in AVX2 and AVX-512."""
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

import fastopt as fo
from fastopt import losses
from reference import losses as reference
from reference.objective import Reference, standardized

LOSSES = [losses.get(name, **reference.LOSS_CASES.get(name, [{}])[0]) for name in losses.names()]
LAYOUTS = ["C", "F", "strided", "csr32", "csr64", "csc32", "csc64"]
SMOOTH = [loss for loss in LOSSES if loss.name not in (
    "absolute_error", "quantile", "epsilon_insensitive", "hinge", "perceptron")]   # second derivative not 0 everywhere
RTOL = {np.float64: 1e-10, np.float32: 2e-4}


def laid_out(X, layout):
    """X in memory as the layout says, read-only."""
    if layout[:3] in ("csr", "csc"):
        X = sp.csr_matrix(X) if layout[:3] == "csr" else sp.csc_matrix(X)
        index = np.int64 if layout.endswith("64") else np.int32
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
        return X
    if layout == "F":
        X = np.asfortranarray(X)
    elif layout == "strided":
        X = np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
    X.flags.writeable = False
    return X


def problem(loss, n, d, layout="C", dtype=np.float64, *, k=1, l2=0.0, intercept=False, weights=False, standardize=False, seed=0, **how):
    """(objective, reference) on the same random data."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0.3, 1, (n, d)) * rng.choice([0.5, 1, 2], d)
    if layout[:2] == "cs":
        X[rng.random((n, d)) < 0.6] = 0
    X = X.astype(dtype) if np.issubdtype(dtype, np.floating) else np.round(20 * X + 40).clip(0, 127).astype(dtype)
    name, params, target = ("multinomial", {}, None) if loss == "multinomial" else (loss.name, loss.params, loss.target)
    if loss == "multinomial":
        y = np.append(rng.integers(0, k, n - 1), k - 1)
    else:
        y = rng.choice(reference.LOSS_TARGETS[target], (n, k) if k > 1 else n)
    s = rng.choice([0, 0.5, 2], n - 1, p=[0.1, 0.4, 0.5]) if weights else np.ones(n - 1)
    s = np.append(s, 1.0)
    objective = fo.LinearObjective(laid_out(X, layout), y, loss, l2, intercept, s if weights else None, standardize=standardize, **how)
    wide = X.astype(np.float64)
    wide = standardized(wide, s) if standardize else wide
    return objective, Reference(wide, y, name, params, k, target == "sign", l2, intercept, s)


def point(objective, seed=1, scale=0.5):
    """Weights for which predictions are moderate."""
    return np.random.default_rng(seed).normal(0, scale / np.sqrt(objective.n_features), objective.n_params)


def check(objective, exact, w, rtol, hessian=True):
    value, gradient = objective.value_and_gradient(w)
    wanted = exact.gradient(w)
    size = np.abs(wanted).max() + np.abs(exact.X).mean()
    np.testing.assert_allclose(value, exact.value(w), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(gradient, wanted, rtol=rtol, atol=rtol * size)
    np.testing.assert_allclose(objective.predictions(w), exact.predictions(w), rtol=rtol, atol=10 * rtol)
    assert objective.value(w) == value
    np.testing.assert_array_equal(objective.gradient(w), gradient)
    if hessian:
        v = point(objective, seed=2)
        wanted = exact.hessp(w, v)
        np.testing.assert_allclose(objective.hessp(w, v), wanted, rtol=max(rtol, 1e-4), atol=max(rtol, 1e-5) * (1 + np.abs(wanted).max()))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_every_loss(loss, dtype, isa):
    for layout in ("C", "csr32"):
        objective, exact = problem(loss, 533, 7, layout, dtype, l2=0.1, intercept=True, weights=True)
        piecewise = loss.name in ("huber", "squared_epsilon_insensitive", "squared_hinge", "smooth_hinge", "modified_huber")
        check(objective, exact, point(objective), RTOL[dtype], hessian=loss in SMOOTH and not piecewise)


@pytest.mark.parametrize("loss", SMOOTH, ids=lambda loss: loss.name)
def test_second_derivatives(loss):
    """Each sample's own, by differences of the reference's gradient, away from kinks."""
    y = np.repeat(reference.LOSS_TARGETS[loss.target], 41)
    p = np.tile(np.linspace(-3.05, 3.1, 41), len(y) // 41)
    if loss.target == "real":
        p = p + y
    objective = fo.LinearObjective(np.eye(len(y)), y, loss)
    seen = 2 * y - 1 if loss.target == "sign" else y
    step = 1e-6
    differences = [reference.PLAIN[loss.name](seen, p + side * step, **loss.params)[1] for side in (1, -1)]
    np.testing.assert_allclose(objective.hessp(p, np.ones(len(y))) * len(y), (differences[0] - differences[1]) / (2 * step),
                               rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss, k", [(losses.LogLoss(), 1), (losses.SquaredError(), 3), ("multinomial", 5)], ids=str)
def test_every_layout(loss, k, dtype, layout, many_threads):
    for standardize in (False, True):
        for intercept, weights, l2 in [(True, True, 0.1), (False, False, 0.0)]:
            objective, exact = problem(loss, 700, 37, layout, dtype, k=k, l2=l2, intercept=intercept, weights=weights,
                                       standardize=standardize)
            check(objective, exact, point(objective), RTOL[dtype])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
def test_small_elements(dtype, layout, isa):
    for loss, k, standardize, d in [(losses.LogLoss(), 1, False, 133), (losses.LogLoss(), 1, True, 19), ("multinomial", 6, True, 35)]:
        objective, exact = problem(loss, 333, d, layout, dtype, k=k, intercept=True, standardize=standardize, l2=0.1)
        assert objective.dtype == np.float32
        scale = 0.5 if standardize or dtype == np.float16 else 0.01
        check(objective, exact, point(objective, scale=scale), RTOL[np.float32])


def test_every_float16(isa):
    """All of them: normal, subnormal, both zeros; infinite and nan ones stay what they are."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    predictions = fo.LinearObjective(halves[:, None], np.zeros(1 << 16), "squared_error").predictions(np.ones(1))[:, 0]
    np.testing.assert_array_equal(predictions, halves.astype(np.float32))


@pytest.mark.parametrize("n", [1, 2, 7, 8, 15, 16, 17, 255, 257, 4097])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.repeats(4)
def test_numbers_of_rows_and_columns(n, dtype, isa):
    for d in (1, 3, 8, 16, 17, 31, 33, 65, 127, 129, 260):
        objective, exact = problem(losses.LogLoss(), n, d, dtype=dtype, intercept=True)
        check(objective, exact, point(objective), RTOL[dtype], hessian=n < 20)


@pytest.mark.parametrize("layout", ["C", "F", "strided", "csr32", "csc32"])
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.repeats(3)
def test_same_bits_for_any_number_of_threads_and_wide_registers(layout, k, many_threads):
    loss = losses.LogLoss() if k == 1 else "multinomial"
    for dtype in (np.float32, np.float64):
        results = []
        for isa in [isa for isa in fo.available_isas() if isa != "base"] or ["base"]:
            fo.set_isa(isa)
            for threads in (1, 2, 5):
                objective, _ = problem(loss, 20_000, 40, layout, dtype, k=k, n_threads=threads, standardize=True, intercept=True)
                w = point(objective)
                line = objective.line(w, point(objective, 3))
                results.append(np.concatenate([[objective.value(w)], objective.gradient(w), objective.hessp(w, point(objective, 2)),
                                               line(0.25), line.accept(0.5), objective.gradient(line.w + 0.5 * line.direction)]))
        for other in results[1:]:
            np.testing.assert_array_equal(results[0], other)


@pytest.mark.parametrize("layout", ["C", "csr32", "csc32"])
def test_many_rows_in_float32(layout):
    """Sums over a hundred thousand samples keep the digits that float32 has."""
    objective, exact = problem(losses.LogLoss(), 100_000, 5, layout, np.float32, intercept=True)
    w = point(objective)
    np.testing.assert_allclose(objective.value(w), exact.value(w), rtol=2e-6)
    np.testing.assert_allclose(objective.gradient(w), exact.gradient(w), rtol=2e-5, atol=2e-6)


def test_optimizers_take_it():
    objective, exact = problem(losses.LogLoss(), 400, 6, l2=0.05, intercept=True)
    w0 = np.zeros(objective.n_params)
    least = scipy.optimize.minimize(exact.value, w0, jac=exact.gradient, tol=1e-10).fun
    for result in (scipy.optimize.minimize(objective.value_and_gradient, w0, jac=True, tol=1e-9),
                   scipy.optimize.minimize(objective.value, w0, jac=objective.gradient, hessp=objective.hessp, method="trust-ncg"),
                   fo.minimize(objective.value_and_gradient, w0, method="lbfgs", jac=True, tol=1e-9)):
        assert result.fun == pytest.approx(least, rel=1e-7)
