"""Saved models of Sequential: the same bits after loading, learning goes on, no code; damaged files are refused."""
import json
import zipfile

import numpy as np
import pytest

from fastopt import losses, optimizers, schedules
from fastopt.neural_network import Activation, Dense, Dropout, Input, Sequential

RNG = np.random.RandomState(0)
X, Y = RNG.normal(size=(60, 3)), RNG.normal(size=(60, 2))
LAYERS = [Dense(5, "gelu"), Dropout(0.3), Dense(4, "leaky_relu", "orthogonal", name="middle"), Dense(2), Activation("tanh")]


def same(one, other):
    return all((a == b).all() and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adamw", "rmsprop", "lion", "lamb", "schedule_free_adamw", "muon",
                                       optimizers.SGD(np.zeros(1), lr=0.01, momentum=0.5)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loaded_model_goes_on_to_the_bit(tmp_path, optimizer, dtype):
    model = Sequential(LAYERS, random_state=5, dtype=dtype, name="mine")
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(X, Y, epochs=3)
    model.learning_rate = 0.003
    model.save(tmp_path / "model.npz")
    loaded = Sequential.load(tmp_path / "model.npz")
    assert same(loaded.get_weights(), model.get_weights()) and (loaded.predict(X) == model.predict(X)).all()
    assert loaded.layers == model.layers and loaded.name == "mine" and loaded.evaluate(X, Y) == model.evaluate(X, Y)
    assert loaded.learning_rate == 0.003
    assert loaded.fit(X, Y, epochs=2).history == model.fit(X, Y, epochs=2).history
    assert same(loaded.get_weights(), model.get_weights())


def test_schedules_and_losses_with_parameters(tmp_path):
    model = Sequential([Dense(3, "softmax")], random_state=0)
    model.compile("adam", losses.Multinomial(label_smoothing=0.1), learning_rate=schedules.Cosine(0.1, decay_steps=20))
    y = RNG.randint(3, size=60)
    model.fit(X, y, epochs=4)
    model.save(tmp_path / "model.npz")
    loaded = Sequential.load(tmp_path / "model.npz")
    assert loaded.learning_rate == schedules.Cosine(0.1, decay_steps=20)
    assert loaded.fit(X, y, epochs=2).history == model.fit(X, y, epochs=2).history


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("layers", [[Dense(1)], [Input(3), Dense(1)]])
def test_models_that_have_not_learnt(tmp_path, layers, compiled):
    model = Sequential(layers, random_state=0)
    if compiled:
        model.compile("sgd", "mse")
        model.learning_rate = 0.5
    model.save(tmp_path / "model.npz")
    loaded = Sequential.load(tmp_path / "model.npz")
    assert (loaded.predict(X) == model.predict(X)).all()
    if compiled:
        assert loaded.fit(X, Y[:, 0]).history == model.fit(X, Y[:, 0]).history and loaded.learning_rate == 0.5


def test_no_code_is_in_a_file(tmp_path):
    model = Sequential(LAYERS, random_state=0)
    model.compile("adam", "mse")
    model.fit(X, Y)
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as archive:
        assert json.loads(archive["meta"].tobytes())["format"] == "fastopt-sequential"
        assert all(archive[name].dtype.kind in "fiu" for name in archive.files)


def test_functions_are_not_saved(tmp_path):
    for settings in ({"metrics": [lambda y, p: 0.0]}, {"learning_rate": lambda t: 0.1}):
        model = Sequential([Dense(2)])
        model.compile("sgd", "mse", **settings)
        model.fit(X, Y)
        with pytest.raises(TypeError, match="a model file cannot hold"):
            model.save(tmp_path / "model.npz")
    assert not list(tmp_path.iterdir())


def rewritten(path, change):
    """A file with another description."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    meta = json.loads(arrays["meta"].tobytes())
    change(meta, arrays)
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)


CHANGES = {
    "another format": lambda meta, arrays: meta.update(format="other"),
    "a later version": lambda meta, arrays: meta.update(version=99),
    "an unknown layer": lambda meta, arrays: meta["layers"].__setitem__(0, ["Evil", {}]),
    "a setting it has not": lambda meta, arrays: meta["layers"][0][1].update(color="red"),
    "units of another number": lambda meta, arrays: meta["layers"][0][1].update(units=7),
    "a loss of no name": lambda meta, arrays: meta["compiled"].update(loss="msee"),
    "weights that are not finite": lambda meta, arrays: arrays["a0"].__setitem__((0, 0), np.nan),
    "an array too few": lambda meta, arrays: arrays.pop("a1"),
    "no layers": lambda meta, arrays: meta.pop("layers"),
    "another rule": lambda meta, arrays: meta["compiled"]["optimizer"].update(rule="sgd"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_damaged_files_are_refused(tmp_path, change):
    path = tmp_path / "model.npz"
    model = Sequential(LAYERS, random_state=0)
    model.compile("adam", "mse")
    model.fit(X, Y)
    model.save(path)
    rewritten(path, CHANGES[change])
    with pytest.raises(ValueError, match="is not a usable fastopt network"):
        Sequential.load(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="not a usable"):
        Sequential.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.npy", b"nothing")
    with pytest.raises(ValueError, match="not a usable"):
        Sequential.load(path)
    np.savez(path, meta=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="not a usable"):
        Sequential.load(path)
    Sequential([Input(9), Dense(9)]).save(path)
    with pytest.raises(ValueError, match="at most 10 are read"):
        Sequential.load(path, max_bytes=10)
    with pytest.raises(FileNotFoundError):
        Sequential.load(tmp_path / "none.npz")
