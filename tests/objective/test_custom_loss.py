"""Losses in Python inside objectives and solvers: the oracle is NumPy over the whole data."""
import pickle

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse

from fastopt import losses
from fastopt._solvers.auto import solve
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import GeneralizedLinearEstimator, SGDRegressor
from fastopt.objective import LinearObjective
from reference.differences import central


class Logistic(losses.CustomLoss):
    curvature = 0.25

    def value_and_gradient(self, y, p, sample_weight=None):
        share = np.full(y.shape, 1 / len(y), p.dtype) if sample_weight is None else (sample_weight / sample_weight.sum(dtype=float)).reshape(
            (-1,) + (1,) * (y.ndim - 1))
        return (share * (np.logaddexp(0, p) - y * p)).sum(dtype=float), share * (1 / (1 + np.exp(-p)) - y)


class Listwise(losses.CustomLoss):
    """The softmax over all samples against shares y: no sum over samples."""

    def __init__(self, temperature=1.0):
        self.temperature = temperature

    def value_and_gradient(self, y, p, sample_weight=None):
        y = y / y.sum()
        share = np.exp(p / self.temperature - p.max() / self.temperature)
        share /= share.sum()
        return -(y * np.log(share)).sum(), (share - y) / self.temperature

    def hessian_product(self, y, p, q, sample_weight=None):
        share = np.exp(p / self.temperature - p.max() / self.temperature)
        share /= share.sum()
        return share * (q - share @ q) / self.temperature ** 2


LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": scipy.sparse.csr_array, "csc": scipy.sparse.csc_array}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("n", [1, 37, 3000])
def test_an_objective_is_that_of_numpy(layout, n, dtype):
    rng = np.random.default_rng(n)
    X, y, weight = rng.normal(size=(n, 7)).astype(dtype), rng.integers(0, 2, n), rng.uniform(0.5, 2, n).astype(dtype)
    w, v = rng.normal(size=8), rng.normal(size=8)
    objective = LinearObjective(LAYOUTS[layout](X), y, Logistic(), l2=0.3, fit_intercept=True, sample_weight=weight)
    A, s = np.column_stack([X, np.ones(n)]).astype(float), weight / weight.sum(dtype=float)
    p, ridge = A @ w, 0.3 * np.append(np.ones(7), 0)
    share = 1 / (1 + np.exp(-p))
    close = {"rtol": 1e-10, "atol": 1e-12} if dtype == np.float64 else {"rtol": 2e-4, "atol": 1e-5}
    value, gradient = objective.value_and_gradient(w)
    np.testing.assert_allclose(value, s @ (np.logaddexp(0, p) - y * p) + ridge @ w ** 2 / 2, **close)
    np.testing.assert_allclose(gradient, A.T @ (s * (share - y)) + ridge * w, **close)
    if dtype == np.float64:
        product = A.T @ (s * share * (1 - share) * (A @ v)) + ridge * v
        np.testing.assert_allclose(objective.hessp(w, v), product, rtol=1e-5, atol=1e-8)
        line = objective.line(w, v)
        np.testing.assert_allclose(line(0.7)[0], objective.value(w + 0.7 * v), rtol=1e-12)
        line = objective.line(w, v)
        np.testing.assert_allclose(line(0.7)[1], objective.gradient(w + 0.7 * v) @ v, rtol=1e-9)


def test_several_outputs():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.integers(0, 2, (40, 2)).astype(float)
    objective = LinearObjective(X, y, Logistic())
    w = rng.normal(size=6)
    p = X @ w.reshape(2, 3).T
    assert objective.n_outputs == 2
    np.testing.assert_allclose(objective.gradient(w), ((1 / (1 + np.exp(-p)) - y).T @ X / 40).ravel(), rtol=1e-12)


def test_a_loss_of_all_samples_together():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(50, 4)), rng.uniform(size=50)
    objective = LinearObjective(X, y, Listwise(0.5), l2=0.01)
    w, v = rng.normal(size=4), rng.normal(size=4)
    np.testing.assert_allclose(objective.gradient(w), central(objective.value, w), atol=1e-7)
    difference = (objective.gradient(w + 1e-6 * v) - objective.gradient(w - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(objective.hessp(w, v), difference, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(objective.hessian(w) @ v, objective.hessp(w, v), rtol=1e-9)
    assert losses.check_gradient(Listwise(), y, rng.normal(size=50))


@pytest.mark.parametrize("penalty", [None, "l1"])
def test_solvers_that_ask_for_gradients_find_the_minimum(penalty):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(300, 4)), rng.integers(0, 2, 300)
    own, built_in = (LinearObjective(X, y, loss, l2=0.1, fit_intercept=True) for loss in (Logistic(), "log_loss"))
    penalty = None if penalty is None else __import__("fastopt").penalties.L1(0.02)
    found = solve(own, penalty, tol=1e-7, max_iter=2000)
    assert found.converged and found.solver in ("lbfgs", "fista")
    best = scipy.optimize.minimize(lambda w: np.logaddexp(0, X @ w[:4] + w[4]).mean() - (y * (X @ w[:4] + w[4])).mean() + 0.05 * w[:4] @ w[:4]
                                   + (0 if penalty is None else 0.02 * np.abs(w[:4]).sum()), found.w, tol=1e-12)
    assert built_in.value(found.w) + (0 if penalty is None else 0.02 * np.abs(found.w[:4]).sum()) <= best.fun + 1e-9
    for solver in ("newton-cholesky", "sdca", "saga", "interior-point"):
        with pytest.raises(InvalidParameterError, match="reads more than values and gradients, which are all that Logistic"):
            solve(own, None, solver)


class Survival(losses.CustomLoss):
    """The partial likelihood of Cox, by Breslow: y holds times and events, a prediction is a risk."""

    def n_outputs(self, y):
        return 1

    def value_and_gradient(self, y, p, sample_weight=None):
        at_risk = y[:, :1] <= y[:, 0]          # (n, n): those whose time is no earlier
        risk = np.exp(p - p.max())
        sums = at_risk @ risk
        value = (y[:, 1] * (np.log(sums) + p.max() - p)).sum() / len(y)
        return value, (risk * (at_risk * (y[:, 1] / sums)[:, None]).sum(axis=0) - y[:, 1]) / len(y)


def test_an_estimator_learns_by_it():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(80, 3)) + 5
    time, event = rng.exponential(np.exp(-X @ [1.0, 0, -1])), rng.integers(0, 2, 80).astype(float)
    y = np.column_stack([time, event])
    fitted = GeneralizedLinearEstimator(loss=Survival(), fit_intercept=False, tol=1e-8).fit(X, y)
    best = scipy.optimize.minimize(lambda w: Survival().value_and_gradient(y, X @ w)[0], np.zeros(3), tol=1e-10)
    np.testing.assert_allclose(fitted.coef_, best.x, rtol=1e-3, atol=1e-4)
    assert abs(fitted.score(X, y) + Survival().value(y, X @ fitted.coef_)) < 1e-12 and fitted.predict(X).shape == (80,)


def test_targets_are_not_shifted_for_losses_that_are_no_functions_of_errors():
    class Product(losses.CustomLoss):
        def value_and_gradient(self, y, p, sample_weight=None):
            return (np.exp(p) - y * p).mean(), (np.exp(p) - y) / len(y)

    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(200, 3)), rng.poisson(3, 200).astype(float)
    fitted, poisson = (GeneralizedLinearEstimator(loss=loss, tol=1e-8).fit(X, y) for loss in (Product(), "poisson"))
    np.testing.assert_allclose(np.append(fitted.coef_, fitted.intercept_), np.append(poisson.coef_, poisson.intercept_), rtol=1e-5, atol=1e-6)


def test_an_object_of_the_users_class():
    loss = Listwise(2.0)
    loss.temperature = 3.0
    assert pickle.loads(pickle.dumps(loss)).temperature == 3.0 and repr(loss) == "Listwise(temperature=3.0)" and loss == loss
    assert loss.params == {"temperature": 3.0} and losses.get(loss) is loss and "custom" not in losses.names()


class Wrong(losses.CustomLoss):
    def __init__(self, answer):
        self.answer = answer

    def value_and_gradient(self, y, p, sample_weight=None):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer, error, text", [
    ((0.0, np.zeros(3)), ValueError, r"Wrong.value_and_gradient must return a gradient of the shape of p, \(5, 1\), got one of shape \(3,\)"),
    ((0.0, np.array(["a"] * 5)), ValueError, "must return a gradient"),
    (("no", np.zeros(5)), ValueError, "could not convert"),
    (RuntimeError("mine"), RuntimeError, "mine"),
])
def test_what_a_loss_returns_is_checked(answer, error, text):
    X = np.arange(10.0).reshape(5, 2)
    objective = LinearObjective(X, np.zeros(5), Wrong(answer))
    with pytest.raises(error, match=text):
        objective.value_and_gradient(np.ones(2))
    objective.problem.loss.answer = 1.5, np.ones(5)   # nothing of the failed call is left
    assert objective.value_and_gradient(np.ones(2))[1].tolist() == X.sum(axis=0).tolist()


def test_where_it_cannot_run():
    with pytest.raises(InvalidParameterError, match="loss must be one that kernels can ask"):
        SGDRegressor(loss=Logistic()).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(NotImplementedError, match="CustomLoss has no value_and_gradient"):
        losses.CustomLoss().value([0.0], [0.0])
    with pytest.raises(TypeError, match="no pointwise values"):
        Logistic().pointwise([0.0], [0.0])
