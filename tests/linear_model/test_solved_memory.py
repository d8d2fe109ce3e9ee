"""Solver-based estimators read X where it lies: no copy of its size, whatever its type and layout, to learn or to predict."""
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import svm
from sklearn.exceptions import ConvergenceWarning

from fastopt import LinearObjective
from fastopt._solvers.auto import solve
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import LinearSVC, LinearSVR, LogisticRegression, Ridge

N, D = 8000, 60
KINDS = {"float64": lambda X: X.astype(np.float64), "float32": lambda X: X.astype(np.float32), "uint8": lambda X: X.astype(np.uint8),
         "int8": lambda X: X.astype(np.int8), "float16": lambda X: X.astype(np.float16),
         "fortran": lambda X: np.asfortranarray(X, dtype=np.float64), "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2] * 1.0,
         "csr": lambda X: sp.csr_matrix(X, dtype=np.float32), "csc": lambda X: sp.csc_array(X, dtype=np.float64)}


def problem():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 7, (N, D)) * (rng.random((N, D)) < 0.6)
    p = X @ rng.standard_normal(D)
    return X, p - p.mean() + 3 * rng.standard_normal(N)


def size(X):
    return X.data.nbytes + X.indices.nbytes if sp.issparse(X) else X.size * X.itemsize


def peak(call, *args):
    """(what a call returns, the most memory that it took)."""
    tracemalloc.start()
    try:
        return call(*args), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", [Ridge(), LogisticRegression(C=1e-3)], ids=["one", "three"])
def test_predictions_copy_nothing(kind, model):
    X, y = problem()
    model.fit(X[:300].astype(float), y[:300] if isinstance(model, Ridge) else np.digitize(y[:300], [-5, 5]))
    given = KINDS[kind](X)
    call = model.predict if isinstance(model, Ridge) else model.decision_function
    call(given[:2])   # what is imported and kept is so from here on
    p, most = peak(call, given)
    np.testing.assert_allclose(p, X @ np.squeeze(model.coef_).T + model.intercept_, rtol=1e-4, atol=1e-4 * np.abs(p).max())
    assert most < 0.5 * size(given) + 6 * p.nbytes
    two = type(model)(**{**model.get_params(), "n_jobs": 2})
    two.__dict__.update({name: value for name, value in vars(model).items() if name.endswith("_")})
    np.testing.assert_array_equal(getattr(two, call.__name__)(given), p)


@pytest.mark.parametrize("model", [LinearSVC(loss="hinge", solver="sdca"), LinearSVC(solver="sdca", intercept_scaling=3.0),
                                   LinearSVR(solver="sdca")], ids=str)
@pytest.mark.parametrize("sparse", [False, True])
def test_a_penalised_intercept_copies_nothing(model, sparse):
    X, y = problem()
    X, y = X.astype(float), (y > 0).astype(int) if isinstance(model, LinearSVC) else y / y.std()
    X = sp.csr_matrix(X) if sparse else X
    model.set_params(max_iter=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X[:100], y[:100])
        assert peak(model.fit, X, y)[1] < 0.5 * size(X)


@pytest.mark.parametrize("solver", ["sdca", "lbfgs", "newton-cholesky"])
@pytest.mark.parametrize("scaling", [0.3, 5.0])
def test_a_penalised_intercept_is_liblinears(solver, scaling):
    """With a column of X for it, or without."""
    X, y = problem()
    X, y = X[:400, :5] / 7, y[:400] > 9
    options = {"C": 0.4, "intercept_scaling": scaling, "tol": 1e-8, "max_iter": 20000}
    mine, theirs = LinearSVC(solver=solver, **options).fit(X, y), svm.LinearSVC(dual=False, **options).fit(X, y)
    np.testing.assert_allclose(mine.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(mine.intercept_, theirs.intercept_, atol=1e-5)


def test_who_takes_intercept_scaling():
    X, y = problem()
    objective = LinearObjective(X.astype(float)[:100], y[:100] > 0, "squared_hinge", 0.1, fit_intercept=True)
    assert solve(objective, solver="sdca", intercept_scaling=2.0, tol=1e-3).converged
    with pytest.raises(InvalidParameterError, match="'lbfgs' does not take intercept_scaling"):
        solve(objective, solver="lbfgs", intercept_scaling=2.0)
    with pytest.raises(InvalidParameterError, match="intercept_scaling must be a finite number above 0"):
        solve(objective, solver="sdca", intercept_scaling=0)
