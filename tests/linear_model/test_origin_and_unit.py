"""Least squares are the same problem whatever the origin and the unit of X and y: every solver, type and layout against NumPy."""
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import linear_model
from sklearn.exceptions import ConvergenceWarning

from fastopt import LinearObjective
from fastopt.linear_model import ElasticNet, GeneralizedLinearEstimator, Lasso, Ridge, TweedieRegressor


def reference(X, y, alpha, weight=None, intercept=True):
    """Predictions of ridge regression at the rows: centred in long double, solved in double by a decomposition of scaled columns."""
    X, y = np.asarray(X, np.longdouble), np.asarray(y, np.longdouble)
    y = y.reshape(len(y), -1)
    s = np.ones(len(X), np.longdouble) if weight is None else np.asarray(weight, np.longdouble)
    at = (s @ X / s.sum(), s @ y / s.sum()) if intercept else (0, 0)
    Xc, yc = X - at[0], y - at[1]
    root = np.sqrt(s)[:, None]
    A, b = np.asarray(Xc * root, float), np.asarray(yc * root, float)
    size = np.sqrt((A * A).sum(axis=0))
    # rounding of a mean is no column
    seen = size > 1e-15 * np.sqrt(len(X)) * np.abs(np.asarray(X, float)).max(axis=0, initial=0)
    A, size = A[:, seen] / size[seen], size[seen]
    stack = np.vstack([A, np.diag(np.sqrt(alpha) / size)]) if alpha else A
    rhs = np.vstack([b, np.zeros((len(size), b.shape[1]))]) if alpha else b
    w = np.linalg.lstsq(stack, rhs, rcond=1e-13)[0]
    p = np.asarray(Xc, float)[:, seen] / size @ w + np.asarray(at[1], float)
    return p[:, 0] if p.shape[1] == 1 else p


def made(X, y):
    return np.asarray(X, float), np.asarray(y, float)


def years(rng):
    X = rng.integers(1990, 2025, 400).astype(float)[:, None]
    return made(X, 100 + .1 * (X[:, 0] - 2007) + .2 * rng.normal(size=400))


def stamps(unit):
    def make(rng):
        X = (1.7e9 + np.sort(rng.random(300)) * 3e7)[:, None] * unit
        return made(X, np.sin((X[:, 0] / unit - 1.7e9) / 1e7) + .1 * rng.normal(size=300))
    return make


def kelvin(rng):
    X = 293 + 5 * rng.normal(size=(300, 3))
    return made(X, X @ [.3, -.2, .1] + rng.normal(size=300))


def far_y(origin):
    def make(rng):
        X = rng.normal(size=(300, 5))
        return made(X, X @ rng.normal(size=5) + .1 * rng.normal(size=300) + origin)
    return make


def far_means(rng):
    X = rng.normal(size=(300, 6)) + [0, 3, 1e2, 1e3, -1e4, 1e6]
    return made(X, (X - X.mean(axis=0)) @ rng.normal(size=6) + .1 * rng.normal(size=300))


def scales(rng):
    X = rng.normal(size=(300, 5)) * [1e-8, 1e-3, 1, 1e3, 1e8]
    return made(X, (X / [1e-8, 1e-3, 1, 1e3, 1e8]) @ rng.normal(size=5) + .1 * rng.normal(size=300))


def constant(rng):
    X = np.hstack([rng.normal(size=(200, 3)), np.full((200, 1), 7.3), np.zeros((200, 1)), np.full((200, 1), 1e6 + .1)])
    return made(X, X[:, :3] @ rng.normal(size=3) + 5 + rng.normal(size=200))


def twice(rng):
    X = rng.normal(size=(200, 3)) + 50
    return made(np.hstack([X, X[:, :1]]), X @ rng.normal(size=3) + rng.normal(size=200))


def wide(rng):
    X = rng.normal(size=(50, 80)) + 3
    return made(X, (X - 3) @ rng.normal(size=80) + 20)


def rows(n):
    def make(rng):
        X = 2000 + 10 * rng.normal(size=(n, 2))
        return made(X, 50 + rng.normal(size=n))
    return make


def unrelated(rng):
    X = np.tile([[1., 1.], [1., -1.], [-1., 1.], [-1., -1.]], (20, 1)) + 300
    return made(X, np.tile([1., -1., -1., 1.], 20) + 10)


PROBLEMS = {"years": years, "stamps in s": stamps(1.0), "stamps in ms": stamps(1e3), "Kelvin": kelvin, "y + 1e5": far_y(1e5),
            "y + 1e6": far_y(1e6), "y - 1e9": far_y(-1e9), "means to 1e6": far_means, "scales 1e-8 to 1e8": scales,
            "constant columns": constant, "a column twice": twice, "more columns than rows": wide, "one row": rows(1),
            "two rows": rows(2), "three rows": rows(3), "unrelated": unrelated}
SOLVERS = ["auto", "svd", "cholesky", "lsqr", "sparse_cg", "newton-cholesky", "newton-cg", "preconditioned-cg", "lbfgs"]
FORMS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
         "csr": sp.csr_matrix, "csc": sp.csc_array}


def problem(name):
    return PROBLEMS[name](np.random.default_rng(0))


def close(p, wanted, tol, floor=0.0):
    """Within `tol` of the spread of the predictions that are wanted; `floor`: what the type cannot tell."""
    spread = np.asarray(wanted).std(axis=0).max()
    assert np.abs(np.asarray(p, float) - wanted).max() <= tol * spread + floor + 1e-12 * np.abs(wanted).max()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.repeats(4)
def test_ridge_is_that_of_the_normal_equations(name, solver):
    X, y = problem(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = Ridge(solver=solver).fit(X, y)
    close(model.predict(X), reference(X, y, 1.0), 1e-4)


@pytest.mark.parametrize("solver", ["sag", "saga", "svrg", "katyusha", "sdca", "fista", "cd"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_solvers_of_samples_are_near_or_say_so(name, solver):
    """They know no curvature: what they end at is rough, but not another model."""
    X, y = problem(name)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = Ridge(solver=solver, random_state=0).fit(X, y)
    warned = any(issubclass(warning.category, ConvergenceWarning) for warning in seen)
    assert not warned or name in ("scales 1e-8 to 1e8", "more columns than rows", "unrelated")
    if not warned:
        close(model.predict(X), reference(X, y, 1.0), 5e-3)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("solver", ["auto", "lsqr"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_any_layout(name, solver, form):
    X, y = problem(name)
    weight = np.random.default_rng(1).integers(0, 4, len(y)).astype(float)
    weight[0] = 1
    wild = X.copy()
    wild[weight == 0] *= 2          # rows that do not count
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = Ridge(solver=solver).fit(FORMS[form](wild), y, weight)
    close(model.predict(X)[weight > 0], reference(X, y, 1.0, weight)[weight > 0], 1e-4)


@pytest.mark.parametrize("name", [name for name in PROBLEMS if "stamps" not in name and name != "y - 1e9"])
@pytest.mark.parametrize("solver", ["auto", "newton-cg", "lbfgs"])
def test_float32_learns_what_its_numbers_say(name, solver):
    """float32 holds X and the coefficients; predictions are compared in double, and up to the last digits of the intercept."""
    X, y = problem(name)
    X = X.astype(np.float32)
    if name == "scales 1e-8 to 1e8":
        X = X[:, 1:4]
    with warnings.catch_warnings():
        # its intercept of 1e6 has no digits for what is asked: that is said
        warnings.simplefilter("ignore" if name == "means to 1e6" else "error", ConvergenceWarning)
        model = Ridge(solver=solver).fit(X, y)
    assert model.coef_.dtype == np.float32
    mean = X.astype(float).mean(axis=0)
    p = (X.astype(float) - mean) @ model.coef_.astype(float)
    wanted = reference(X, y, 1.0)
    close(p - p.mean(), wanted - wanted.mean(), 2e-4)
    level = mean @ model.coef_.astype(float) + float(model.intercept_)
    eps = np.finfo(np.float32).eps
    assert abs(level - wanted.mean()) <= 4 * eps * (abs(float(model.intercept_)) + np.abs(mean) @ np.abs(model.coef_)) + 1e-4 * wanted.std()


SQUARES = {
    "Ridge without penalty": (lambda: Ridge(alpha=0), 0.0),
    "ElasticNet without l1": (lambda: ElasticNet(alpha=.01, l1_ratio=0), None),
    "Lasso without penalty": (lambda: Lasso(alpha=0), 0.0),
    "Tweedie of power 0": (lambda: TweedieRegressor(alpha=0), 0.0),
    "any loss, squared": (lambda: GeneralizedLinearEstimator("squared_error"), 0.0),
    "Ridge by columns": (lambda: Ridge(alpha=2.0), 2.0),
}


@pytest.mark.parametrize("estimator", SQUARES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_all_who_have_squared_errors(name, estimator):
    X, y = problem(name)
    make, alpha = SQUARES[estimator]
    alpha = .01 * len(y) if alpha is None else alpha
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = make().fit(X, y)
    close(model.predict(X), reference(X, y, alpha), 1e-4, 1e-6 if alpha == 0 else 0.0)


@pytest.mark.parametrize("form", ["C", "csr", "csc"])
@pytest.mark.parametrize("alpha", [1.0, "each"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("solver", ["auto", "newton-cg"])
@pytest.mark.parametrize("name", ["years", "Kelvin", "y + 1e6", "means to 1e6", "a column twice", "more columns than rows", "three rows"])
def test_many_targets_are_each_its_own(name, solver, intercept, alpha, form):
    X, y = problem(name)
    rng = np.random.default_rng(2)
    Y = np.stack([y, -3 * y, rng.normal(size=len(y)), y + rng.normal(size=len(y)) + 1e3], axis=1)
    strengths = np.array([.5, 1, 2, 50]) if alpha == "each" else np.ones(4)
    weight = rng.random(len(y)) + .1
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = Ridge(strengths if alpha == "each" else 1.0, fit_intercept=intercept, solver=solver).fit(FORMS[form](X), Y, weight)
    assert model.coef_.shape == (4, X.shape[1]) and model.n_iter_.shape == (4,)
    wanted = np.stack([reference(X, Y[:, j], strengths[j], weight, intercept) for j in range(4)], axis=1)
    for j in range(4):
        level = 0.0 if intercept else 1e-4 * np.abs(wanted[:, j]).max()   # without an intercept that is what predictions have come
        close(model.predict(X)[:, j], wanted[:, j], 1e-4, level)


@pytest.mark.parametrize("shape", [(300, 20, 150), (40, 100, 60)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_a_great_many_targets(shape, dtype, shift):
    n, d, k = shape
    rng = np.random.default_rng(3)
    X = (rng.normal(size=(n, d)) + shift).astype(dtype)
    Y = (X - shift) @ rng.normal(size=(d, k)) + rng.normal(size=(n, k)) + 7
    model = Ridge().fit(X, Y)
    wanted = linear_model.Ridge(solver="svd").fit(X.astype(float) - shift, Y)
    np.testing.assert_allclose(model.coef_, wanted.coef_, atol=1e-10 if dtype == np.float64 else 2e-4)
    assert model.solver_ == "newton-cholesky" and model.coef_.dtype == dtype


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("mean", [0.0, 1.0, 1e3])
def test_many_targets_with_a_strength_each(mean, intercept):
    rng = np.random.default_rng(6)
    X, k = rng.normal(size=(80, 7)) * np.geomspace(.1, 10, 7) + mean, 30
    Y, alphas = X @ rng.normal(size=(7, k)) + rng.normal(size=(80, k)), np.geomspace(1e-3, 1e3, k)
    model = Ridge(alphas, fit_intercept=intercept).fit(X, Y)
    wanted = np.stack([reference(X, Y[:, j], alphas[j], None, intercept) for j in range(k)], axis=1)
    np.testing.assert_allclose(model.predict(X), wanted, atol=1e-7 * np.abs(wanted).max())


@pytest.mark.parametrize("unit", [1e-8, 1e8])
@pytest.mark.parametrize("solver", ["auto", "lsqr", "lbfgs"])
def test_units_of_y(unit, solver):
    X, y = problem("Kelvin")
    model, other = Ridge(solver=solver).fit(X, y), Ridge(solver=solver).fit(X, unit * y)
    np.testing.assert_allclose(other.predict(X), unit * model.predict(X), rtol=1e-5)


@pytest.mark.parametrize("standardize", [False, True])
def test_coefficients_of_random_columns_far_from_0(standardize):
    """500 × 600, column means 3: iterative solvers were half off."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(500, 600)) + 3
    y = X @ rng.normal(size=600) + rng.normal(size=500)
    Z = (X - X.mean(axis=0)) / (X.std(axis=0) if standardize else 1)
    wanted = linear_model.Ridge(solver="svd").fit(Z, y)
    for solver in ("auto", "lsqr"):
        model = Ridge(solver=solver, standardize=standardize).fit(X, y)
        close(model.predict(X), wanted.predict(Z), 1e-4)
        np.testing.assert_allclose(model.coef_ * (X.std(axis=0) if standardize else 1), wanted.coef_, atol=5e-3)


ROBUST = [(loss, origin) for loss in ("huber", "log_cosh", "squared_epsilon_insensitive") for origin in (10.0, 100.0, 1e6)]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("solver", ["auto", "newton-cholesky", "newton-cg", "lbfgs"])
@pytest.mark.parametrize("loss, origin", ROBUST)
def test_losses_whose_curvature_vanishes(loss, origin, solver, intercept):
    """Far from y these losses are straight lines: Newton's method has no curvature to go by."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(300, 3))
    y = X @ [1.0, -2.0, 0.5] + .3 * rng.normal(size=300) + origin
    if not intercept:
        X = np.hstack([X, np.ones((300, 1))])
        y = y - origin + min(origin, 100.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = GeneralizedLinearEstimator(loss, fit_intercept=intercept, solver=solver).fit(X, y)
    np.testing.assert_allclose(model.coef_[:3], [1.0, -2.0, 0.5], atol=.1)


@pytest.mark.parametrize("shares", [(1.0,), (0.97, 0.05), (1.0, 0.8), (0.5, 0.3), (0.0,)])
@pytest.mark.parametrize("n", [1, 7, 96, 400])
def test_sparse_columns_that_are_far_are_those_that_rows_fill(n, shares):
    rng = np.random.default_rng(0)
    filled = np.array([rng.permutation(n) < round(share * n) for share in shares] + [rng.random(n) < 0.02 for _ in range(30)]).T
    X = np.where(filled, 50 + rng.standard_normal(filled.shape), 0.0)
    far = np.abs(X.mean(axis=0)) > 4 * X.std(axis=0)
    objective = LinearObjective(sp.csr_array(X), np.arange(float(n)), "squared_error", 0.0, True)
    centred = objective.centred()
    if not far.any():
        assert centred is objective
    else:
        np.testing.assert_allclose(centred.mean_, np.where(far, X.mean(axis=0), 0.0), rtol=1e-12)
