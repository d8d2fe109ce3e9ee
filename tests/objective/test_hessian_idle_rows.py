"""Hessians of samples many of which have no part in them, against NumPy."""
import numpy as np
import pytest
import scipy.sparse

from fastopt import LinearObjective
from fastopt.objective._hessian import second_order


def data(share, n=1500, d=7):
    """Samples of which such a share has a margin below 1 at w."""
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((n, d)), rng.standard_normal(d + 1)
    p = X @ w[:d] + w[d]
    margin = np.where(rng.random(n) < share, 1 - rng.random(n), 1.5 + rng.random(n))
    X[:, 0] += (np.sign(p) * margin - p) / w[0]
    return X, (p > 0).astype(float), w


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, scipy.sparse.csr_array])
def test_value_gradient_and_hessian_of_a_squared_hinge(share, weighted, form):
    X, y, w = data(share)
    s = np.random.default_rng(1).integers(0, 3, len(y)).astype(float) if weighted else np.ones(len(y))
    sign, Z = 2 * y - 1, np.column_stack([X, np.ones(len(y))])
    short = np.maximum(1 - sign * (Z @ w), 0)
    live = short > 0
    ridge = np.append(np.full(X.shape[1], 0.1), 0.0)
    value = (s * short ** 2).sum() / s.sum() + 0.5 * ridge @ w ** 2
    gradient = -2 * Z.T @ (s * sign * short) / s.sum() + ridge * w
    hessian = 2 * (Z[live] * s[live, None]).T @ Z[live] / s.sum() + np.diag(ridge)
    objective = LinearObjective(form(X), y, "squared_hinge", l2=0.1, fit_intercept=True, sample_weight=s if weighted else None)
    found = second_order(objective, w)
    np.testing.assert_allclose(found[0], value, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found[1], gradient, atol=1e-12)
    np.testing.assert_allclose(np.tril(found[2]), np.tril(hessian), atol=1e-12)
    np.testing.assert_allclose(objective.hessian(w), hessian, atol=1e-12)


def test_rows_of_weight_0_may_hold_anything():
    X, y, w = data(0.5)
    some = np.random.default_rng(1).random(len(y)) < 0.5
    expected = LinearObjective(X[some], y[some], "log_loss").hessian(w[:-1])
    X[~some] = 1e300
    found = LinearObjective(X, y, "log_loss", sample_weight=some.astype(float)).hessian(w[:-1])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
