"""Objectives of the losses of all predictions of a row against plain NumPy, and their solutions by solvers against SciPy."""
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

import fastopt as fo
from fastopt import losses
from fastopt._solvers.auto import solve
from fastopt.exceptions import InvalidParameterError
from reference.row_losses import PLAIN_ROWS, ROW_CASES, row_targets

NAMES = losses.names(couples_outputs=True)
SMOOTH = [name for name in NAMES if losses.get(name).smooth]


def problem(name, n=80, d=4, k=4):
    params = {"low": 0.1, "high": 0.8, "n_levels": k} if name == "quantile_levels" else ROW_CASES.get(name, [{}])[0]
    loss, rng = losses.get(name, **params), np.random.default_rng(5)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.7)
    y = row_targets(loss.target, n, k, rng)
    if loss.target == "class":
        y[:k] = np.arange(k)
    return X, y, loss, params, rng.random(n) + 0.1


def plain(name, params, X, y, s, l2, w, k):
    """The value and the gradient of an objective with intercepts."""
    d = X.shape[1]
    W, b = w[:k * d].reshape(k, d), w[k * d:]
    each, slopes = PLAIN_ROWS[name](y, X @ W.T + b, **params)
    c = slopes * (s / s.sum())[:, None]
    return s @ each / s.sum() + l2 / 2 * (W**2).sum(), np.concatenate([(c.T @ X + l2 * W).ravel(), c.sum(axis=0)])


@pytest.mark.parametrize("layout", [np.asarray, sp.csr_matrix, sp.csc_matrix])
@pytest.mark.parametrize("name", NAMES)
def test_values_gradients_and_hessians_are_those_of_plain_numpy(name, layout, isa):
    X, y, loss, params, s = problem(name)
    objective = fo.LinearObjective(layout(X), y, loss, l2=0.1, fit_intercept=True, sample_weight=s)
    assert objective.n_outputs == 4
    w, v = np.random.default_rng(0).normal(size=(2, objective.n_params))
    value, gradient = objective.value_and_gradient(w)
    want = plain(name, params, X, y, s, 0.1, w, 4)
    assert value == pytest.approx(want[0], rel=1e-12)
    np.testing.assert_allclose(gradient, want[1], rtol=1e-10, atol=1e-12)
    hessian = objective.hessian(w)
    np.testing.assert_allclose(hessian @ v, objective.hessp(w, v), rtol=1e-9, atol=1e-11)
    if name in SMOOTH and name != "sparsemax":
        step = 1e-6
        ends = [plain(name, params, X, y, s, 0.1, w + sign * step * v, 4)[1] for sign in (1, -1)]
        np.testing.assert_allclose(hessian @ v, (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cholesky", "newton-cg", "fista"])
@pytest.mark.parametrize("name", SMOOTH)
def test_solvers_find_the_minimum_of_scipy(name, solver):
    X, y, loss, params, s = problem(name)
    found = solve(fo.LinearObjective(X, y, loss, l2=0.1, fit_intercept=True, sample_weight=s), None, solver, tol=1e-8, max_iter=5000)
    best = scipy.optimize.minimize(lambda w: plain(name, params, X, y, s, 0.1, w, 4), np.zeros(len(found.w)), jac=True, method="BFGS",
                                   options={"gtol": 1e-9})
    assert found.value == pytest.approx(best.fun, rel=1e-8)
    assert np.abs(found.w[:16] - best.x[:16]).max() < 1e-3


@pytest.mark.parametrize("name", SMOOTH)
def test_newtons_steps_are_few_and_what_is_in_common_changes_nothing_where_it_is_said(name):
    X, y, loss, _, s = problem(name)
    objective = fo.LinearObjective(X, y, loss, l2=0.1, fit_intercept=True, sample_weight=s)
    assert solve(objective, None, "newton-cholesky", tol=1e-9).n_iter <= 12
    p = np.random.default_rng(0).normal(size=(80, 4))
    shift = p + np.arange(80)[:, None] / 40
    assert np.allclose(loss.pointwise(y, p), loss.pointwise(y, shift), rtol=1e-12) == loss.shift_invariant


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SMOOTH])
def test_solvers_of_smooth_losses_refuse_kinks(name):
    X, y, loss, _, _ = problem(name)
    with pytest.raises(InvalidParameterError, match="continuous derivative|finds none"):
        solve(fo.LinearObjective(X, y, loss, l2=0.1), None, "lbfgs")


@pytest.mark.parametrize("loss, y, text", [
    ("sparsemax", [[0, 1], [1, 0]], "y must hold the numbers 0 … k − 1"), ("softmax_focal", [0.5, 1], "y must hold the numbers 0 … k − 1"),
    ("kl_divergence", [0.5, 0.5], r"y must have shape \(n, k\)"), ("kl_divergence", [[0.5, 0.25], [1, 0]], "the sum 0.75 in row 0"),
    ("generalized_kl", [[-1, 0.25], [1, 0]], "y must be finite and at least 0"), ("quantile_levels", [[1.0], [2.0]], "one number a row"),
    ("quantile_levels", [np.nan, 2.0], "y must be finite")])
def test_targets_are_refused_by_name(loss, y, text):
    with pytest.raises(ValueError, match=text):
        fo.LinearObjective(np.ones((2, 1)), y, loss)
