"""What a solver says of its end is true: the gradient at the learnt weights, in long double from X alone, is within what was asked for."""
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from fastopt import LinearObjective, losses
from fastopt._solvers.auto import solve
from fastopt.linear_model import (
    ElasticNet,
    GammaRegressor,
    GeneralizedLinearEstimator,
    Lasso,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    TweedieRegressor,
)

LONG = np.longdouble


def softmax(p):
    e = np.exp(p - p.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


#: first derivatives in the raw predictions p (n, k)
SLOPES = {
    "log_loss": lambda y, p: 1 / (1 + np.exp(-p)) - y,
    "multinomial": lambda y, p: softmax(p) - (y == np.arange(p.shape[1])),
    "squared_error": lambda y, p: p - y,
    "poisson": lambda y, p: np.exp(p) - y,
    "gamma": lambda y, p: 1 - y * np.exp(-p),
    "tweedie": lambda y, p: np.exp(p / 2) - y * np.exp(-p / 2),      # of power 1.5
    "huber": lambda y, p: np.clip(p - y, -1.35, 1.35),
    "log_cosh": lambda y, p: np.tanh(p - y),
}


def violation(loss, X, y, coef, intercept, l2, weight=None):
    """The largest element of the gradient: of columns as they are, or without their means, which an intercept makes the same problem."""
    X, y = np.asarray(X).astype(LONG), np.asarray(y).astype(LONG)[:, None]
    s = (np.ones(len(X)) if weight is None else weight).astype(LONG)[:, None]
    s = s / s.sum()
    W, b = np.atleast_2d(coef).astype(LONG), np.atleast_1d(intercept).astype(LONG)
    mean = (s * X).sum(axis=0)
    e = s * SLOPES[loss](y, (X - mean) @ W.T + (b + W @ mean))
    both = [max(np.abs(e.T @ Z + l2 * W).max(), np.abs(e.sum(axis=0)).max()) for Z in (X, X - mean)]
    return float(min(both))


def asked(X, y, tol):
    """`tol` times the largest element of the gradient of squared errors at w = 0 and the best intercept."""
    X, y = X.astype(LONG), y.astype(LONG)
    return tol * float(np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max()) / len(y)


def data(loss, dtype, mean, n=600, d=5, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) + mean).astype(dtype)
    z = .6 * (X.astype(float) - mean) @ rng.normal(size=d) + .3
    if loss == "multinomial":
        return X, np.digitize(z + rng.logistic(size=n), [-.7, .7])
    if loss == "log_loss":
        return X, (z + rng.logistic(size=n) > 0).astype(int)
    if loss in ("poisson", "gamma", "tweedie"):
        return X, rng.poisson(np.exp(z)).astype(float) if loss == "poisson" else rng.gamma(2.0, np.exp(z)) + .05
    return X, z + rng.normal(size=n)


#: estimator, its loss, its l2 beside the mean loss of n rows
ESTIMATORS = {
    "LogisticRegression": (lambda **p: LogisticRegression(**p), "log_loss", lambda n: 1 / n),
    "LogisticRegression, weak": (lambda **p: LogisticRegression(C=1e4, **p), "log_loss", lambda n: 1e-4 / n),
    "LogisticRegression, three classes": (lambda **p: LogisticRegression(**p), "multinomial", lambda n: 1 / n),
    "PoissonRegressor": (lambda **p: PoissonRegressor(**p), "poisson", lambda n: 1.0),
    "PoissonRegressor, weak": (lambda **p: PoissonRegressor(alpha=1e-3, **p), "poisson", lambda n: 1e-3),
    "GammaRegressor": (lambda **p: GammaRegressor(alpha=.01, **p), "gamma", lambda n: .01),
    "TweedieRegressor": (lambda **p: TweedieRegressor(power=1.5, alpha=.01, **p), "tweedie", lambda n: .01),
    "TweedieRegressor, power 0": (lambda **p: TweedieRegressor(alpha=.01, **p), "squared_error", lambda n: .01),
    "Ridge": (lambda **p: Ridge(**p), "squared_error", lambda n: 1 / n),
    "ElasticNet": (lambda **p: ElasticNet(alpha=.1, l1_ratio=0, **p), "squared_error", lambda n: .1),
    "Lasso": (lambda **p: Lasso(alpha=0, **p), "squared_error", lambda n: 0.0),
    "huber": (lambda **p: GeneralizedLinearEstimator("huber", **p), "huber", lambda n: 0.0),
    "log_cosh": (lambda **p: GeneralizedLinearEstimator("log_cosh", **p), "log_cosh", lambda n: 0.0),
}
MEANS = [0.0, 3.0, 1e2, 1e3, 1e4, 1e6]
SOLVERS = ["auto", "lbfgs", "newton-cg", "newton-cholesky", "preconditioned-cg"]
FORMS = {"C": np.asarray, "csr": sp.csr_matrix, "csc": sp.csc_matrix, "F": np.asfortranarray}


def told(model, *args):
    """Whether fit warned that it has not converged."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model.fit(*args)
    return any(issubclass(warning.category, ConvergenceWarning) for warning in seen)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fit_without_a_warning_is_at_the_minimum(name, solver, dtype):
    make, loss, l2 = ESTIMATORS[name]
    for mean in MEANS:
        X, y = data(loss, dtype, mean)
        model = make(solver=solver)
        warned = told(model, X, y)
        tol = asked(X, y, 1e-4) if name in ("Ridge", "ElasticNet", "Lasso") else 1e-4
        assert warned or violation(loss, X, y, model.coef_, model.intercept_, l2(len(y))) <= 3 * tol, mean
        assert not (warned and (dtype == np.float64 or mean <= 3)), (mean, "no reason to warn")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_any_layout_and_weights(name, form):
    make, loss, l2 = ESTIMATORS[name]
    for dtype, mean in ((np.float32, 50.0), (np.float64, 1e5)):
        X, y = data(loss, dtype, mean, seed=1)
        weight = np.random.default_rng(2).integers(0, 3, len(y)).astype(float)
        model, total = make(), weight.sum()
        warned = told(model, FORMS[form](X), y, weight)
        share = l2(total) if l2(1.0) != l2(2.0) else l2(1.0)
        tol = 3 * asked(X, y, 1e-4) if name in ("Ridge", "ElasticNet", "Lasso") else 1e-4
        assert warned or violation(loss, X, y, model.coef_, model.intercept_, share, weight) <= 3 * tol, mean


@pytest.mark.parametrize("solver", SOLVERS[1:])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", SLOPES)
def test_solvers_without_an_intercept_to_centre_by(loss, dtype, solver):
    """Columns stay as they are then; the end is true all the same, or said not to be one."""
    for mean in (0.0, 10.0, 300.0):
        X, y = data(loss, dtype, 0.0, d=3, seed=3)
        X = np.hstack([X, np.full((len(X), 1), 1, dtype)]) + np.array([0, 0, 0, mean], dtype)
        objective = LinearObjective(X, y, losses.Tweedie(1.5) if loss == "tweedie" else loss, l2=1e-3)
        found = solve(objective, None, solver, tol=1e-4, max_iter=1000)
        coef = found.w.reshape(-1, X.shape[1])
        if found.converged:
            s = SLOPES[loss](y.astype(LONG)[:, None], X.astype(LONG) @ coef.T.astype(LONG))
            assert np.abs(s.T @ X.astype(LONG) / len(y) + 1e-3 * coef).max() <= 3e-4, mean
        else:
            assert "tol" in found.message


def test_no_end_at_the_start_but_at_the_minimum():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(100, 2))
    for loss in ("huber", "log_cosh", "squared_epsilon_insensitive"):
        for solver in SOLVERS[1:]:
            found = solve(LinearObjective(X, X @ [1.0, 2.0] + 100, loss, fit_intercept=True), None, solver, max_iter=1000)
            assert found.converged and found.n_iter > 0
