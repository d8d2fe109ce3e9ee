"""Bad input of the perceptrons: each is refused by an error that says what is wrong, in scikit-learn's words where it has some, and leaves the
estimator as it was.
"""
import copy
import pickle
import re

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

from fastopt import optimizers, schedules
from fastopt.exceptions import DivergenceError
from fastopt.neural_network import MLPClassifier, MLPRegressor
from network_data import BINARY, CLASSES, COLUMNS, LABELS, NUMBERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning")
OPTIONS = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
PARAMETERS = [
    ("hidden_layer_sizes", 0, r"must be > 0, got \[0\]"), ("hidden_layer_sizes", (3, -1), r"must be > 0, got \[3, -1\]"),
    ("hidden_layer_sizes", 2.5, "an integer"), ("hidden_layer_sizes", [2.5], "an integer"), ("hidden_layer_sizes", "100", "an integer"),
    ("activation", "rleu", "did you mean 'relu'"), ("activation", ["relu", "tanh"], "a list of 1"), ("activation", ["rleu"], "such names"),
    ("solver", "adm", "did you mean 'adam'"), ("learning_rate", "adaptiv", "did you mean 'adaptive'"), ("alpha", -1e-9, "at least 0"),
    ("alpha", np.nan, "finite"), ("batch_size", 0, "at least 1"), ("batch_size", "all", "auto"), ("learning_rate_init", 0.0, "above 0"),
    ("power_t", -1, "at least 0"), ("max_iter", 0, "at least 1"), ("max_iter", 2.5, "integer"), ("shuffle", "yes", "True or False"),
    ("random_state", -1, "0 to"), ("tol", -1, "at least 0"), ("momentum", 1.5, "at most 1"), ("beta_1", 1.0, "below 1"),
    ("beta_2", -0.1, "at least 0"), ("epsilon", 0, "above 0"), ("n_iter_no_change", 0, "at least 1"), ("n_iter_no_change", -np.inf, "inf"),
    ("max_fun", 0, "at least 1"), ("validation_fraction", 1.0, "below 1"), ("init", "he_norml", "did you mean 'he_normal'"),
    ("loss", "hubr", "did you mean"), ("loss", None, "one of"), ("optimizer", "adamm", "did you mean"),
    ("optimizer_params", {"betas": (0.9, 0.9)}, "optimizer"), ("schedule", 0.1, "callable"), ("scoring", "accuracy", "early_stopping"),
    ("dropout", 1.0, "below 1"), ("dropout", [0.1, 0.2], "a list of 1"),
    ("n_jobs", 0.5, "integer"), ("restore_best", 1, "True or False"), ("schedule", schedules.PolyakStep(), "follows from"),
]
TOGETHER = [
    ("dropout", {"solver": "lbfgs", "dropout": 0.5}),
    ("optimizer", {"solver": "lbfgs", "optimizer": "adam"}), ("schedule", {"solver": "lbfgs", "schedule": schedules.Constant(0.1)}),
    ("optimizer_params", {"optimizer": "adam", "optimizer_params": {"lr": 0.1}}),
    ("optimizer_params", {"optimizer": "adam", "optimizer_params": {"momentum": 0.1}}),
    ("optimizer", {"optimizer": optimizers.Adam(np.zeros(1)), "optimizer_params": {"eps": 1e-3}}),
    ("schedule", {"schedule": schedules.ReduceOnPlateau(0.1, mode="max")}),
]


def state(estimator):
    return copy.deepcopy({name: value for name, value in vars(estimator).items() if name not in estimator.get_params()})


def refused(words, call, estimator, kind=(ValueError, TypeError)):
    before, parameters = state(estimator), estimator.get_params()
    with pytest.raises(kind, match=words) as caught:
        call()
    now = {name: value for name, value in vars(estimator).items() if name not in parameters}
    assert now.keys() == before.keys()
    for name in before:
        if name == "_optimizer":
            assert pickle.dumps(now[name]) == pickle.dumps(before[name])
        elif name != "_random_state":
            np.testing.assert_equal(now[name], before[name], err_msg=name)
    assert all(getattr(estimator, name) is value for name, value in parameters.items())
    return str(caught.value)


def made(cls, fitted, **parameters):
    X, y = CLASSES if cls is MLPClassifier else NUMBERS
    estimator = cls(**OPTIONS)
    return (estimator.fit(X, y) if fitted else estimator).set_params(**parameters), X, y


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("name, value, words", PARAMETERS)
def test_parameters(cls, name, value, words):
    for fitted in (False, True):
        estimator, X, y = made(cls, fitted, **{name: value})
        message = refused(words, lambda estimator=estimator: estimator.fit(X, y), estimator)
        assert name in message
        if name != "solver":   # there is no partial_fit of an unknown one
            refused(words, lambda estimator=estimator: estimator.partial_fit(X, y), estimator)


@pytest.mark.parametrize("name, parameters", TOGETHER)
def test_parameters_that_do_not_go_together(name, parameters):
    estimator, X, y = made(MLPClassifier, False, **parameters)
    refused(name, lambda: estimator.fit(X, y), estimator)


def spoiled(X, value):
    X = X.copy()
    X[7, 2] = value
    return X


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("change, words", [
    (lambda X, y: (spoiled(X, np.nan), y), "(?s)X contains NaN.*row 7, column 2"),
    (lambda X, y: (sp.csr_matrix(spoiled(X, np.inf)), y), "(?s)X contains infinity.*row 7, column 2"),
    (lambda X, y: (X.tolist()[:-1], y), "inconsistent"), (lambda X, y: (X[:, 0], y), "2D array"), (lambda X, y: (X[:0], y[:0]), "0 sample"),
    (lambda X, y: (X, None), "y"), (lambda X, y: (X, y[:-1]), "inconsistent"), (lambda X, y: (X + 1j, y), "Complex"),
    (lambda X, y: (X, np.where(np.arange(len(y)) == 3, np.nan, y)), "y contains NaN|Unknown label"),
    (lambda X, y: (X, np.stack([y, y, y + 2], axis=1)[:, :, None]), "dim"),
])
def test_data(cls, change, words):
    for fitted in (False, True):
        estimator, X, y = made(cls, fitted)
        refused(words, lambda estimator=estimator, X=X, y=y: estimator.fit(*change(X, y)), estimator)


def test_targets():
    X, y = CLASSES
    for wrong, words in ((y + 0.5, "Unknown label type"), (np.c_[y, y], "Multioutput target"), (np.array([None, "a", 1] * 50), "y")):
        estimator = MLPClassifier(**OPTIONS)
        refused(words, lambda estimator=estimator, wrong=wrong: estimator.fit(X, wrong), estimator)
    counts = MLPRegressor("poisson", **OPTIONS)
    refused("at least 0", lambda: counts.fit(*NUMBERS), counts)


@pytest.mark.parametrize("weights, words", [(np.ones(3), "shape"), (-np.ones(150), "negative"), (np.zeros(150), "all zero"),
                                            (np.full(150, np.nan), "NaN"), ("a", "sample_weight")])
def test_weights(weights, words):
    estimator, X, y = made(MLPClassifier, True)
    refused(words, lambda: estimator.fit(X, y, sample_weight=weights), estimator)


def test_class_weights():
    X, y = LABELS
    estimator = MLPClassifier(**OPTIONS, class_weight="balanced")
    refused("class_weight", lambda: estimator.fit(X, y), estimator)
    refused("balanced", lambda: estimator.partial_fit(*CLASSES, classes=[0, 1, 2]), estimator)


def test_classes_of_partial_fit():
    X, y = CLASSES
    estimator = MLPClassifier(**OPTIONS)
    refused("classes must be passed on the first call to partial_fit", lambda: estimator.partial_fit(X, y), estimator)
    refused("`y` has classes not in `self.classes_`", lambda: estimator.partial_fit(X, y, classes=[0, 1]), estimator)
    estimator.partial_fit(X, y, classes=[0, 1, 2])
    refused("not the same as on last call to partial_fit", lambda: estimator.partial_fit(X, y, classes=[0, 1]), estimator)
    refused(re.escape("`self.classes_` has [0 1 2]. 'y' has [0 1 2 3]"), lambda: estimator.partial_fit(X, np.r_[3, y[1:]]), estimator)
    refused("with 3 classes", lambda: estimator.partial_fit(X, LABELS[1]), estimator)


def test_other_classes_of_a_warm_start():
    X, y = CLASSES
    estimator = MLPClassifier(**OPTIONS, warm_start=True).fit(X, y)
    message = refused("warm_start can only be used where", lambda: estimator.fit(X, np.minimum(y, 1)), estimator)
    assert message == ("warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously got [0 1 2], `y` has "
                       "[0 1]")


def test_changed_shapes():
    for cls, (X, y), other in ((MLPClassifier, CLASSES, LABELS[1]), (MLPRegressor, COLUMNS, COLUMNS[1][:, :2])):
        estimator = cls(**OPTIONS, warm_start=True).fit(X, y)
        refused("features", lambda estimator=estimator, X=X, y=y: estimator.partial_fit(X[:, :-1], y), estimator)
        refused("features", lambda estimator=estimator, X=X: estimator.predict(X[:, :-1]), estimator)
        refused("y must have|does not match", lambda estimator=estimator, X=X, other=other: estimator.fit(X, other), estimator)
        estimator.set_params(hidden_layer_sizes=(5,))
        refused("(?s)hidden_layer_sizes.*fit without warm_start", lambda estimator=estimator, X=X, y=y: estimator.fit(X, y), estimator)


def test_there_is_no_partial_fit_with_lbfgs_or_early_stopping():
    X, y = CLASSES
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit") and not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")
    estimator = MLPClassifier(**OPTIONS, early_stopping=True).fit(X, y)
    refused("partial_fit does not support early_stopping=True", lambda: estimator.partial_fit(X, y), estimator)


def test_too_few_to_validate_on():
    X, y = BINARY
    estimator = MLPRegressor(**OPTIONS, early_stopping=True)
    refused("The validation set is too small. Increase 'validation_fraction'", lambda: estimator.fit(X[:5], y[:5]), estimator)
    classifier = MLPClassifier(**OPTIONS, early_stopping=True)
    refused("only 1 member", lambda: classifier.fit(X, np.arange(len(X)) == 3), classifier)


@pytest.mark.parametrize("eval_set, words", [(3, "pair"), ((CLASSES[0],), "pair"), ((CLASSES[0][:, :2], CLASSES[1]), "features"),
                                             ((CLASSES[0], CLASSES[1] + 5), "classes"), ((CLASSES[0], CLASSES[1][:3]), "inconsistent")])
def test_eval_sets(eval_set, words):
    estimator, X, y = made(MLPClassifier, True)
    assert "eval_set" in refused(words, lambda: estimator.fit(X, y, eval_set=eval_set), estimator)


def test_callbacks():
    estimator, X, y = made(MLPClassifier, True)
    refused("callback must be callable", lambda: estimator.fit(X, y, callback=3), estimator)

    def fails(result):
        raise ZeroDivisionError
    refused("^$", lambda: estimator.fit(X, y, callback=fails), estimator, ZeroDivisionError)


def test_predictions_before_a_fit():
    for method in ("predict", "predict_proba", "predict_log_proba"):
        with pytest.raises(NotFittedError):
            getattr(MLPClassifier(), method)(CLASSES[0])


# ---- divergence ----

HUGE = NUMBERS[0] * 1e300
WORDS = "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_divergence_tells_itself(solver):
    estimator = MLPRegressor(**{**OPTIONS, "max_iter": 300}, solver=solver, learning_rate_init=10.0)
    with pytest.raises(DivergenceError, match=re.escape(WORDS)) as caught:
        estimator.fit(HUGE, NUMBERS[1])
    assert caught.value.epoch == estimator.n_iter_ and "norms" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert all(np.isfinite(array).all() for array in estimator.coefs_ + estimator.intercepts_)


def test_a_fit_that_diverges_late_keeps_the_epoch_before():
    X, y = NUMBERS
    options = {**OPTIONS, "activation": "identity", "solver": "sgd", "learning_rate_init": 0.3, "batch_size": 10, "max_iter": 100}
    estimator = MLPRegressor(**options)
    with pytest.raises(DivergenceError) as caught:
        estimator.fit(X, y)
    assert caught.value.epoch > 1
    whole = MLPRegressor(**{**options, "max_iter": caught.value.epoch - 1}).fit(X, y)
    for a, b in zip(estimator.coefs_, whole.coefs_):
        np.testing.assert_array_equal(a, b)


def test_with_early_stopping_divergence_is_no_error():
    estimator = MLPRegressor(**{**OPTIONS, "max_iter": 50}, activation="identity", solver="sgd", learning_rate_init=3.0, early_stopping=True)
    with pytest.warns(RuntimeWarning, match="diverged in epoch"):
        estimator.fit(*NUMBERS)
    assert np.isnan(estimator.validation_scores_[-1]) and isinstance(estimator.validation_scores_[-1], float)
    assert np.isfinite(estimator.predict(NUMBERS[0])).all()


def test_the_place_of_a_number_in_a_wide_sparse_x():
    wide = sp.csr_matrix(([1.0, np.nan], [5, 2 ** 29], [0, 1, 2]), shape=(2, 2 ** 30))   # which no memory would hold as an array
    with pytest.raises(ValueError, match=f"The first of them in X is in row 1, column {2 ** 29}."):
        MLPClassifier(**OPTIONS).fit(wide, [0, 1])
