"""What users pass as `cv` and `scoring`: folds as masks, negative numbers, slices; scorers of their own, which see X, a model and
weights; metrics where a fold lacks a class.  Against scikit-learn's estimators."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs
from sklearn.metrics import accuracy_score, make_scorer, mean_absolute_error
from sklearn.model_selection import KFold

from fastopt import linear_model as ours
from solved_cases import TARGETS, WEIGHT, X

N = len(X)
PARTS = [(train, test) for train, test in KFold(3).split(X)]
MODELS = {
    "LassoCV": ({"alphas": [0.3, 0.1, 0.01], "tol": 1e-8}, "mse_path_", "real"),
    "ElasticNetCV": ({"alphas": [0.3, 0.1, 0.01], "tol": 1e-8, "l1_ratio": [0.5, 0.9]}, "mse_path_", "real"),
    "RidgeCV": ({"alphas": [0.1, 1.0, 10.0]}, "best_score_", "real"),
    "LogisticRegressionCV": ({"Cs": [0.1, 1.0], "tol": 1e-8, "max_iter": 1000, "l1_ratios": (0.0,), "scoring": "neg_log_loss"},
                             "scores_", "two"),
}


def masks(rows):
    return np.isin(np.arange(N), rows)


FORMS = {
    "masks": lambda rows: masks(rows), "lists of bool": lambda rows: masks(rows).tolist(), "negative": lambda rows: rows - N,
    "lists": lambda rows: rows.tolist(), "small integers": lambda rows: rows.astype(np.int16), "backwards": lambda rows: rows[::-1],
    "unsigned": lambda rows: rows.astype(np.uint64),
}


def make(module, name, **more):
    params = {**MODELS[name][0], **more}
    if module is theirs and name == "LogisticRegressionCV":
        params["use_legacy_attributes"] = False
    return getattr(module, name)(**params)


def fit(module, name, weight=None, y=None, data=X, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(module, name, **more).fit(data, TARGETS[MODELS[name][2]] if y is None else y, sample_weight=weight)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", MODELS)
def test_folds_choose_rows_as_in_scikit_learn(name, form):
    cv = [(FORMS[form](train), FORMS[form](test)) for train, test in PARTS]
    a, b = fit(ours, name, cv=cv), fit(theirs, name, cv=PARTS)
    np.testing.assert_allclose(getattr(a, MODELS[name][1]), getattr(b, MODELS[name][1]), rtol=1e-4)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-4)


BROKEN = {
    "no folds": [], "a row past the end": [(np.arange(5), np.array([N]))], "a row before the first": [(np.arange(5), np.array([-N - 1]))],
    "a short mask": [(np.ones(N - 1, dtype=bool), np.arange(3))], "fractions": [(np.array([0.5, 1.5]), np.arange(3))],
    "nothing to learn from": [([], np.arange(3))], "nothing to score": [(np.arange(5), np.zeros(N, dtype=bool))],
    "no pairs": [np.arange(5)], "words": [(["a"], ["b"])], "two dimensions": [(np.arange(6).reshape(2, 3), np.arange(3))],
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("name", MODELS)
def test_folds_that_cannot_be_are_refused(name, kind):
    with pytest.raises(ValueError, match="cv"):
        fit(ours, name, cv=BROKEN[kind])


class Splitter:
    """Splits by a column of X and by labels as they are."""

    def split(self, X, y, groups=None):
        assert X.shape == (N, 6) and len(np.unique(y)) > 1
        order = np.argsort(np.asarray(X[:, 0]).ravel() if isinstance(X, np.ndarray) else X[:, [0]].toarray().ravel())
        yield order[:80], order[80:]
        yield order[40:], order[:40]

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2


@pytest.mark.parametrize("name", MODELS)
def test_splitters_see_the_data(name):
    a, b = fit(ours, name, cv=Splitter()), fit(theirs, name, cv=Splitter())
    np.testing.assert_allclose(getattr(a, MODELS[name][1]), getattr(b, MODELS[name][1]), rtol=1e-4)


# ---- scorers ----

FORMATS = {"dense": np.asarray, "F": np.asfortranarray, "float32": lambda X: X.astype(np.float32), "csr": scipy.sparse.csr_matrix,
           "csc": scipy.sparse.csc_array}


def column_sum(est, X, y):
    return float(X[:, [0]].sum())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["LogisticRegressionCV", "RidgeCV"])
def test_scorers_see_the_rows_of_the_fold(name, format):
    made, seen = FORMATS[format](X), []

    def score(est, X, y):
        seen.append((X, y))
        return column_sum(est, X, y)

    fit(ours, name, data=made, cv=PARTS, scoring=score)
    assert len(seen) == len(PARTS) * len(MODELS[name][0].get("Cs", MODELS[name][0].get("alphas")))
    for own, y in seen:
        assert getattr(own, "format", None) == getattr(made, "format", None) and own.dtype == made.dtype
        dense = own.toarray() if scipy.sparse.issparse(own) else own
        assert any(np.array_equal(dense, X[test].astype(made.dtype)) and np.array_equal(y, TARGETS[MODELS[name][2]][test])
                   for _, test in PARTS)


def by_probabilities(est, X, y):
    return float(est.predict_proba(X)[np.arange(len(y)), np.searchsorted(est.classes_, y)].mean())


def by_methods(est, X, y):
    p = np.asarray(X @ np.atleast_2d(est.coef_).T + est.intercept_)
    np.testing.assert_allclose(est.decision_function(X), p[:, 0] if p.shape[1] == 1 else p, atol=1e-10)
    return accuracy_score(y, est.predict(X)) - 0.01 * float(np.abs(est.coef_).sum()) - 0.01 * est.score(X, y)


def by_weights(est, X, y, sample_weight=None):
    return -mean_absolute_error(y, est.predict(X), sample_weight=sample_weight) - 0.01 * np.abs(est.coef_).sum()


@pytest.mark.parametrize("y", ["two", "three"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("score", [by_probabilities, by_methods])
def test_scorers_of_classifiers(score, y, fit_intercept):
    labels = np.array(["ant", "bee", "cat"])[np.unique(TARGETS[y], return_inverse=True)[1]]
    a, b = (fit(module, "LogisticRegressionCV", y=labels, cv=PARTS, scoring=score, fit_intercept=fit_intercept)
            for module in (ours, theirs))
    np.testing.assert_allclose(a.scores_, b.scores_, atol=1e-4)
    assert a.C_ == b.C_


@pytest.mark.parametrize("weight", [None, WEIGHT + 0.5])
@pytest.mark.parametrize("y", ["real", "columns"])
def test_scorers_of_regressors(y, weight):
    a, b = (fit(module, "RidgeCV", weight, TARGETS[y], cv=PARTS, scoring=by_weights) for module in (ours, theirs))
    assert (a.alpha_, a.best_score_) == (b.alpha_, pytest.approx(b.best_score_, rel=1e-6))


@pytest.mark.parametrize("weight", [None, WEIGHT + 0.5])
@pytest.mark.parametrize("scoring", ["r2", "neg_mean_absolute_error", "max_error", make_scorer(mean_absolute_error)])
def test_scorers_of_rows_left_out(scoring, weight):
    if scoring == "max_error":
        scoring, their_weight = "neg_max_error", None     # it takes no weights: theirs raises
    else:
        their_weight = weight
    if weight is not None and their_weight is None:
        a = fit(ours, "RidgeCV", weight, scoring=scoring)
        assert a.alpha_ in (0.1, 1.0, 10.0) and np.isfinite(a.best_score_)
        return
    a, b = (fit(module, "RidgeCV", weight, scoring=scoring) for module in (ours, theirs))
    assert (a.alpha_, a.best_score_) == (b.alpha_, pytest.approx(b.best_score_, rel=1e-6))


def test_a_scorer_of_rows_left_out_sees_x_and_predictions_from_the_others():
    def score(est, X, y):
        left_out = [theirs.Ridge(1.0).fit(np.delete(X, i, 0), np.delete(y, i)).predict(X[i:i + 1])[0] for i in range(3)]
        np.testing.assert_allclose(est.predict(X)[:3], left_out, rtol=1e-8)
        np.testing.assert_allclose(est.predict(X[:3]), X[:3] @ est.coef_ + est.intercept_, rtol=1e-8)
        return column_sum(est, X, y)

    model = fit(ours, "RidgeCV", alphas=[1.0], scoring=score)
    assert model.best_score_ == pytest.approx(X[:, 0].sum())


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc", "f1", by_probabilities])
@pytest.mark.parametrize("weight", [None, WEIGHT + 0.5])
def test_weights_of_scores(scoring, weight):
    if callable(scoring) and weight is not None:   # takes none: theirs raises
        assert np.isfinite(fit(ours, "LogisticRegressionCV", weight, cv=PARTS, scoring=scoring).scores_).all()
        return
    a, b = (fit(module, "LogisticRegressionCV", weight, cv=PARTS, scoring=scoring) for module in (ours, theirs))
    np.testing.assert_allclose(a.scores_, b.scores_, atol=1e-5)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "neg_brier_score", "f1_macro", "accuracy"])
@pytest.mark.parametrize("y", ["two", "three"])
def test_folds_that_lack_a_class(scoring, y):
    labels = np.array(["ant", "bee", "cat"])[np.unique(TARGETS[y], return_inverse=True)[1]]
    scoring = "f1" if (y, scoring) == ("two", "f1_macro") else scoring   # which theirs refuses
    rows = np.flatnonzero(labels != "ant")[:30]
    cv = [(np.setdiff1d(np.arange(N), rows), rows), (np.arange(60), np.arange(60, N))]
    a, b = (fit(module, "LogisticRegressionCV", y=labels, cv=cv, scoring=scoring) for module in (ours, theirs))
    np.testing.assert_allclose(a.scores_, b.scores_, atol=1e-4)
