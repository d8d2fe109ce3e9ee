"""The SGD estimators against scikit-learn's on the same float64 data with the same random_state: coefficients to 1e-6,
epochs and steps exactly, over losses, penalties, schedules, averaging, weights and layouts.

Rows are short (‖x‖ < 1), as steps of a size that makes SGD itself unstable multiply rounding from epoch to epoch: there
scikit-learn does not agree with itself after X is multiplied by 1 + 1e-15.
"""
import numpy as np
import pytest
import scipy.sparse
import sklearn
from sklearn import linear_model as sk

from fastopt import linear_model as fo

if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9):
    pytest.skip("older versions differ from 1.9 in their steps", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:Negative values")

N, D = 90, 7
CLASSIFIER_LOSSES = ["hinge", "squared_hinge", "perceptron", "log_loss", "modified_huber", "squared_error", "huber",
                     "epsilon_insensitive", "squared_epsilon_insensitive"]
REGRESSOR_LOSSES = CLASSIFIER_LOSSES[5:]
PENALTIES = [None, "l2", "l1", "elasticnet"]
SCHEDULES = {"constant": {"eta0": 0.02}, "optimal": {"alpha": 0.05}, "invscaling": {"eta0": 0.1, "power_t": 0.3},
             "adaptive": {"eta0": 0.05}}
AVERAGES = [False, True, 137]


def data(seed=0):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, size=(N, D)) / np.sqrt(D) * (rng.uniform(size=(N, D)) < 0.7)
    score = X @ rng.normal(size=D) * 3 + 0.2 * rng.normal(size=N)
    return X, score, rng.uniform(0.2, 2, size=N)


def same(ours, theirs, rtol=1e-6):
    for name in ("coef_", "intercept_", "offset_"):
        if hasattr(theirs, name):
            a, b = getattr(ours, name), getattr(theirs, name)
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(theirs.coef_).max(), err_msg=name)
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_


def both(name, X, y, fit=None, **params):
    """Both estimators, fitted alike."""
    models = [getattr(module, name)(**{"random_state": 3, "max_iter": 15, **params}) for module in (fo, sk)]
    for model in models:
        model.fit(X, y, **(fit or {}))
    return models


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
@pytest.mark.repeats(4)
def test_binary_classifier(loss, penalty, schedule):
    X, score, weight = data()
    y = np.where(score > 0.1, "yes", "no")
    for average in AVERAGES:
        for layout in (np.asarray, scipy.sparse.csr_matrix):
            params = {"loss": loss, "penalty": penalty, "learning_rate": schedule, "average": average, "alpha": 0.003,
                      **SCHEDULES[schedule]}
            same(*both("SGDClassifier", layout(X), y, **params))
            same(*both("SGDClassifier", layout(X), y, fit={"sample_weight": weight}, class_weight="balanced", **params))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", REGRESSOR_LOSSES)
@pytest.mark.repeats(4)
def test_regressor(loss, penalty, schedule):
    X, y, weight = data()
    for average in AVERAGES:
        for layout in (np.asarray, scipy.sparse.csr_matrix):
            params = {"loss": loss, "penalty": penalty, "learning_rate": schedule, "average": average, "alpha": 0.003,
                      **SCHEDULES[schedule]}
            same(*both("SGDRegressor", layout(X), y, **params))
            same(*both("SGDRegressor", layout(X), y, fit={"sample_weight": weight}, **params))


@pytest.mark.parametrize("schedule", ["pa1", "pa2"])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_passive_aggressive(penalty, schedule):
    X, score, weight = data()
    X *= 6     # ‖x‖ > 1: the step is for a change of the prediction without the intercept's, and must not overshoot by it
    X[5] = 0   # a row that pa1 passes over
    for average in AVERAGES:
        for layout in (np.asarray, scipy.sparse.csr_matrix):
            for sample_weight in (None, weight):
                params = {"penalty": penalty, "learning_rate": schedule, "average": average, "alpha": 0.003, "eta0": 0.3}
                fit = {"sample_weight": sample_weight}
                same(*both("SGDClassifier", layout(X), score > 0.1, fit=fit, **params))
                same(*both("SGDRegressor", layout(X), score, fit=fit, loss="epsilon_insensitive", **params))


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("nu", [0.05, 0.5, 1.0])
def test_one_class(nu, schedule):
    X, _, weight = data()
    params = {"nu": nu, "learning_rate": schedule, **{key: value for key, value in SCHEDULES[schedule].items() if key != "alpha"}}
    for average in AVERAGES:
        for layout in (np.asarray, scipy.sparse.csr_matrix):
            same(*both("SGDOneClassSVM", layout(X), None, average=average, **params))
            same(*both("SGDOneClassSVM", layout(X), None, fit={"sample_weight": weight}, average=average, **params))


@pytest.mark.parametrize("loss", ["hinge", "log_loss", "modified_huber", "squared_error"])
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.repeats(4)
def test_many_classes_in_order(loss, average, schedule):
    X, score, weight = data()
    y = np.digitize(score, [-0.5, 0.1, 0.6])
    for penalty in PENALTIES:
        for layout in (np.asarray, scipy.sparse.csr_matrix):
            params = {"loss": loss, "penalty": penalty, "learning_rate": schedule, "average": average, "shuffle": False,
                      "alpha": 0.003, **SCHEDULES[schedule]}
            same(*both("SGDClassifier", layout(X), y, max_iter=30, **params))
            same(*both("SGDClassifier", layout(X), y, fit={"sample_weight": weight}, class_weight={0: 2.0, 3: 0.5},
                       max_iter=30, **params))


@pytest.mark.parametrize("params", [
    {"fit_intercept": False}, {"shuffle": False}, {"tol": None, "max_iter": 7}, {"tol": 0.05}, {"tol": 0.0, "max_iter": 40},
    {"n_iter_no_change": 1}, {"n_iter_no_change": 2, "learning_rate": "adaptive", "eta0": 0.5, "max_iter": 200},
    {"power_t": -0.1, "learning_rate": "invscaling"}, {"l1_ratio": 0.0, "penalty": "elasticnet"}, {"alpha": 3.0},
    {"l1_ratio": None}, {"random_state": np.random.RandomState(7)}, {"epsilon": 0.7, "loss": "huber"}], ids=str)
def test_other_parameters(params):
    X, score, _ = data()
    params = {"alpha": 0.02, **params}
    for name, y in (("SGDClassifier", score > 0.1), ("SGDRegressor", score)):
        ours, theirs = (getattr(module, name)(**{"random_state": 3, "max_iter": 15, **params}) for module in (fo, sk))
        if "random_state" in params:
            ours.random_state, theirs.random_state = np.random.RandomState(7), np.random.RandomState(7)
        same(ours.fit(X, y), theirs.fit(X, y))
        same(ours.fit(X, y), theirs.fit(X, y))   # a RandomState has moved on alike


@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor", "SGDOneClassSVM"])
@pytest.mark.parametrize("average", AVERAGES)
def test_warm_start(name, average):
    X, score, _ = data()
    y = {"SGDClassifier": score > 0.1, "SGDRegressor": score, "SGDOneClassSVM": None}[name]
    models = both(name, X, y, average=average, warm_start=True, learning_rate="constant", max_iter=4, tol=None)
    same(*models)
    same(*[model.fit(X[::2], None if y is None else y[::2]) for model in models])


@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor", "SGDOneClassSVM"])
@pytest.mark.parametrize("average", AVERAGES)
def test_partial_fit(name, average):
    """Without intercept where a classifier averages: scikit-learn forgets the intercept behind the average."""
    X, score, weight = data()
    y = {"SGDClassifier": score > 0.1, "SGDRegressor": score, "SGDOneClassSVM": None}[name]
    forgets = bool(average) and name == "SGDClassifier"
    models = [getattr(module, name)(random_state=3, average=average, learning_rate="invscaling", eta0=0.3,
                                    fit_intercept=not forgets) for module in (fo, sk)]
    for start in (0, 20, 40, 60, 80):
        part = slice(start, start + 20)
        for model in models:
            arguments = {"classes": [False, True]} if name == "SGDClassifier" else {}
            model.partial_fit(X[part], None if y is None else y[part], sample_weight=weight[part], **arguments)
        same(*models)


@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor", "SGDOneClassSVM"])
def test_given_start(name):
    X, score, _ = data()
    y = {"SGDClassifier": score > 0.1, "SGDRegressor": score, "SGDOneClassSVM": None}[name]
    intercept = "offset_init" if name == "SGDOneClassSVM" else "intercept_init"
    same(*both(name, X, y, fit={"coef_init": np.linspace(-1, 1, D), intercept: np.array([0.5])}, eta0=0.02))


@pytest.mark.parametrize("average", [False, True])
def test_early_stopping(average):
    """Where scikit-learn scores what the user gets: without lazy scale factor (l1, none), without averages."""
    X, score, weight = data()
    for penalty in (None, "l1"):
        for fit in ({}, {"sample_weight": weight}):
            params = {"early_stopping": True, "penalty": penalty, "learning_rate": "constant", "eta0": 0.05, "tol": 1e-3,
                      "max_iter": 60, "validation_fraction": 0.3}
            same(*both("SGDClassifier", X, score > 0.1, fit=fit, **params))
            same(*both("SGDRegressor", X, score, fit=fit, **params))


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
@pytest.mark.parametrize("classes", [2, 4])
def test_predictions(loss, classes):
    X, score, _ = data()
    y = np.digitize(score, [0.1] if classes == 2 else [-0.5, 0.1, 0.6])
    ours, theirs = both("SGDClassifier", X, y, loss=loss, shuffle=False, alpha=0.02)
    for X_new in (X * 4, scipy.sparse.csr_matrix(X * 4), scipy.sparse.csc_array(X)):
        for method in ("decision_function", "predict", "predict_proba", "predict_log_proba"):
            with np.errstate(divide="ignore"):
                np.testing.assert_allclose(getattr(ours, method)(X_new), getattr(theirs, method)(X_new), rtol=1e-6,
                                           atol=1e-9)
    assert ours.score(X, y) == theirs.score(X, y)


def test_one_class_predictions():
    X, _, _ = data()
    ours, theirs = both("SGDOneClassSVM", X, None, nu=0.3)
    for method in ("decision_function", "score_samples", "predict", "fit_predict"):
        np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), rtol=1e-6, atol=1e-9)
