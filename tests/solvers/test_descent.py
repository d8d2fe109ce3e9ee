"""What coordinate descent is made of: columns and their products against NumPy, growing and shrinking working sets, features that are few,
leaps, intercepts without weights."""
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.linear_model import Lasso
from test_solve_sparse import LAYOUTS, problem

import fastopt as fo
from fastopt import penalties
from fastopt._core.tables import Matrix
from fastopt._solvers.auto import solve
from fastopt._solvers.proximal.columns import Columns, stored_values
from fastopt._solvers.proximal.epochs import minimize_quadratic
from fastopt._solvers.proximal.gram import gram
from fastopt._solvers.proximal.quadratic import Backoff, conjugate_gradients, slopes_of
from fastopt.penalties._regularizer import Regularizer
from reference.sparse import Problem


def matrix(n, d, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)).astype(dtype)
    X[rng.random((n, d)) < 0.4] = 0
    return X


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (131, 7), (260, 50), (300, 101)])
def test_products_of_columns(layout, dtype, n, m):
    X = matrix(n, 120, dtype)
    numbers = np.random.default_rng(1).permutation(120)[:m]
    D = np.random.default_rng(2).random(n).astype(dtype)
    columns = Columns(Matrix(LAYOUTS[layout](X)), numbers)
    wide = X[:, numbers].astype(np.float64)
    for weight, factor in ((None, 0.5), (D, 1.0), (D, 2.0)):
        want = factor * (wide.T * (1 if weight is None else weight.astype(np.float64))) @ wide
        whole = gram(columns, weight, factor)
        assert_allclose(whole, want, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=(1e-4 if dtype == np.float32 else 1e-12) * n)
        assert np.array_equal(whole, gram(columns, weight, factor, threads=3)) and np.array_equal(whole, whole.T)
        for k in (1, m // 2, m):
            assert np.array_equal(whole, gram(columns, weight, factor, known=whole[:k, :k]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_columns_taken_and_joined(layout):
    X = matrix(40, 30)
    source = Matrix(LAYOUTS[layout](X))
    stored = stored_values(source)
    assert stored is None or np.array_equal(stored, (X != 0).sum(axis=0))
    first, more = np.array([4, 2, 9]), np.array([29, 0])
    both = Columns(source, first, stored=stored)
    both = Columns(source, np.r_[first, more]) if both.lies else both.joined(Columns(source, more))
    some, e = both.take(np.array([3, 0, 2])), np.arange(40.0)
    assert_allclose(some.slopes(e), e @ X[:, [29, 4, 9]], rtol=1e-12)
    q = np.zeros(40)
    some.products(np.array([1.0, 2.0, 0.0]), q)
    assert_allclose(q, X[:, 29] + 2 * X[:, 4], rtol=1e-12)


@pytest.mark.parametrize("layout", ["C", "F", "csr"])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize("n", [70, 900])
@pytest.mark.repeats(3)
def test_sets_that_grow_and_shrink(layout, loss, n):
    """Weak penalties: several rounds, n smaller and larger than what is not 0."""
    X, y = problem(n, 1200, loss, sparse=layout == "csr")
    l1 = 0.02 * np.abs(Problem(X, y, loss).smooth(np.zeros(1200))[1]).max()
    solution = solve(fo.LinearObjective(LAYOUTS[layout](X), y, loss), penalties.L1(l1), "cd", tol=1e-9, max_iter=500)
    assert solution.converged and 0 < np.count_nonzero(solution.w) < 1200
    reference = Problem(X, y, loss, l1=l1)
    assert reference.kkt(solution.w) < 1e-4 * l1 if loss == "log_loss" else reference.kkt(solution.w) < 1e-2 * l1
    if loss == "squared_error":
        best = Lasso(l1, fit_intercept=False, tol=1e-10, max_iter=20_000).fit(X, y).coef_
        assert solution.value <= reference.value(best) * (1 + 1e-7)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_columns_far_from_0(offset, dtype):
    """Products of columns that have large means lose their digits: the columns themselves are taken then."""
    X, y = problem(200, 12, "squared_error")
    X = (X + offset).astype(dtype)
    solution = solve(fo.LinearObjective(X, y, "squared_error", fit_intercept=True), penalties.L1(0.05), "cd", tol=1e-5)
    centred = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    best = Lasso(0.05, tol=1e-10).fit(centred, y).coef_
    assert_allclose(solution.w[:12], best, atol=2e-3)


@pytest.mark.parametrize("d", [5, 400])
@pytest.mark.parametrize("layout", ["C", "csr"])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "poisson", "huber"])
def test_an_intercept_without_weights_is_at_its_best(d, layout, loss):
    rng = np.random.default_rng(0)
    X, y = matrix(60, d), (rng.random(60) < 0.8).astype(float)
    y = y if loss == "log_loss" else 3 * y + rng.random(60)
    solution = solve(fo.LinearObjective(LAYOUTS[layout](X), y, loss, fit_intercept=True), penalties.L1(50.0), "cd", tol=1e-9)
    assert solution.converged and not solution.w[:d].any()
    assert abs(Problem(X, y, loss, intercept=True).smooth(solution.w)[1][d]) < 1e-4 * y.mean()


def test_minimum_over_the_support():
    A = matrix(30, 9)
    H = A.T @ A + np.eye(9)
    assert_allclose(conjugate_gradients(lambda v: H @ v, np.arange(9.0), H.diagonal(), 1e-12), np.linalg.solve(H, np.arange(9.0)), rtol=1e-8)
    rule = penalties.L1(0.5).bind(3)
    assert isinstance(rule, Regularizer)
    assert_allclose(slopes_of(rule, np.array([1.0, -2.0, 3.0]), np.array([1.0, 2.0, -7.0])), [1.5, 1.5, -6.5])
    backoff = Backoff()
    assert backoff.due() and backoff.due()
    backoff.failures = 2
    assert [backoff.due() for _ in range(8)] == 2 * [False, False, False, True]


def test_strong_signals_in_hundreds_of_columns():
    """More than half of them at once: the Hessian of all."""
    X, y = problem(700, 300, "squared_error")
    for intercept in (False, True):
        found = solve(fo.LinearObjective(X, y, "squared_error", fit_intercept=intercept), penalties.L1(1e-3), "cd", tol=1e-8)
        best = Lasso(1e-3, fit_intercept=intercept, tol=1e-9, max_iter=50_000).fit(X, y)
        assert found.n_iter <= 4 and np.count_nonzero(found.w[:300]) > 150
        assert_allclose(found.w[:300], best.coef_, atol=1e-5)


def test_csc_is_not_turned_into_rows():
    X, y = problem(80, 30, "log_loss", sparse=True)
    found = [solve(fo.LinearObjective(kind(X), y, "log_loss"), penalties.L1(0.02), "cd", tol=1e-9).w for kind in (sp.csr_matrix, sp.csc_matrix)]
    assert_allclose(*found, atol=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_quadratics_end_where_rounding_is_all_that_is_left(seed):
    """And where values are not finite, whatever tolerance is asked for: not after all the epochs that there may be."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((5, 4)) * 10.0 ** rng.integers(-8, 9, 4)
    H, g = A.T @ A, A.T @ rng.standard_normal(5)
    for matrix_, slope in ((H, g), (H * np.inf, g), (H, g * np.nan)):
        done = minimize_quadratic(penalties.L1(0.1).bind(4), matrix_, slope.copy(), np.zeros(4), 0.0)
        assert done <= 500
