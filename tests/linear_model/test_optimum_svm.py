"""Support vector machines, Huber's regression and l1 with a penalised intercept end at the optimum by default, or say that they do not.

The oracles are LIBLINEAR and scikit-learn's HuberRegressor, compared by the objective in plain NumPy, and the duality gap recomputed in
long double from X alone.
"""
import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from sklearn import linear_model as theirs, svm

from fastopt.linear_model import HuberRegressor, LinearSVC, LinearSVR, LogisticRegression


def data(kind, n, d):
    rng = np.random.default_rng(n + d)
    X = rng.normal(size=(n, d))
    if kind == "means":
        X += 5
    if kind == "years":
        X[:, 0] = rng.integers(1990, 2025, n)
    if kind == "scales":
        X *= np.logspace(-3, 3, d)
    if kind == "twice":
        X[:, 0] = X[:, -1]
    y = X @ (rng.normal(size=d) / X.std(axis=0)) + rng.normal(size=n)
    return X, y


def objective(model, X, y):
    """C·Σ loss + ‖w‖²/2 with the intercept's weight, in long double."""
    w, b = np.ravel(model.coef_).astype(np.longdouble), np.longdouble(np.ravel(model.intercept_)[0])
    p = X.astype(np.longdouble) @ w + b
    error = np.abs(y - p) - model.epsilon if hasattr(model, "epsilon") else 1 - np.where(y == model.classes_[1], 1, -1) * p
    error = np.maximum(error, 0)
    if model.loss.startswith("squared"):
        error = error ** 2
    return float(model.C * error.sum() + (w @ w + (b / model.intercept_scaling) ** 2) / 2)


SHAPES = [("plain", 200, 400), ("plain", 150, 600), ("means", 60, 200), ("plain", 100, 3), ("means", 100, 3), ("years", 100, 3),
          ("scales", 300, 5), ("twice", 100, 4), ("years", 300, 30), ("means", 400, 120)]


@pytest.mark.parametrize("form", ["float64", "float32", "csr"])
@pytest.mark.parametrize("kind,n,d", SHAPES)
@pytest.mark.parametrize("params", [{}, {"epsilon": 0.3, "C": 10.0}, {"loss": "squared_epsilon_insensitive"}], ids=str)
@pytest.mark.repeats(4)
def test_svr_is_no_worse_than_liblinear(params, kind, n, d, form):
    X, y = data(kind, n, d)
    given = {"float64": X, "float32": X.astype(np.float32), "csr": scipy.sparse.csr_matrix(X)}[form]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LinearSVR(**params).fit(given, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = svm.LinearSVR(**params, random_state=0).fit(X, y)
    assert objective(model, X, y) <= objective(other, X, y) * (1 + (1e-3 if form == "float32" or params.get("loss") else 1e-4))
    assert not caught or kind in ("years", "scales", "means")


@pytest.mark.parametrize("kind,n,d", SHAPES)
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_svc_is_no_worse_than_liblinear(loss, kind, n, d):
    X, y = data(kind, n, d)
    y = (y > np.median(y)).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, other = LinearSVC(loss=loss).fit(X, y), svm.LinearSVC(loss=loss, random_state=0).fit(X, y)
    assert objective(model, X, y) <= objective(other, X, y) * (1 + 2e-3)


@pytest.mark.parametrize("kind,n,d", [shape for shape in SHAPES if shape[2] <= 5])
def test_converged_is_true_of_svr(kind, n, d):
    """Without a warning the gap to the dual's value, from X alone, is within three times tol."""
    X, y = data(kind, n, d)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = LinearSVR(epsilon=0.1).fit(X, y)
    if caught:
        return
    assert objective(model, X, y) - dual_value(X, y, model) <= 3e-4 * objective(model, X, y)


def dual_value(X, y, model):
    """Of a dual point made of the weights alone: signs of the residuals, and where these are 0 what fits w = Σ uᵢ·xᵢ, made better."""
    Z, best = np.hstack([X, np.ones((len(y), 1))]), -np.inf
    w = np.append(model.coef_, model.intercept_)
    r = y - Z @ w
    order = np.argsort(np.abs(np.abs(r) - model.epsilon))

    def dual(u):
        v = Z.T.astype(np.longdouble) @ u
        return float(y.astype(np.longdouble) @ u - model.epsilon * np.abs(u).sum() - v @ v / 2)

    def split(parts):
        u = parts[:len(y)] - parts[len(y):]
        g = Z @ (Z.T @ u) - y
        return (Z.T @ u) @ (Z.T @ u) / 2 - y @ u + model.epsilon * parts.sum(), np.append(g, -g) + model.epsilon
    for count in range(min(len(y), X.shape[1] + 3)):   # how many residuals are 0
        u, free = np.where(np.abs(r) > model.epsilon, np.sign(r), 0.0), order[:count]
        u[free] = 0.0
        if count:
            u[free] = np.clip(np.linalg.lstsq(Z[free].T, w - Z.T @ u, rcond=None)[0], -1, 1)
        best = max(best, dual(u))
        if best == dual(u):
            start = u
    parts = np.append(np.maximum(start, 0), np.maximum(-start, 0))
    found = scipy.optimize.minimize(split, parts, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * 2 * len(y),
                                    options={"maxiter": 300, "ftol": 1e-15}).x
    return max(best, dual(found[:len(y)] - found[len(y):]))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 30])
@pytest.mark.parametrize("kind", ["plain", "equal", "outliers", "origin", "large", "small", "exact"])
@pytest.mark.parametrize("epsilon", [1.0, 1.35])
def test_huber_on_few_rows_and_in_any_unit(epsilon, kind, n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 2))
    y = X @ [1.0, -2.0] + rng.normal(size=n)
    origin, unit = {"origin": (1e5, 1), "large": (0, 1e8), "small": (0, 1e-8)}.get(kind, (0, 1))
    y = {"equal": np.full(n, 3.3), "outliers": y * np.exp(5 * rng.normal(size=n)), "exact": X @ [1.0, 1.0] + 2}.get(kind, y)
    alpha = 1e-2

    def value(w, b, scale):
        z = np.abs(y - X @ w - b) / scale
        return float(np.sum(scale + scale * np.where(z <= epsilon, z * z, 2 * epsilon * z - epsilon ** 2)) + alpha / unit * w @ w * unit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = HuberRegressor(epsilon=epsilon, alpha=alpha / unit).fit(X, y * unit + origin)
    found = value(ours.coef_ / unit, (ours.intercept_ - origin) / unit, ours.scale_ / unit)
    assert np.isfinite(found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            other = theirs.HuberRegressor(epsilon=epsilon, alpha=alpha, max_iter=10000, tol=1e-10).fit(X, y)
        except ValueError:      # its L-BFGS gives up
            return
    assert found <= value(other.coef_, other.intercept_, other.scale_) * (1 + 1e-5) + 1e-9 + 1e-14 * n / unit


@pytest.mark.parametrize("scaling", [1.0, 1e4])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_l1_with_a_penalised_intercept(scaling, shift):
    """solver="liblinear" penalises the weight of a column of this value."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6))
    y = (X[:, 0] + shift + rng.normal(size=200) > 1).astype(int)

    def value(model):
        p = X @ model.coef_[0] + model.intercept_[0]
        return float(np.logaddexp(0, -np.where(y == 1, 1, -1) * p).sum() + np.abs(model.coef_).sum()
                     + abs(model.intercept_[0]) / scaling)
    options = {"solver": "liblinear", "intercept_scaling": scaling, "l1_ratio": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = theirs.LogisticRegression(**options, tol=1e-10, max_iter=100000, random_state=0).fit(X, y)
        assert value(LogisticRegression(**options).fit(X, y)) <= value(other) * (1 + 1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("params", [{}, {"C": 0.01}, {"fit_intercept": False}, {"intercept_scaling": 10.0}], ids=str)
@pytest.mark.parametrize("k", [3, 5, 9])
def test_many_classes_are_liblinears(k, params, weighted):
    """Few weights of several classes are the outputs of one objective, more are an objective each: columns of zeros make them so."""
    rng = np.random.default_rng(k)
    X = rng.normal(size=(200, 3))
    y = np.argmax(X @ rng.normal(size=(3, k)) + rng.normal(size=(200, k)), axis=1)
    weight = rng.random(200) if weighted else None
    best = svm.LinearSVC(**params, dual=False, tol=1e-12, max_iter=10_000).fit(X, y, weight)
    for zeros in (0, 40):
        given = np.hstack([X, np.zeros((200, zeros))])
        model = LinearSVC(**params, tol=1e-8).fit(given, y, weight)
        np.testing.assert_allclose(model.coef_[:, :3], best.coef_, atol=1e-4 * np.abs(best.coef_).max())
        np.testing.assert_allclose(model.intercept_, best.intercept_, atol=1e-4 * np.abs(best.coef_).max())
        assert not model.coef_[:, 3:].any() and np.isscalar(model.n_iter_)


@pytest.mark.parametrize("mean", [0.0, 1e3, 1e6])
def test_hubers_gradient_in_float32_is_within_tol_or_told(mean):
    """In long double, from X and the weights that are handed over; of columns without their means, as tol has it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = X @ [1.0, 2.0, -1.0, 0.5] + 0.3 * rng.normal(size=300)
    X = (X + mean).astype(np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = HuberRegressor().fit(X, y)
    wide = X.astype(np.longdouble)
    error = (y - (wide @ model.coef_.astype(np.longdouble) + np.longdouble(model.intercept_))) / model.scale_
    slopes = (np.clip(error, -1.35, 1.35)[:, None] * (wide - wide.mean(axis=0))).mean(axis=0)
    assert np.abs(slopes).max() <= 3e-5 or caught
