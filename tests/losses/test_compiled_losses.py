"""Losses that a user compiled, by a C compiler or by numba, inside everything that takes a loss; the oracle is NumPy."""
import copy
import ctypes
import pickle
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from numba import types
from scipy import LowLevelCallable
from sklearn.base import clone

from fastopt import losses
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import GeneralizedLinearEstimator, SGDClassifier, SGDRegressor
from fastopt.objective import LinearObjective
from reference.differences import central

WHOLE = types.double(types.double, types.double, types.CPointer(types.double))
WITH_DATA = types.double(types.double, types.double, types.CPointer(types.double), types.voidptr)
SLOPE = types.double(types.double, types.double)


@numba.cfunc(WHOLE)
def pseudo_huber(y, p, derivatives):
    root = np.sqrt(1 + (p - y) ** 2)
    derivatives[0] = (p - y) / root
    derivatives[1] = 1 / root ** 3
    return root - 1


@numba.cfunc(SLOPE)
def pseudo_huber_slope(y, p):
    return (p - y) / np.sqrt(1 + (p - y) ** 2)


@numba.cfunc(WITH_DATA)
def scaled_square(y, p, derivatives, data):
    scale = numba.carray(data, 1, np.float64)[0]
    derivatives[0] = scale * (p - y)
    derivatives[1] = scale
    return scale * (p - y) ** 2 / 2


@numba.cfunc(WHOLE)
def logistic(y, p, derivatives):
    share = 1 / (1 + np.exp(-p))
    derivatives[0] = share - y
    derivatives[1] = share * (1 - share)
    return np.log1p(np.exp(-abs(p))) + max(p, 0) - y * p


@numba.cfunc(WHOLE)
def squared_margin(y, p, derivatives):
    gap = max(0.0, 1 - y * p)
    derivatives[0] = -y * gap
    derivatives[1] = 1.0 if gap > 0 else 0.0
    return gap ** 2 / 2


@numba.cfunc(WHOLE)
def counts(y, p, derivatives):
    mean = np.exp(p)
    derivatives[0] = mean - y
    derivatives[1] = mean
    return mean - y * p


SCALE = np.array([3.0])
#: a loss, what y it takes, and the same in NumPy: of y as users have it
CASES = {
    "real": (losses.CompiledLoss(pseudo_huber), lambda rng, n: rng.normal(size=n),
             lambda y, p: (np.hypot(1, p - y) - 1, (p - y) / np.hypot(1, p - y), np.hypot(1, p - y) ** -3)),
    "slope": (losses.CompiledLoss(pseudo_huber, slope=pseudo_huber_slope), lambda rng, n: rng.normal(size=n),
              lambda y, p: (np.hypot(1, p - y) - 1, (p - y) / np.hypot(1, p - y), np.hypot(1, p - y) ** -3)),
    "data": (losses.CompiledLoss(LowLevelCallable(scaled_square.ctypes, SCALE.ctypes.data_as(ctypes.c_void_p))), lambda rng, n: rng.normal(size=n),
             lambda y, p: (1.5 * (p - y) ** 2, 3 * (p - y), np.full_like(p, 3))),
    "unit": (losses.CompiledLoss(logistic, target="unit", curvature=0.25), lambda rng, n: rng.integers(0, 2, n).astype(float),
             lambda y, p: (np.logaddexp(0, p) - y * p, 1 / (1 + np.exp(-p)) - y, np.exp(-p) / (1 + np.exp(-p)) ** 2)),
    "sign": (losses.CompiledLoss(squared_margin, target="sign", curvature=1.0), lambda rng, n: rng.integers(0, 2, n).astype(float),
             lambda y, p: (np.maximum(0, 1 - (2 * y - 1) * p) ** 2 / 2, -(2 * y - 1) * np.maximum(0, 1 - (2 * y - 1) * p),
                           ((2 * y - 1) * p < 1).astype(float))),
    "nonnegative": (losses.CompiledLoss(counts, target="nonnegative"), lambda rng, n: rng.poisson(2, n).astype(float),
                    lambda y, p: (np.exp(p) - y * p, np.exp(p) - y, np.exp(p))),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case, dtype, isa):
    loss, targets, plain = CASES[case]
    rng = np.random.default_rng(0)
    for n in (1, 7, 300, 5000):
        y, p, weight = targets(rng, n).astype(dtype), rng.normal(size=n).astype(dtype), rng.uniform(0.1, 2, n).astype(dtype)
        value, slope, _ = plain(y.astype(float), p.astype(float))
        close = {"rtol": 1e-12 if dtype == np.float64 else 2e-6, "atol": 1e-15 if dtype == np.float64 else 1e-7}
        np.testing.assert_allclose(loss.pointwise(y, p), value, **close)
        np.testing.assert_allclose(loss.value(y, p, weight), np.average(value, weights=weight), **close)
        np.testing.assert_allclose(loss.gradient(y, p, weight), slope * weight / weight.sum(dtype=float), **close)
        np.testing.assert_allclose(loss.value_and_gradient(y, p)[1], slope / n, **close)
    assert losses.check_gradient(loss, targets(rng, 20), rng.normal(size=20))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_objective(case, sparse):
    loss, targets, plain = CASES[case]
    rng = np.random.default_rng(1)
    X, y, w, v = rng.normal(size=(200, 5)) / 2, targets(rng, 200), rng.normal(size=6) / 2, rng.normal(size=6)
    objective = LinearObjective(scipy.sparse.csr_array(X) if sparse else X, y, loss, l2=0.1, fit_intercept=True)
    A = np.column_stack([X, np.ones(200)])
    value, slope, second = plain(y, A @ w)
    ridge = 0.1 * np.array([1, 1, 1, 1, 1, 0])
    np.testing.assert_allclose(objective.value(w), value.mean() + ridge @ w ** 2 / 2, rtol=1e-12)
    np.testing.assert_allclose(objective.gradient(w), A.T @ slope / 200 + ridge * w, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(objective.gradient(w), central(objective.value, w), atol=1e-7)
    np.testing.assert_allclose(objective.hessp(w, v), A.T @ (second * (A @ v)) / 200 + ridge * v, rtol=1e-10, atol=1e-14)


def one_epoch(X, Y, plain, eta0=0.05):
    """Per-sample SGD with constant steps, without a penalty."""
    w, b = np.zeros(X.shape[1]), 0.0
    for x, y in zip(X, Y):
        slope = plain(np.array([y]), np.array([w @ x + b]))[1][0]
        w, b = w - eta0 * slope * x, b - eta0 * slope
    return w, b


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("d", [3, 40, 200])
def test_sgd_takes_the_steps_of_a_plain_loop(case, d):
    loss, targets, plain = CASES[case]
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(150, d)) / np.sqrt(d), targets(rng, 150)
    w, b = one_epoch(X, y, plain)
    estimator = SGDClassifier if loss.target in ("unit", "sign") else SGDRegressor
    for data in (X, scipy.sparse.csr_array(X)):
        fitted = estimator(loss=loss, penalty=None, learning_rate="constant", eta0=0.05, max_iter=1, tol=None, shuffle=False).fit(data, y)
        if data is X:   # the intercept of sparse rows learns more slowly, as in scikit-learn
            np.testing.assert_allclose(np.append(fitted.coef_, fitted.intercept_), np.append(w, b), rtol=1e-9, atol=1e-12)
        assert np.isfinite(fitted.coef_).all()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("how", [{"optimizer": "adam", "batch_size": 32}, {"optimizer": "auto"}, {"batch_size": 16}])
def test_mini_batches_learn_the_minimum(case, how):
    loss, targets, plain = CASES[case]
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(400, 3)), targets(rng, 400)
    A = np.column_stack([X, np.ones(400)])
    found = scipy.optimize.minimize(lambda w: plain(y, A @ w)[0].mean(), np.zeros(4), jac=lambda w: A.T @ plain(y, A @ w)[1] / 400, tol=1e-12)
    estimator = SGDClassifier if loss.target in ("unit", "sign") else SGDRegressor
    fitted = estimator(loss=loss, alpha=0.0, max_iter=300, tol=None, random_state=0, **how).fit(X, y)
    value = plain(y, A @ np.append(fitted.coef_, fitted.intercept_))[0].mean()
    assert value < found.fun + 0.02 * abs(found.fun)


@pytest.mark.parametrize("case", CASES)
def test_solvers_find_the_minimum(case):
    loss, targets, plain = CASES[case]
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(300, 4)), targets(rng, 300)
    A = np.column_stack([X, np.ones(300)])
    found = scipy.optimize.minimize(lambda w: plain(y, A @ w)[0].mean(), np.zeros(5), jac=lambda w: A.T @ plain(y, A @ w)[1] / 300, tol=1e-12)
    for solver in ("lbfgs", "newton-cholesky", "auto"):
        fitted = GeneralizedLinearEstimator(loss=loss, solver=solver, tol=1e-8).fit(X, y)
        np.testing.assert_allclose(np.append(fitted.coef_, fitted.intercept_), found.x, rtol=1e-5, atol=1e-5)
    if loss.target == "unit":
        np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-A @ found.x)), atol=1e-5)


def test_threads_change_no_bit():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(60_000, 20)), rng.normal(size=60_000)
    w = rng.normal(size=21)
    one, two = (LinearObjective(X, y, CASES["real"][0], n_threads=n, fit_intercept=True).value_and_gradient(w) for n in (1, 2))
    assert one[0] == two[0] and (one[1] == two[1]).all()
    with ThreadPoolExecutor(2) as pool:   # one loss, fits side by side
        fits = list(pool.map(lambda _: SGDRegressor(loss=CASES["real"][0], max_iter=3, random_state=0).fit(X[:2000], y[:2000]).coef_, range(4)))
    assert all((coef == fits[0]).all() for coef in fits)


def test_a_function_of_python_works_too():
    kind = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double, ctypes.POINTER(ctypes.c_double))

    def square(y, p, derivatives):
        derivatives[0], derivatives[1] = p - y, 1.0
        return (p - y) ** 2 / 2

    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    mine, built_in = (SGDRegressor(loss=loss, max_iter=5, tol=None, random_state=0).fit(X, y)
                      for loss in (losses.CompiledLoss(kind(square)), "squared_error"))
    np.testing.assert_allclose(mine.coef_, built_in.coef_, rtol=1e-12)


def test_a_loss_is_kept_as_long_as_it_is_used():
    def make():
        @numba.cfunc(WHOLE)
        def square(y, p, derivatives):
            derivatives[0], derivatives[1] = p - y, 1.0
            return (p - y) ** 2 / 2
        return losses.CompiledLoss(square)

    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    objective = LinearObjective(X, y, make(), fit_intercept=True)
    np.testing.assert_allclose(objective.value(np.zeros(4)), (y ** 2).mean() / 2, rtol=1e-13)
    estimator = clone(SGDRegressor(loss=make(), random_state=0))
    assert np.isfinite(estimator.fit(X, y).coef_).all()


def test_it_is_a_value():
    loss = CASES["unit"][0]
    assert copy.copy(loss) is loss and copy.deepcopy(loss) is loss and loss == loss and hash(loss) == hash(loss)
    assert loss.target == "unit" and loss.convex and loss.smooth and loss.curvature == 0.25
    assert "compiled" not in losses.names() and losses.get(loss) is loss
    with pytest.raises(TypeError, match="cannot be pickled: its function is an address in this process"):
        pickle.dumps(loss)


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.CompiledLoss(lambda y, p: 0.0), TypeError, "function must be a scipy.LowLevelCallable, a numba cfunc or .*, got function"),
    (lambda: losses.CompiledLoss(3), TypeError, "function must be .*, got int"),
    (lambda: losses.CompiledLoss(pseudo_huber_slope), InvalidParameterError, r"function must have .* 'double \(double, double, double \*\)'"),
    (lambda: losses.CompiledLoss(pseudo_huber, slope=pseudo_huber), InvalidParameterError, r"slope must have .* 'double \(double, double\)'"),
    (lambda: losses.CompiledLoss(pseudo_huber, slope=1), TypeError, "slope must be"),
    (lambda: losses.CompiledLoss(pseudo_huber, target="reel"), InvalidParameterError, "target must be one of .*did you mean 'real'"),
    (lambda: losses.CompiledLoss(pseudo_huber, convex=2), TypeError, "convex must be"),
    (lambda: losses.CompiledLoss(pseudo_huber, curvature=0), ValueError, "curvature must be"),
    (lambda: losses.CompiledLoss(counts, target="nonnegative").value([-1.0], [0.0]), ValueError, "y must be finite and at least 0, got -1.0"),
    (lambda: SGDRegressor(loss=CASES["sign"][0]).fit([[0.0], [1.0]], [0, 1]), InvalidParameterError, "loss of SGDRegressor must be"),
])
def test_bad_input(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_a_subclass_of_a_loss_is_nobody_elses():
    class Mine(losses.Huber):
        pass

    assert type(losses.get("huber")) is losses.Huber and Mine(2.0).value([0.0], [1.0]) == 0.5
