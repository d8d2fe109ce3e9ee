"""Ridge without a penalty to speak of where many weights do equally well: fewer rows than columns, columns that repeat.  Every solver of least
squares that has scikit-learn's name finds the shortest, as LinearRegression does, whatever the layout, and without a warning."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs

from fastopt.linear_model import Ridge

RNG = np.random.default_rng(0)
DESIGNS = {
    "tall": RNG.normal(size=(100, 50)), "wide": RNG.normal(size=(50, 100)), "away from 0": RNG.normal(size=(50, 100)) + 1,
    "far from 0": RNG.normal(size=(50, 100)) + 100, "every column twice": np.repeat(RNG.normal(size=(60, 4)), 2, axis=1) + 1,
    "twice and wide": np.repeat(RNG.normal(size=(20, 15)), 2, axis=1) + 1,
    "few values": RNG.normal(size=(60, 100)) * (RNG.random((60, 100)) < 0.1),
    "every row twice": np.tile(RNG.normal(size=(10, 40)), (2, 1)),
}


@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, scipy.sparse.csr_matrix, scipy.sparse.csc_matrix],
                         ids=["C", "F", "csr", "csc"])
@pytest.mark.parametrize("solver", ["auto", "svd", "cholesky", "lsqr", "sparse_cg"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.repeats(5)
def test_the_shortest_minimum_is_found(name, intercept, solver, form):
    X = DESIGNS[name]
    y = X[:, :4].sum(axis=1) + 3 * intercept + 0.1 * np.random.default_rng(1).normal(size=len(X))
    weight = np.random.default_rng(2).integers(1, 4, len(X)).astype(float)
    for target, s in ((y, None), (np.c_[y, -y], None), (y, weight)):
        wanted = theirs.LinearRegression(fit_intercept=intercept).fit(X, target, s)
        for alpha in (0, 1e-16):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                model = Ridge(alpha, fit_intercept=intercept, solver=solver, tol=1e-10).fit(form(X), target, s)
            size = np.abs(wanted.coef_).max()
            np.testing.assert_allclose(model.coef_, wanted.coef_, atol=1e-4 * size)
            np.testing.assert_allclose(model.intercept_, wanted.intercept_, atol=1e-3 * size)
