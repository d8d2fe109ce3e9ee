"""Strengths chosen by cross-validation, against scikit-learn's: grids, scores of folds, the choice, the weights."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, TimeSeriesSplit

from fastopt import linear_model as ours
from solved_cases import TARGETS, WEIGHT, X

WEIGHTS = {"weighted": WEIGHT, "not weighted": None}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


@pytest.mark.newest   # alphas may be a number
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name, params", [
    ("LassoCV", {}), ("LassoCV", {"positive": True, "cv": 3}), ("LassoCV", {"alphas": [0.3, 0.01, 0.1], "fit_intercept": False}),
    ("LassoCV", {"cv": TimeSeriesSplit(3)}), ("ElasticNetCV", {"l1_ratio": 0.7}), ("ElasticNetCV", {"l1_ratio": [0.3, 1.0]}),
    ("ElasticNetCV", {"l1_ratio": [0.2, 0.9], "alphas": [0.2, 0.02]})])
def test_paths_of_least_squares(name, params, weight):
    params = {"alphas": 12, "tol": 1e-9, "max_iter": 20000, **params}
    y, weight = TARGETS["real"], WEIGHTS[weight]
    a, b = (getattr(module, name)(**params).fit(X, y, sample_weight=weight) for module in (ours, theirs))
    np.testing.assert_allclose(a.alphas_, b.alphas_, rtol=1e-6)
    np.testing.assert_allclose(a.mse_path_, b.mse_path_, rtol=1e-4)
    assert a.alpha_ == pytest.approx(b.alpha_, rel=1e-6)
    assert getattr(a, "l1_ratio_", 1.0) == getattr(b, "l1_ratio_", 1.0)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-5)


@pytest.mark.newest   # use_legacy_attributes
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("y, params", [
    ("two", {}), ("three", {"Cs": [0.01, 1.0, 0.1]}), ("two", {"scoring": "neg_log_loss", "cv": StratifiedKFold(3)}),
    ("three", {"refit": False}), ("two", {"cv": TimeSeriesSplit(3)}), ("two", {"cv": KFold(20), "Cs": [0.1]}),
    ("two", {"l1_ratios": [0.0, 0.5], "solver": "saga", "Cs": [0.1, 1.0], "scoring": "neg_log_loss"}), ("two", {"fit_intercept": False})])
@pytest.mark.repeats(3)
def test_logistic_regression(y, params, weight):
    params = {"Cs": 4, "tol": 1e-10, "max_iter": 5000, "l1_ratios": (0.0,), "scoring": "accuracy", **params}
    y, weight = TARGETS[y], WEIGHTS[weight]
    a = ours.LogisticRegressionCV(**{**params, "solver": "auto"}).fit(X, y, sample_weight=weight)
    b = theirs.LogisticRegressionCV(**params, use_legacy_attributes=False).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(a.Cs_, b.Cs_)
    np.testing.assert_allclose(a.scores_, b.scores_, atol=1e-5)
    np.testing.assert_allclose(a.coefs_paths_[..., :6], b.coefs_paths_[..., :6], atol=2e-4)
    assert (a.C_, a.l1_ratio_) == (b.C_, b.l1_ratio_)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=2e-4)
    assert a.score(X, y) == pytest.approx(b.score(X, y), abs=1e-5)


@pytest.mark.newest   # scores are weighted
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("y", ["real", "columns"])
@pytest.mark.parametrize("params", [
    {}, {"fit_intercept": False}, {"cv": 4}, {"cv": KFold(3), "scoring": "neg_mean_absolute_error"},
    {"scoring": "neg_median_absolute_error"}, {"alpha_per_target": True}])
@pytest.mark.parametrize("wide", [False, True])
def test_ridge(y, params, weight, wide):
    if wide:   # more features than samples
        made, y, weight = X[:30].repeat(7, axis=1), TARGETS[y][:30], WEIGHTS[weight]
        made = made + np.random.default_rng(0).normal(size=made.shape)
        weight = None if weight is None else weight[:30] + 0.5
    else:
        made, y, weight = X, TARGETS[y], None if WEIGHTS[weight] is None else WEIGHT + 0.5
    params = {"alphas": (0.03, 1.0, 30.0), **params}
    a, b = (module.RidgeCV(**params).fit(made, y, sample_weight=weight) for module in (ours, theirs))
    np.testing.assert_allclose(a.alpha_, b.alpha_)
    np.testing.assert_allclose(a.best_score_, b.best_score_, rtol=1e-6)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-8)
    np.testing.assert_allclose(a.intercept_, b.intercept_, atol=1e-8)


@pytest.mark.parametrize("cv", [None, 4, ShuffleSplit(3, random_state=0)])
def test_ridge_with_large_means(cv):
    moved, y = X + 1e6, TARGETS["real"] + 1e6
    a, b = (module.RidgeCV(cv=cv).fit(moved, y) for module in (ours, theirs))
    assert a.alpha_ == b.alpha_
    np.testing.assert_allclose(a.best_score_, b.best_score_, rtol=1e-6)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-7)


def test_ridge_where_x_does_not_vary():
    for made in (np.ones((4, 2)), np.ones((3, 5))):
        model = ours.RidgeCV().fit(made, np.arange(len(made)))
        np.testing.assert_allclose([*model.coef_, model.intercept_], [0] * made.shape[1] + [(len(made) - 1) / 2], atol=1e-12)


def test_ridge_where_a_fold_does_not_vary():
    y = np.where(np.arange(len(X)) < len(X) // 2, 1.0, TARGETS["real"])
    a, b = (module.RidgeCV(cv=KFold(4)).fit(X, y) for module in (ours, theirs))
    assert (a.alpha_, a.best_score_) == (b.alpha_, pytest.approx(b.best_score_, rel=1e-6))


def test_errors_of_rows_left_out_are_kept():
    for y in (TARGETS["real"], TARGETS["columns"]):
        a, b = (module.RidgeCV(store_cv_results=True).fit(scipy.sparse.csr_matrix(X), y) for module in (ours, theirs))
        np.testing.assert_allclose(a.cv_results_, b.cv_results_, rtol=1e-6)


@pytest.mark.parametrize("model, words", [
    (ours.LassoCV(alphas=0), "alphas"), (ours.LassoCV(cv="five"), "cv"), (ours.LassoCV(eps=2.0), "eps"),
    (ours.ElasticNetCV(l1_ratio=0.0), "alphas"), (ours.ElasticNetCV(l1_ratio=[0.5, 1.5]), "l1_ratio"),
    (ours.RidgeCV(alphas=[0.0, 1.0]), "alphas"), (ours.RidgeCV(cv=3, store_cv_results=True), "store_cv_results"),
    (ours.LogisticRegressionCV(Cs=[-1.0]), "Cs"),
    (ours.LogisticRegressionCV(use_legacy_attributes="warn"), "use_legacy_attributes"),
    (ours.LassoCV(cv=1), "cv")])
def test_bad_parameters_are_named(model, words):
    with pytest.raises(ValueError, match=words):
        model.fit(X, TARGETS["two" if hasattr(model, "predict_proba") else "real"])
