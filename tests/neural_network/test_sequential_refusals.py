"""What Sequential says to what it does not take: the argument, what was expected, what came; and fits that diverge."""
import re

import numpy as np
import pytest
import scipy.sparse

from fastopt import losses
from fastopt.exceptions import DivergenceError, InvalidParameterError
from fastopt.neural_network import Activation, Dense, Dropout, Input, Sequential

X, Y = np.linspace(0, 1, 20).reshape(10, 2), np.arange(10.0)

LAYERS = [
    (lambda: Dense(0), "units of Dense must be an integer at least 1, got 0"), (lambda: Dense(2.5), "units of Dense must be an integer"),
    (lambda: Dense(3, "rlu"), "activation of Dense must be one of .* got 'rlu': did you mean 'relu'?"),
    (lambda: Dense(3, "relu", "he_unifrm"), "kernel_initializer of Dense must be .* did you mean 'he_uniform'?"),
    (lambda: Input((3, 4)), re.escape("shape of Input must be a number of columns, or a tuple of it, got (3, 4)")),
    (lambda: Input(0), "shape of Input must be an integer at least 1"), (lambda: Activation("sigmod"), "did you mean 'sigmoid'?"),
    (lambda: Dense(1, name=3), "name of Dense must be a string"),
    (lambda: Sequential([Dense(2), "relu"]), re.escape("layers[1] must be a layer: Input, Dense, Activation, Dropout, got 'relu'")),
    (lambda: Sequential([Activation("relu"), Dense(2)]), re.escape("layers[0] must be Dense or Input, got an Activation")),
    (lambda: Sequential([Dense(2, "relu"), Activation("relu")]), re.escape("layers[1] must follow a Dense without activation")),
    (lambda: Sequential([Dense(2), Input(3)]), re.escape("layers[1] is an Input, which may only be the first layer")),
    (lambda: Sequential([Dense(2), Dense(3, input_shape=2)]), re.escape("layers[1] has an input_shape")),
    (lambda: Sequential([Dense(2, "softmax"), Dense(3)]), "activation must be that of the last layer where it is 'softmax'"),
    (lambda: Sequential([Dense(2), Dropout(0.1), Activation("tanh")]), re.escape("layers[2] must follow a Dense without activation")),
    (lambda: Dropout(1.0), "rate of Dropout must be a finite number at least 0 and below 1, got 1.0"),
    (lambda: Sequential([Dense(2), Dropout(0.1)]).predict(X), "layers must not end with a Dropout"),
    (lambda: Sequential([Dense(2)], dtype="float16"), "dtype must be one of 'float32', 'float64', got 'float16'"),
    (lambda: Sequential([Dense(2)], random_state="a"), "random_state must be"), (lambda: Sequential([Dense(2)], n_threads=0), "n_threads must be"),
]


@pytest.mark.parametrize("make, words", LAYERS, ids=[str(i) for i in range(len(LAYERS))])
def test_layers(make, words):
    with pytest.raises(InvalidParameterError, match=words):
        make()


COMPILE = [
    ({}, "linear", "loss must be a name, such as 'mse', or a loss of fastopt.losses, got None"),
    ({"loss": "binary_crosentropy"}, "sigmoid", "got 'binary_crosentropy': did you mean 'binary_crossentropy'?"),
    ({"loss": "mse", "optimizer": "adm"}, "linear", "optimizer must be one of .* got 'adm': did you mean 'adam'?"),
    ({"loss": "mse", "optimizer": 3}, "linear", "optimizer must be a name, an optimizer"),
    ({"loss": "mse", "metrics": ["acuracy"]}, "linear", "metrics must be one of .* did you mean 'accuracy'?"),
    ({"loss": "mse", "metrics": [3]}, "linear", "metrics must be a list of names"),
    ({"loss": "mse", "optimizer_params": {"momentm": 0.9}, "optimizer": "sgd"}, "linear", "momentm"),
    ({"loss": "mse", "learning_rate": -1.0}, "linear", "lr"),
    ({"loss": "binary_crossentropy"}, "linear", "goes with a last layer of activation 'sigmoid', got 'linear'; of raw scores"),
    ({"loss": "binary_crossentropy"}, "relu", "goes with a last layer of activation 'sigmoid', got 'relu'"),
    ({"loss": "sparse_categorical_crossentropy"}, "sigmoid", "goes with a last layer of activation 'softmax'"),
    ({"loss": "mse"}, "softmax", "loss must be a cross-entropy of classes"),
    ({"loss": "poisson"}, "linear", "goes with a last layer of activation 'exponential'"),
    ({"loss": losses.Multinomial(class_weight=[1, 2])}, "softmax", "loss must be one without class_weight"),
]


@pytest.mark.parametrize("settings, activation, words", COMPILE, ids=[str(i) for i in range(len(COMPILE))])
def test_compile(settings, activation, words):
    model = Sequential([Dense(2, activation)])
    with pytest.raises((InvalidParameterError, TypeError, ValueError), match=words):
        model.compile(**settings)
    with pytest.raises(ValueError, match="fit must come after compile"):
        model.fit(X, Y)


def with_nan(row, column):
    bad = X.copy()
    bad[row, column] = np.nan
    return bad


FIT = [
    ({"X": with_nan(3, 1)}, "X must be finite in float32, got nan in row 3, column 1"),
    ({"X": scipy.sparse.csr_matrix(with_nan(3, 1))}, "X must be finite in float32, got nan in row 3, column 1"),
    ({"X": X[None]}, re.escape("X must have shape (n, d), with a row and a column at least, got (1, 10, 2)")),
    ({"X": X[:0], "y": []}, "X must have shape"), ({"X": [["a", "b"]] * 10}, "X must hold numbers"),
    ({"X": X[:, :1]}, re.escape("X must have 2 columns, as the model has inputs, got shape (10, 1)")),
    ({"y": Y[:9]}, re.escape("y must have as many rows as X, 10, got shape (9,)")),
    ({"y": np.stack([Y, Y], 1)}, re.escape("y must have shape (10, 1), as the last layer has 1 units, got (10, 2)")),
    ({"y": np.where(Y == 4, np.nan, Y)}, "y must be finite, got nan in row 4"), ({"y": ["a"] * 10}, "y must hold numbers, got dtype <U1"),
    ({"batch_size": 0}, "batch_size must be an integer at least 1"), ({"epochs": -1}, "epochs must be"), ({"verbose": 3}, "verbose must be"),
    ({"verbose": "yes"}, "verbose must be"), ({"shuffle": 2}, "shuffle must be True or False"), ({"initial_epoch": -1}, "initial_epoch must be"),
    ({"validation_split": 1.0}, "validation_split must be a finite number at least 0 and below 1"),
    ({"validation_split": 0.95}, "validation_split must leave rows to both parts"),
    ({"validation_data": X}, "validation_data must be"),
    ({"validation_data": (X[:, :1], Y)}, "validation X must have 2 columns"), ({"validation_data": (X, Y[:3])}, "validation y must have as many"),
    ({"sample_weight": np.ones(3)}, re.escape("sample_weight must have shape (10,), got (3,)")),
    ({"sample_weight": -Y}, "sample_weight must be finite and at least 0, got -1.0 in row 1"),
    ({"sample_weight": np.zeros(10)}, "must leave a row above 0"),
    ({"class_weight": {0: 2.0}}, "class_weight must be None where y holds no classes"),
    ({"callbacks": 3}, "callbacks must be a list of objects"),
]


@pytest.mark.parametrize("arguments, words", FIT, ids=[str(i) for i in range(len(FIT))])
def test_fit(arguments, words):
    model = Sequential([Input(2), Dense(1)], random_state=0)
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=words):
        model.fit(**{"X": X, "y": Y, **arguments})
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))


TARGETS = [
    ("softmax", "sparse_categorical_crossentropy", [0, 1, 2, 3],
     "y must hold numbers of classes from 0 to 2, as the last layer has 3 units, got 3 in row 3"),
    ("softmax", "sparse_categorical_crossentropy", [0, 1, 2, 0.5], "got 0.5 in row 3"),
    ("softmax", "categorical_crossentropy", [0, 1, 2, 0], "numbers of classes go with 'sparse_categorical_crossentropy'"),
    ("softmax", "categorical_crossentropy", [[1, 0, 0]] * 3 + [[1, 1, 0]], "y must have rows whose sum is 1, .* got 2.0 in row 3"),
    ("sigmoid", "binary_crossentropy", [[1, 0, 0]] * 3 + [[1, 0, 2]], "y must be between 0 and 1 .* got 2.0 in row 3, column 2"),
    ("exponential", "poisson", [[1, 0, 0]] * 3 + [[1, -1, 2]], "at least 0 with poisson, got -1.0 in row 3, column 1"),
]


@pytest.mark.parametrize("activation, loss, y, words", TARGETS, ids=[str(i) for i in range(len(TARGETS))])
def test_targets(activation, loss, y, words):
    model = Sequential([Dense(3, activation)])
    model.compile("adam", loss)
    with pytest.raises(ValueError, match=words):
        model.fit(X[:4], y)


def test_class_weights():
    model = Sequential([Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    for weights in ({2: 1.0}, {"a": 1.0}, [1, 2], {0: -1.0}):
        with pytest.raises(InvalidParameterError, match="class_weight"):
            model.fit(X, Y > 4, class_weight=weights)


def test_weights():
    model = Sequential([Dense(1)])
    for call in (model.get_weights, lambda: model.set_weights([]), lambda: model.learning_rate):
        with pytest.raises(ValueError, match="no weights yet|after compile"):
            call()
    model.predict(X)
    for weights, words in (([np.ones((2, 1))], "weights must be 2 arrays"), ([np.ones(2), [0.0]], r"weights\[0\] must have shape \(2, 1\), got"),
                           ([np.ones((2, 1)), [np.inf]], r"weights\[1\] must be finite")):
        with pytest.raises(ValueError, match=words):
            model.set_weights(weights)
    with pytest.raises(InvalidParameterError, match="layers must be complete before the model has weights"):
        model.add(Dense(2))
    with pytest.raises(InvalidParameterError, match="layers must have one Dense at least"):
        Sequential().predict(X)
    with pytest.raises(ValueError, match="evaluate must come after compile"):
        model.evaluate(X, Y)


def test_divergence_keeps_the_weights_before():
    model = Sequential([Input(2), Dense(8, "relu"), Dense(1)], random_state=0)
    model.compile("sgd", "mse", learning_rate=1e30)
    before = model.get_weights()
    with pytest.raises(DivergenceError, match="diverged in epoch 1 with learning rate 1e[+]30.*norms") as caught:
        model.fit(X, Y, batch_size=2, epochs=5)
    assert len(caught.value.gradient_norms) == 2 and model.history.epoch == []
    assert all((a == b).all() for a, b in zip(before, model.get_weights()))
    model.learning_rate = 0.01
    assert np.isfinite(model.fit(X, Y, epochs=3).history["loss"]).all()


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csc_matrix])
def test_sparse_x_whose_arrays_disagree(kind):
    broken = kind(X)
    broken.indices = broken.indices + 1000
    model = Sequential([Dense(1)], random_state=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="X.indices must lie in 0"):
        model.fit(broken, Y)


def test_the_place_of_a_number_in_a_wide_sparse_x():
    wide = scipy.sparse.csr_matrix(([1.0, np.inf], [5, 2 ** 29], [0, 1, 2]), shape=(2, 2 ** 30))   # which no memory would hold as an array
    model = Sequential([Dense(1)], random_state=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=f"X must be finite in float32, got inf in row 1, column {2 ** 29}"):
        model.fit(wide, Y[:2])
