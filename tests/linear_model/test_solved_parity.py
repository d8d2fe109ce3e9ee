"""The solver-based estimators against scikit-learn's: coefficients, predictions, scores and attributes."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

from solved_cases import PARITY, TARGETS, WEIGHT, X, pair

IDS = [f"{name}-{y}-{'-'.join(f'{k}={v}' for k, v in params.items())}" for name, y, params, _ in PARITY]
FORMS = {"dense": np.ascontiguousarray, "fortran": np.asfortranarray, "csr": scipy.sparse.csr_matrix,
         "csc": scipy.sparse.csc_array, "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2]}


def same(ours, theirs, X, y, weight, tol):
    for name in ("coef_", "intercept_"):
        mine, other = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        if name == "coef_":
            assert mine.shape == other.shape
        np.testing.assert_allclose(mine, np.broadcast_to(other, mine.shape), atol=tol * max(1.0, np.abs(other).max()))
    np.testing.assert_allclose(ours.score(X, y, weight), theirs.score(X, y, weight), atol=100 * tol)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=10 * tol)
        np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=10 * tol)
    if not hasattr(theirs, "classes_"):
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=100 * tol, atol=100 * tol)


#: 'balanced' counts weights, and l1_ratio alone says the penalty, since scikit-learn 1.8
CASES = [pytest.param(*case, marks=pytest.mark.newest if {"l1_ratio", "class_weight"} & set(case[2]) else ()) for case in PARITY]


@pytest.mark.parametrize("name, y, params, theirs", CASES, ids=IDS)
@pytest.mark.repeats(3)
def test_same_optimum_as_scikit_learn(name, y, params, theirs):
    mine, other = pair(name, params, theirs)
    mine.fit(X, TARGETS[y], sample_weight=WEIGHT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other.fit(X, TARGETS[y], sample_weight=WEIGHT)
    same(mine, other, X, TARGETS[y], WEIGHT, 1e-4 if name == "HuberRegressor" else 1e-5)
    if hasattr(other, "scale_"):
        assert mine.scale_ == pytest.approx(other.scale_, rel=1e-4)
        assert (mine.outliers_ == other.outliers_).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name, y", [("LogisticRegression", "three"), ("Ridge", "real"), ("Lasso", "real"), ("LinearSVC", "two"),
                                     ("PoissonRegressor", "counts"), ("QuantileRegressor", "real"), ("HuberRegressor", "real")])
@pytest.mark.repeats(4)
def test_any_form_of_X_gives_the_same_model(name, y, dtype, form):
    params = {"alpha": 0.05} if name in ("Lasso", "QuantileRegressor") else {}
    ours, theirs = pair(name, params, {})
    ours.set_params(**({} if name == "QuantileRegressor" else {"tol": 1e-6 if dtype == np.float32 else 1e-10, "max_iter": 1000}))
    given = FORMS[form](X.astype(dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours.fit(given, TARGETS[y])
        theirs.fit(X, TARGETS[y])
    assert ours.coef_.dtype == dtype
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-3 if dtype == np.float32 else 1e-5)
    assert ours.score(given, TARGETS[y]) == pytest.approx(theirs.score(X, TARGETS[y]), abs=1e-3)
