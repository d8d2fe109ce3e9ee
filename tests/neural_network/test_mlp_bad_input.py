"""Generated bad input of the perceptrons: each is refused by an error that names the argument, and leaves the estimator as it was."""
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from bad_inputs import FLOATS, bad_labels, bad_targets, bad_weight, bad_X, good, refused
from fastopt.neural_network import MLPClassifier, MLPRegressor

pytestmark = [pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"),
              pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")]
CLASSES = st.sampled_from([MLPClassifier, MLPRegressor])
METHODS = st.sampled_from(["fit", "partial_fit"])


def made(cls, fitted, dtype=np.float64):
    X, labels, numbers = good(dtype)
    y = labels if cls is MLPClassifier else numbers
    model = cls(hidden_layer_sizes=(3,), max_iter=2, random_state=0)
    if fitted:
        model.fit(X, y)
        del model._optimizer, model._random_state   # which compare by identity
    return model, X, y


def learn(model, method, X, y, **arguments):
    if isinstance(model, MLPClassifier) and method == "partial_fit" and not hasattr(model, "classes_"):
        arguments["classes"] = [0, 1]
    return getattr(model, method)(X, y, **arguments)


@settings(max_examples=40)
@given(st.data(), CLASSES, METHODS, st.booleans())
def test_X(data, cls, method, fitted):
    model, _, y = made(cls, fitted)
    X = data.draw(bad_X(columns_matter=fitted and method == "partial_fit"))
    refused("X", lambda: learn(model, method, X, y), model)


@settings(max_examples=15)
@given(st.data(), CLASSES)
def test_X_of_predictions(data, cls):
    model, _, _ = made(cls, True)
    X = data.draw(bad_X(rows_matter=False))
    refused("X", lambda: model.predict(X), model)


@settings(max_examples=30)
@given(st.data(), METHODS, st.booleans())
def test_labels(data, method, fitted):
    model, X, _ = made(MLPClassifier, fitted)
    y = data.draw(bad_labels(first=method == "fit").filter(lambda y: not alike(y) or fitted and method != "fit"))
    refused("y|data|label", lambda: learn(model, method, X, y), model)


def alike(y):
    """A single class, or several labels, which are none of the refused."""
    try:
        y = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
        return y.size > 1 and (len(np.unique(y)) == 1 or y.ndim == 2)
    except (TypeError, ValueError):
        return False


@settings(max_examples=25)
@given(st.data(), METHODS, st.booleans(), FLOATS)
def test_targets(data, method, fitted, dtype):
    model, X, _ = made(MLPRegressor, fitted, dtype)
    y = data.draw(bad_targets(dtype))
    refused("y", lambda: learn(model, method, X, y), model)


@settings(max_examples=25)
@given(st.data(), CLASSES, METHODS, st.booleans())
def test_weights(data, cls, method, fitted):
    model, X, y = made(cls, fitted)
    weight = data.draw(bad_weight())
    refused("[Ss]ample.weights?", lambda: learn(model, method, X, y, sample_weight=weight), model)
