"""Sequential against plain NumPy with Keras's formulas: losses with activations, optimizers, weights of rows, parts that are held out."""
import copy
import pickle

import numpy as np
import pytest
import scipy.sparse

from fastopt import losses, optimizers, schedules
from fastopt.neural_network import Activation, Dense, Dropout, Input, Sequential
from reference import keras

CASES = [("mse", "linear", 1), ("mse", "linear", 3), ("mse", "sigmoid", 2), ("mse", "tanh", 1), ("mae", "linear", 2), ("huber", "linear", 3),
         ("binary_crossentropy", "sigmoid", 1), ("binary_crossentropy", "sigmoid", 3), ("categorical_crossentropy", "softmax", 3),
         ("sparse_categorical_crossentropy", "softmax", 4), ("poisson", "exponential", 2), ("hinge", "tanh", 1), ("hinge", "linear", 2),
         ("mse", "leaky_relu", 2), ("mse", "hard_sigmoid", 2)]


def data(loss, outputs, n=75, seed=0):
    """X, y as a user has it, y as the formulas take it."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 4))
    if "categorical" in loss:
        codes = rng.randint(outputs, size=n)
        rows = np.eye(outputs)[codes]
        return X, codes if loss.startswith("sparse") else rows, rows
    y = rng.normal(size=(n, outputs))
    if loss == "poisson":
        y = rng.poisson(2, size=(n, outputs)).astype(float)
    elif loss in ("hinge", "binary_crossentropy"):
        y = (y > 0) * 1.0
    return X, y, y


def model_of(activation, outputs, seed=1, **settings):
    rng = np.random.RandomState(seed)
    model = Sequential([Input(4), Dense(6, "relu"), Dense(5, "tanh"), Dense(outputs, activation)], dtype="float64", random_state=rng, **settings)
    return model, ["relu", "tanh", activation], model.get_weights(), rng


def close(ours, theirs):
    return max(np.max(np.abs(a - b)) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("loss, activation, outputs", CASES)
def test_weights_and_losses_are_those_of_the_formulas(loss, activation, outputs, optimizer):
    X, y, rows = data(loss, outputs)
    model, activations, start, rng = model_of(activation, outputs)
    model.compile(optimizer, loss)
    twin, order = copy.deepcopy(rng), np.arange(len(X))

    def shuffled():
        twin.shuffle(order)
        return order

    history = model.fit(X, y, batch_size=16, epochs=4)
    rule = keras.Adam() if optimizer == "adam" else keras.SGD()
    weights, curve = keras.fit(start, activations, loss.removeprefix("sparse_"), rule, X, rows, batch_size=16, epochs=4, order=shuffled)
    assert close(model.get_weights(), weights) < 1e-10
    np.testing.assert_allclose(history.history["loss"], curve, rtol=1e-10)
    np.testing.assert_allclose(model.predict(X), keras.forward(weights, activations, X)[1][-1], atol=1e-10)
    expected = keras.gradients(weights, activations, loss.removeprefix("sparse_"), X, rows, np.ones(len(X)))[0]
    assert model.evaluate(X, y) == pytest.approx(expected, rel=1e-9)


def test_weights_of_rows_and_classes():
    X, y, _ = data("binary_crossentropy", 1)
    weight = np.random.RandomState(2).uniform(0.1, 3, size=len(X))
    model, activations, start, _ = model_of("sigmoid", 1)
    model.compile("adam", "binary_crossentropy")
    history = model.fit(X, y, epochs=3, shuffle=False, sample_weight=weight, class_weight={1: 2.5})
    total = weight * np.where(y[:, 0] == 1, 2.5, 1)
    weights, curve = keras.fit(start, activations, "binary_crossentropy", keras.Adam(), X, y, epochs=3, weight=total)
    assert close(model.get_weights(), weights) < 1e-10
    np.testing.assert_allclose(history.history["loss"], curve, rtol=1e-10)
    expected = keras.gradients(weights, activations, "binary_crossentropy", X, y, weight)[0]
    assert model.evaluate(X, y, sample_weight=weight) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("loss, activation, outputs", [("mse", "linear", 2), ("sparse_categorical_crossentropy", "softmax", 3)])
def test_a_row_of_weight_2_is_the_row_twice(loss, activation, outputs):
    X, y, _ = data(loss, outputs, n=20)
    twice = np.r_[np.arange(20), 3, 7]
    weight = np.ones(20)
    weight[[3, 7]] = 2
    fitted = []
    for given, more in (((X, y), {"sample_weight": weight}), ((X[twice], y[twice]), {})):
        model = model_of(activation, outputs)[0]
        model.compile("sgd", loss)
        model.fit(*given, batch_size=32, epochs=5, **more)
        fitted.append([*model.get_weights(), np.array(model.evaluate(*given, **more))])
    assert close(*fitted) < 1e-12


def test_class_weight_of_labels_is_sample_weight():
    X, y, rows = data("sparse_categorical_crossentropy", 3)
    fitted = []
    for loss, target, more in (("sparse_categorical_crossentropy", y, {"class_weight": {0: 3.0, 2: 0.5}}),
                               ("categorical_crossentropy", rows, {"class_weight": {0: 3.0, 2: 0.5}}),
                               ("sparse_categorical_crossentropy", y, {"sample_weight": np.array([3.0, 1.0, 0.5])[y]})):
        model = model_of("softmax", 3)[0]
        model.compile("adam", loss)
        model.fit(X, target, epochs=3, **more)
        fitted.append(model.get_weights())
    assert close(fitted[0], fitted[2]) < 1e-13 and close(fitted[1], fitted[2]) < 1e-10


def test_shares_are_told_with_their_entropy():
    rng = np.random.RandomState(0)
    X, y, weight = rng.normal(size=(40, 4)), rng.dirichlet(np.ones(3), size=40), rng.uniform(0.5, 2, size=40)
    model, activations, start, _ = model_of("softmax", 3)
    model.compile("adam", "categorical_crossentropy")
    history = model.fit(X, y, batch_size=16, epochs=2, shuffle=False, sample_weight=weight)
    weights, curve = keras.fit(start, activations, "categorical_crossentropy", keras.Adam(), X, y, batch_size=16, epochs=2, weight=weight)
    assert close(model.get_weights(), weights) < 1e-10
    np.testing.assert_allclose(history.history["loss"], curve, rtol=1e-10)
    expected = keras.gradients(weights, activations, "categorical_crossentropy", X, y, weight)[0]
    assert model.evaluate(X, y, sample_weight=weight) == pytest.approx(expected, rel=1e-9)


def test_validation_split_holds_the_last_rows_out():
    X, y, _ = data("mse", 2, n=50)
    by_split, by_data = (model_of("linear", 2)[0] for _ in range(2))
    for model in (by_split, by_data):
        model.compile("adam", "mse", metrics=["mae"])
    first = by_split.fit(X, y, epochs=3, validation_split=0.25).history
    second = by_data.fit(X[:37], y[:37], epochs=3, validation_data=(X[37:], y[37:])).history
    assert first == second and list(first) == ["loss", "mae", "val_loss", "val_mae"]
    assert close(by_split.get_weights(), by_data.get_weights()) == 0
    assert by_split.evaluate(X[37:], y[37:]) == [first["val_loss"][-1], first["val_mae"][-1]]
    assert by_split.evaluate(X[:37], y[:37], return_dict=True)["mae"] == first["mae"][-1]


def test_weights_of_validation_rows():
    X, y, _ = data("mse", 1)
    weight = np.random.RandomState(0).uniform(0, 2, size=len(X))
    model = model_of("linear", 1)[0]
    model.compile("adam", "mse")
    history = model.fit(X, y, validation_data=(X, y, weight))
    assert history.history["val_loss"] == [model.evaluate(X, y, sample_weight=weight)]
    assert history.history["val_loss"] != [model.evaluate(X, y)]


def test_the_same_seed_gives_the_same_bits():
    X, y, _ = data("mse", 1)
    fitted = []
    for threads in (1, 2):
        model = Sequential([Dense(16, "relu"), Dense(1)], random_state=7, n_threads=threads)
        model.compile("adam", "mse")
        model.fit(X, y, epochs=3)
        fitted.append(model.get_weights())
    assert close(*fitted) == 0 and fitted[0][0].dtype == np.float32


def test_fits_go_on():
    X, y, _ = data("mse", 1)
    whole, parts = (model_of("linear", 1)[0] for _ in range(2))
    for model in (whole, parts):
        model.compile("adam", "mse")
    curve = whole.fit(X, y, epochs=4, shuffle=False)
    first, second = parts.fit(X, y, epochs=2, shuffle=False), parts.fit(X, y, epochs=4, initial_epoch=2, shuffle=False)
    assert close(whole.get_weights(), parts.get_weights()) == 0
    assert first.history["loss"] + second.history["loss"] == curve.history["loss"] and second.epoch == [2, 3]


def test_sparse_rows_and_vectors():
    X, y, _ = data("mse", 1)
    X[np.abs(X) < 0.7] = 0
    dense, sparse = (model_of("linear", 1)[0] for _ in range(2))
    for model, given in ((dense, X), (sparse, scipy.sparse.csc_matrix(X))):
        model.compile("adam", "mse")
        model.fit(given, y, epochs=2, validation_split=0.2)
    assert close(dense.get_weights(), sparse.get_weights()) < 1e-13
    np.testing.assert_allclose(dense.predict(X), sparse.predict(scipy.sparse.csr_matrix(X)), atol=1e-13)
    line = Sequential([Dense(1)])
    line.compile("adam", "mse")
    assert line.fit([0.0, 1.0], [0, 1]).epoch == [0] and line.predict([0.5, 1]).shape == (2, 1)


def test_optimizers_as_objects_and_settings():
    X, y, _ = data("mse", 1)
    fitted = []
    for settings in ({"optimizer": "sgd", "learning_rate": 0.05, "optimizer_params": {"momentum": 0.9}},
                     {"optimizer": optimizers.SGD(np.zeros(1), lr=0.05, momentum=0.9, lr_in_velocity=True)},
                     {"optimizer": lambda arrays: optimizers.SGD(arrays, lr=0.05, momentum=0.9, lr_in_velocity=True)},
                     {"optimizer": optimizers.SGD(np.zeros(1), lr=1.0, momentum=0.9, lr_in_velocity=True), "learning_rate": 0.05},
                     {"optimizer": "sgd", "learning_rate": schedules.Cosine(0.05, decay_steps=1), "optimizer_params": {"momentum": 0.9}}):
        model = model_of("linear", 1)[0]
        model.compile(loss=losses.MeanSquaredError(), **settings)
        model.fit(X, y, epochs=2)
        fitted.append(model.get_weights())
    assert all(close(fitted[0], other) == 0 for other in fitted[1:4]) and close(fitted[0], fitted[4]) > 1e-3


@pytest.mark.parametrize("name", ["schedule_free_sgd", "schedule_free_adamw", "asgd"])
def test_optimizers_that_average(name):
    """Weights in use are the average, and the fit goes on from the point that is stepped."""
    X, y, rows = data("mse", 1)
    model, activations, arrays, _ = model_of("linear", 1)
    settings = {"lr": 0.02, **({"t0": 1} if name == "asgd" else {})}
    model.compile(name, "mse", learning_rate=0.02, optimizer_params={key: value for key, value in settings.items() if key != "lr"})
    for _ in range(2):
        history = model.fit(X, y, batch_size=25, epochs=2, shuffle=False, validation_data=(X, y))
    rule = optimizers.get(name)(arrays, **settings)
    for _ in range(4):
        for i in range(0, 75, 25):
            rule.step(keras.gradients(arrays, activations, "mse", X[i:i + 25], rows[i:i + 25], np.ones(25))[1])
    assert close(model.get_weights(), rule.solution()) < 1e-10 and close(arrays, rule.solution()) > 1e-4
    expected = keras.gradients(rule.solution(), activations, "mse", X, rows, np.ones(75))[0]
    assert history.history["val_loss"][-1] == pytest.approx(expected) == model.evaluate(X, y)


def test_raw_scores():
    """A loss itself is of raw scores after a linear layer, and the same after its activation."""
    X, y, _ = data("binary_crossentropy", 1)
    raw, probabilities = model_of("linear", 1)[0], model_of("sigmoid", 1)[0]
    raw.compile("adam", losses.LogLoss(), metrics=["accuracy"])
    probabilities.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    assert raw.fit(X, y, epochs=3).history["accuracy"] == probabilities.fit(X, y, epochs=3).history["accuracy"]
    assert close(raw.get_weights(), probabilities.get_weights()) < 1e-13
    np.testing.assert_allclose(keras.sigmoid(raw.predict(X)), probabilities.predict(X), atol=1e-12)


def test_far_scores_are_stable():
    model = Sequential([Input(1), Dense(1, "sigmoid")], dtype="float64")
    model.compile("sgd", "binary_crossentropy")
    model.set_weights([[[1000.0]], [0.0]])
    assert model.evaluate([[-1.0], [1.0]], [1, 1]) == 500.0


METRICS = {
    "mae": lambda y, p: np.mean(np.abs(y - p)), "mse": lambda y, p: np.mean((y - p) ** 2), "rmse": lambda y, p: np.sqrt(np.mean((y - p) ** 2)),
    "mape": lambda y, p: 100 * np.mean(np.abs((y - p) / np.maximum(np.abs(y), 1e-7))),
    "r2_score": lambda y, p: np.mean(1 - ((y - p) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)),
}


def test_metrics_of_numbers():
    X, y, _ = data("mse", 3)
    model = model_of("linear", 3)[0]
    model.compile("adam", "mse", metrics=[*METRICS, lambda y, p: np.max(np.abs(y - p))])
    found, p = model.evaluate(X, y, return_dict=True), model.predict(X)
    for name, formula in METRICS.items():
        assert found[name] == pytest.approx(formula(y, p)), name
    assert found["<lambda>"] == np.abs(y - p).max()


def test_metrics_of_classes():
    X, y, _ = data("binary_crossentropy", 1)
    model = model_of("sigmoid", 1)[0]
    model.compile("adam", "bce", metrics=["accuracy", "acc", "binary_accuracy", "precision", "recall", "auc"])
    found, p, y = model.evaluate(X, y, return_dict=True), model.predict(X)[:, 0], y[:, 0]
    right, chosen = y == 1, p > 0.5
    assert found["accuracy"] == found["acc"] == found["binary_accuracy"] == np.mean(chosen == right)
    assert found["precision"] == (chosen & right).sum() / chosen.sum() and found["recall"] == (chosen & right).sum() / right.sum()
    pairs = p[right][:, None] - p[~right]
    assert found["auc"] == pytest.approx(np.mean((pairs > 0) + (pairs == 0) / 2))
    X, codes, rows = data("sparse_categorical_crossentropy", 3)
    for loss, target in (("sparse_categorical_crossentropy", codes), ("categorical_crossentropy", rows)):
        model = model_of("softmax", 3)[0]
        model.compile("adam", loss, metrics="accuracy")
        assert model.evaluate(X, target)[1] == np.mean(model.predict(X).argmax(axis=1) == codes)


def test_activations_of_their_own_and_first_weights():
    one = Sequential([Input((3,)), Dense(4), Activation("relu"), Dense(2), Activation("softmax")], random_state=0)
    other = Sequential([Dense(4, "relu", input_shape=3), Dense(2, "softmax")], random_state=0)
    assert close(one.get_weights(), other.get_weights()) == 0
    kernel = Sequential([Input(300), Dense(200, "relu"), Dense(100)], random_state=0).get_weights()
    assert 0.95 < np.abs(kernel[0]).max() / np.sqrt(6 / 300) <= 1 and 0.95 < np.abs(kernel[2]).max() / np.sqrt(6 / 300) <= 1
    kernel = Sequential([Input(300), Dense(200, "relu", "glorot_uniform")], random_state=0).get_weights()
    assert 0.95 < np.abs(kernel[0]).max() / np.sqrt(6 / 500) <= 1 and not kernel[1].any()


def test_copies_go_on_as_the_model():
    X, y, _ = data("mse", 1)
    model = Sequential([Dense(5, "relu"), Dense(1)], random_state=3)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, y, epochs=2)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    expected = model.fit(X, y, epochs=2).history
    assert all(one.fit(X, y, epochs=2).history == expected for one in copies)


def test_summary_counts():
    lines = []
    model = Sequential([Dense(8, "relu"), Dense(8), Dense(1)])
    model.summary(lines.append)
    assert "not known" in lines[-1]
    model.predict(np.zeros((1, 5)))
    lines.clear()
    model.summary(lines.append)
    assert model.count_params() == 5 * 8 + 8 + 8 * 8 + 8 + 8 + 1 and lines[-1].startswith("Total params: 129 ")
    assert "dense_2 (Dense)" in lines[6]


def test_dropout_is_unbiased_and_for_learning_alone():
    """Of a linear network with a rate of 0 its training loss is told: the mean square of Σ x·w·mask/(1 − rate) is known."""
    X = np.ones((20_000, 50))
    model = Sequential([Dropout(0.5), Dropout(0.2), Dense(1)], random_state=0, dtype="float64")
    model.compile("sgd", "mse", learning_rate=0.0)
    model.predict(X[:1])
    model.set_weights([np.full((50, 1), 0.1), [0.0]])
    told = model.fit(X, np.zeros(20_000), batch_size=1000).history["loss"][0]
    variance = 50 * 0.1 ** 2 * 0.6 / 0.4          # 0.4 = 0.5 · 0.8 are kept
    assert told == pytest.approx(25 + variance, rel=0.01)
    assert model.evaluate(X, np.zeros(20_000)) == pytest.approx(25) and (model.predict(X[:2]) == model.predict(X[:2])).all()


def test_dropout_has_a_seed():
    X, y, _ = data("mse", 1)
    fitted = []
    for seed, threads in ((0, 1), (0, 2), (1, 1)):
        model = Sequential([Input(4), Dense(30, "relu"), Dropout(0.5), Dense(1)], random_state=seed, n_threads=threads)
        model.set_weights([np.full((4, 30), 0.1), np.zeros(30), np.full((30, 1), 0.1), [0.0]])
        model.compile("adam", "mse")
        model.fit(X, y, epochs=3, shuffle=False)
        fitted.append(model.get_weights())
    assert close(fitted[0], fitted[1]) == 0 and close(fitted[0], fitted[2]) > 0
