"""Softmax over few columns: its Hessian against NumPy, rows that are predicted wrongly, columns of uneven sizes, what "auto" picks."""
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression as Reference

from fastopt import LinearObjective
from fastopt._solvers.auto import choose, solve
from fastopt._solvers.smooth.subsample import condition
from fastopt.linear_model import LogisticRegression
from fastopt.objective._hessian import hessian
from fastopt.objective._hessian_softmax import bounded, takes_products

FORMS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "strided": lambda X: np.repeat(X, 2, axis=0)[::2], "csr": sp.csr_array,
         "csc": sp.csc_array}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n, d, k", [(3, 2, 3), (1100, 5, 4), (130, 30, 12), (70, 3, 40)], ids=str)
@pytest.mark.parametrize("intercept, weighted, far", [(True, False, False), (False, True, False), (True, True, True)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_hessian_against_numpy(form, n, d, k, intercept, weighted, far, dtype):
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.9) + 10 * far).astype(dtype)
    y, weight = np.arange(n) % k, rng.random(n).astype(dtype) if weighted else None
    assert takes_products(k, d + intercept, 0.9 * d if form.startswith("cs") else None)
    objective = LinearObjective(FORMS[form](X), y, "multinomial", 0.01, intercept, weight).centred()
    k = objective.n_outputs
    coef, constant = rng.standard_normal((k, d)) / d, rng.standard_normal(k) / 5
    found = objective.hessian(np.concatenate([coef.ravel(), constant]) if intercept else coef.ravel())
    A = X.astype(float) - (0 if objective.columns is None else objective.columns[0])
    p = softmax(A @ coef.T + (constant if intercept else 0), axis=1)
    share = (np.ones(n) if weight is None else weight.astype(float)) / (n if weight is None else weight.sum(dtype=float))
    A = np.hstack([A, np.ones((n, int(intercept)))])
    blocks = np.einsum("i,iab,ij,il->ajbl", share, np.eye(k) * p[:, None] - p[:, :, None] * p[:, None], A, A, optimize=True)
    wanted = np.zeros_like(found)
    for a in range(k):
        for b in range(k):
            rows, columns = ([*range(j * d, j * d + d), *[k * d + j] * intercept] for j in (a, b))
            wanted[np.ix_(rows, columns)] = blocks[a, :, b]
    wanted[range(k * d), range(k * d)] += 0.01
    np.testing.assert_allclose(found, wanted, rtol=0, atol=(2e-6 if dtype == np.float32 else 1e-13) * np.abs(wanted).max())


def test_a_wrong_row_has_the_curvature_of_a_parabola_above_its_loss():
    """Of two classes: log(1 + exp(t)) and the parabola that touches it at t."""
    t = np.array([1e-9, 1e-3, 0.5, 2.0, 30.0, 1e4])
    p = 1 / (1 + np.exp(-t))
    found = bounded(np.array([p, 1 - p]), np.ones(len(t), int), t)
    curvature = found[0] * found[1]
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-15)
    np.testing.assert_allclose(curvature, np.tanh(t / 2) / (2 * t), rtol=1e-12)
    s = np.linspace(-3, 3, 601)[:, None] * np.maximum(t, 1)
    above = np.logaddexp(0, t) + p * s + curvature / 2 * s ** 2 - np.logaddexp(0, t + s)
    assert (above >= -1e-12 * np.maximum(t, 1)).all()
    np.testing.assert_allclose(np.logaddexp(0, -t), np.logaddexp(0, t) + p * -2 * t + curvature / 2 * (2 * t) ** 2, atol=1e-9)   # and at −t


def test_only_wrong_rows_are_bounded():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 4)), np.arange(300) % 3
    w = rng.standard_normal(12)
    right = np.argmax(X @ w.reshape(3, 4).T, axis=1)
    agree = LinearObjective(X, right, "multinomial")
    np.testing.assert_allclose(hessian(agree, w, bound=True), hessian(agree, w), rtol=1e-12, atol=1e-15)
    wrong = LinearObjective(X, y, "multinomial")
    assert np.trace(hessian(wrong, w, bound=True)) > 1.01 * np.trace(hessian(wrong, w))


def heavy(seed, k=7, n=3000, d=6):
    """Columns of heavy tails and uneven sizes, classes of a few rows."""
    rng = np.random.default_rng(seed)
    X, sizes = rng.standard_t(0.7, (n, d)), np.geomspace(1, 30, d)
    p = X @ rng.standard_normal((d, k)) + np.linspace(0, -9, k)
    return X * sizes, np.argmax(p + rng.gumbel(size=p.shape), axis=1)


@pytest.mark.parametrize("form", ["C", "csr"])
@pytest.mark.parametrize("seed", [2, 5])
def test_outliers_and_rare_classes_take_few_steps(seed, form):
    """Curvatures alone take 20."""
    X, y = heavy(seed)
    model = LogisticRegression().fit(FORMS[form](X), y)
    assert model.n_iter_[0] <= 16
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        wanted = Reference(solver="newton-cholesky", tol=1e-9, max_iter=1000).fit(X, y)
    assert np.abs(model.predict_proba(X) - wanted.predict_proba(X)).max() < 2e-3


@pytest.mark.parametrize("form", ["C", "csr"])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_alone_do_in_columns_of_uneven_sizes(form, classes, dtype):
    """As much as a hundred iterations of scikit-learn's lbfgs do in even ones."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 12))
    p = X @ rng.standard_normal((12, classes))
    y = np.argmax(p + rng.gumbel(size=p.shape), axis=1)
    X = (X * np.geomspace(1, 1e3, 12)).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model = LogisticRegression(solver="lbfgs", tol=1e-3).fit(FORMS[form](X), y)
    assert model.n_iter_[0] < 60
    wanted = Reference(solver="newton-cholesky", tol=1e-9).fit(X.astype(float), y)
    assert np.abs(model.predict_proba(X) - wanted.predict_proba(X)).max() < 5e-3


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_condition_is_over_what_classes_differ_in(l2):
    X, y = np.random.default_rng(0).standard_normal((500, 3)) * [1.0, 1.5, 2.0], np.arange(500) % 3
    objective = LinearObjective(X, y, "multinomial", l2, True)
    sizes = np.linalg.eigvalsh(objective.hessian(np.zeros(12)))
    apart = sizes[sizes > 1e-9] if l2 == 0 else np.setdiff1d(sizes.round(9), [l2, 0.0])
    assert 0.9 * apart[-1] / apart[0] < condition(objective) <= 1.001 * apart[-1] / apart[0]


@pytest.mark.parametrize("d, size, chosen", [(50, 1.0, "lbfgs"), (20, 1.0, "lbfgs"), (20, 100.0, "newton-cholesky")])
def test_auto_takes_whole_hessians_where_columns_differ_and_these_are_cheap(d, size, chosen):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, d)) * np.append(size, np.ones(d - 1))
    objective = LinearObjective(X, rng.integers(0, 3, 20_000), "multinomial", 1e-4, True)
    assert choose(objective, None, 1e-4) == "preconditioned-cg" and solve(objective).solver == chosen
