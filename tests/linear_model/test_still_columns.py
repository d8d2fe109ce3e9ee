"""Columns that do not vary, in all rows or in those of a fold: their weights are 0, and the others as without them."""
import numpy as np
import pytest
from sklearn import linear_model as reference
from sklearn.model_selection import KFold

from fastopt import linear_model

ROWS, COLUMNS = 120, 12


@pytest.fixture(scope="module")
def varied():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, COLUMNS)) + 3.0
    return X, X @ (rng.standard_normal(COLUMNS) * (rng.random(COLUMNS) < 0.5)) + rng.standard_normal(ROWS)


def still(X, dtype=np.float64):
    """X, a column of ones, one of 0.1, one of zeros, and one that is not 0 in a row of the first fold alone."""
    once = np.zeros(len(X))
    once[3] = 1.0
    return np.column_stack([X, np.ones(len(X)), np.full(len(X), 0.1), np.zeros(len(X)), once]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("positive", [False, True])
def test_lasso_leaves_them_at_0(varied, dtype, positive):
    X, y = varied
    model = linear_model.Lasso(0.05, tol=1e-10, positive=positive).fit(still(X, dtype), y)
    expected = reference.Lasso(0.05, tol=1e-12, positive=positive).fit(still(X), y)
    np.testing.assert_array_equal(model.coef_[COLUMNS:COLUMNS + 3], 0)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6 if dtype == np.float64 else 1e-4)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, atol=1e-4 if dtype == np.float64 else 1e-2)


@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
@pytest.mark.parametrize("weighted", [False, True])
def test_errors_over_folds_are_those_of_fits_of_each_fold(varied, name, weighted):
    X, y = varied
    X, folds = still(X), list(KFold(4).split(X))
    weight = np.random.default_rng(1).random(ROWS) + 0.5 if weighted else None
    made = {"alphas": [0.3, 0.1, 0.03], "cv": folds}
    model = getattr(linear_model, name)(tol=1e-10, **made).fit(X, y, weight)
    expected = getattr(reference, name)(tol=1e-12, max_iter=100_000, **made).fit(X, y, weight)
    np.testing.assert_allclose(model.mse_path_, expected.mse_path_, rtol=1e-5)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6)


def test_a_column_that_hardly_varies_is_not_still(varied):
    """Its deviation is lost in sums of squares, but not to fits that centre it first."""
    X, y = varied
    far = X[:, 0].copy()
    X = X.copy()
    X[:, 0] = 1e9 + far
    model = linear_model.LassoCV(alphas=[0.1, 0.03], tol=1e-8).fit(X, y)
    expected = reference.LassoCV(alphas=[0.1, 0.03], tol=1e-12).fit(np.column_stack([far, X[:, 1:]]), y)
    np.testing.assert_allclose(model.mse_path_, expected.mse_path_, rtol=1e-4)
