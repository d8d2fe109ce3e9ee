"""The callbacks of Sequential against Keras's rules, on losses that are known beforehand; history, progress, ends of fits."""
import csv
import itertools

import numpy as np
import pytest

from fastopt import schedules
from fastopt.exceptions import InvalidParameterError
from fastopt.neural_network import (
    Callback,
    CSVLogger,
    Dense,
    EarlyStopping,
    Input,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    Sequential,
)

X, Y = np.linspace(-1, 1, 24)[:, None], np.linspace(-1, 1, 24) * 3 + 1


def compiled(**settings):
    model = Sequential([Input(1), Dense(1)], random_state=0, dtype="float64")
    model.compile("sgd", "mse", **settings)
    return model


class Fed(Callback):
    """Logs get the next of some numbers."""

    def __init__(self, values, name="val_loss"):
        super().__init__()
        self.values, self.name, self.weights = iter(values), name, []

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = next(self.values)
        self.weights.append(self.model.get_weights())


def run(values, *callbacks, epochs=None, name="val_loss", **more):
    model, fed = compiled(learning_rate=0.125), Fed(values, name)
    return model, fed, model.fit(X, Y, epochs=len(values) if epochs is None else epochs, callbacks=[fed, *callbacks], **more)


def same(one, other):
    return all((a == b).all() for a, b in zip(one, other, strict=True))


VALUES = [5.0, 4.0, 4.5, 3.9, 4.2, 4.1, 4.3, 1.0, 0.9]


@pytest.mark.parametrize("settings, epochs, best", [
    ({"patience": 1}, 3, 1), ({"patience": 0}, 3, 1), ({"patience": 3}, 7, 3), ({"patience": 2, "min_delta": 0.2}, 4, 1), ({"patience": 9}, 9, 8),
    ({"patience": 2, "baseline": 4.0}, 3, 1), ({"patience": 2, "start_from_epoch": 3}, 6, 3), ({"patience": 2, "mode": "max"}, 3, 0)])
def test_early_stopping(settings, epochs, best):
    stopping = EarlyStopping(restore_best_weights=True, **settings)
    model, fed, history = run(VALUES, stopping)
    assert len(history.epoch) == epochs and stopping.best_epoch == best
    assert same(model.get_weights(), fed.weights[best])
    assert stopping.stopped_epoch == (epochs - 1 if epochs < len(VALUES) else 0)


def test_early_stopping_keeps_the_last_weights_unless_told():
    model, fed, _ = run(VALUES, EarlyStopping(patience=1))
    assert same(model.get_weights(), fed.weights[-1])


def test_more_is_better_where_the_name_says_so():
    assert len(run([0.5, 0.6, 0.55, 0.5], EarlyStopping("val_accuracy"), name="val_accuracy")[2].epoch) == 3
    assert len(run([0.5, 0.6, 0.55, 0.5], EarlyStopping("val_accuracy", mode="min"), name="val_accuracy")[2].epoch) == 2


def test_reduce_on_plateau():
    reduce = ReduceLROnPlateau(factor=0.5, patience=2, min_delta=0.05, cooldown=1, min_lr=0.04)
    history = run([3.0, 2.0, 1.99, 1.98, 1.97, 1.96, 1.95, 1.0, 1, 1, 1, 1], reduce)[2]
    #            waits 1, 2: halved; cools down once and waits from there on
    assert history.history["learning_rate"] == [0.125] * 4 + [0.0625] * 2 + [0.04] * 6


def test_scheduler():
    model = compiled(learning_rate=0.1)
    seen = model.fit(X, Y, epochs=3, callbacks=[LearningRateScheduler(lambda epoch, lr: lr * 0.5)]).history["learning_rate"]
    assert seen == [0.05, 0.025, 0.0125] and model.learning_rate == 0.0125
    step = schedules.Cosine(0.1, decay_steps=10)
    seen = model.fit(X, Y, epochs=3, callbacks=[LearningRateScheduler(step)]).history["learning_rate"]
    assert seen == [step(0), step(1), step(2)]


def test_rates_are_used():
    """One epoch of one batch moves by rate times gradient."""
    model = compiled(learning_rate=0.1)
    start, bias = (w.copy() for w in model.get_weights())
    model.learning_rate = 0.25
    model.fit(X, Y, batch_size=24)
    slope = 2 * np.mean(X[:, 0] * (X[:, 0] * start[0, 0] + bias[0] - Y))
    assert model.get_weights()[0][0, 0] == pytest.approx(start[0, 0] - 0.25 * slope)


def test_checkpoints(tmp_path):
    model, fed, _ = run(VALUES, ModelCheckpoint(tmp_path / "{epoch:02d}-{val_loss:.1f}.npz", save_best_only=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-5.0.npz", "02-4.0.npz", "04-3.9.npz", "08-1.0.npz", "09-0.9.npz"]
    assert same(Sequential.load(tmp_path / "04-3.9.npz").get_weights(), fed.weights[3])
    run(VALUES, ModelCheckpoint(tmp_path / "one.npz", save_best_only=True, initial_value_threshold=0.95))
    assert same(Sequential.load(tmp_path / "one.npz").get_weights(), fed.weights[8])


def test_csv(tmp_path):
    path = tmp_path / "log.csv"
    history = run(VALUES[:3], CSVLogger(path, separator=";"))[2]
    run(VALUES[3:5], CSVLogger(path, separator=";", append=True))
    table = list(csv.reader(path.read_text(encoding="utf-8").splitlines(), delimiter=";"))
    assert table[0] == ["epoch", "loss", "val_loss"] and [row[0] for row in table[1:]] == ["0", "1", "2", "0", "1"]
    assert [float(row[1]) for row in table[1:4]] == history.history["loss"]


def test_any_object_with_hooks_is_called_in_order():
    class Listener:
        def __init__(self):
            self.calls = []

        def set_params(self, params):
            self.params = params

        def on_train_begin(self, logs=None):
            self.calls.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            self.calls.append(epoch)

        def on_epoch_end(self, epoch, logs=None):
            self.calls.append(sorted(logs))

        def on_train_end(self, logs=None):
            self.calls.append("end")

    listener = Listener()
    compiled(metrics=["mae"]).fit(X, Y, epochs=2, batch_size=10, callbacks=[listener], validation_split=0.5)
    names = ["loss", "mae", "val_loss", "val_mae"]
    assert listener.calls == ["begin", 0, names, 1, names, "end"]
    assert listener.params == {"epochs": 2, "steps": 2, "verbose": 0, "metrics": names}


class Raises(Callback):
    def __init__(self, error, at=2):
        super().__init__()
        self.error, self.at = error, at

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            raise self.error


def test_interrupts_keep_the_last_whole_epoch():
    model, whole = compiled(), compiled()
    ended = []
    listener = Raises(KeyboardInterrupt)
    listener.on_train_end = lambda logs=None: ended.append(dict(logs))
    with pytest.warns(UserWarning, match="the last whole epoch"):
        history = model.fit(X, Y, epochs=9, callbacks=[listener])
    whole.fit(X, Y, epochs=2)
    assert history.epoch == [0, 1] and same(model.get_weights(), whole.get_weights()) and ended == [{"loss": history.history["loss"][-1]}]
    assert model.fit(X, Y, epochs=9, callbacks=[Raises(StopIteration)]).epoch == [0, 1]
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, epochs=9, callbacks=[Raises(ZeroDivisionError())])


def test_progress(capsys):
    model = compiled(metrics=["mae"])
    model.fit(X, Y, epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[1].startswith("1/1 - 0s - ") and " - loss: " in lines[3] and " - mae: " in lines[3]
    model.fit(X, Y, epochs=200, verbose=1)
    out = capsys.readouterr().out
    assert out.endswith("\n") and out.count("\n") == 1 and "Epoch 200/200 [==============================]" in out.rpartition("\r")[2]
    model.fit(X, Y, epochs=2, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[EarlyStopping("loss", mode="max", verbose=1, restore_best_weights=True)])
    assert capsys.readouterr().out.splitlines()[0] == "Epoch 2: early stopping"


def test_history_plots():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    history = compiled(metrics=["mae"]).fit(X, Y, epochs=3, validation_split=0.25)
    axes = history.plot()
    assert [axis.get_ylabel() for axis in axes] == ["loss", "mae"] and [len(axis.lines) for axis in axes] == [2, 2]
    assert axes[0].lines[1].get_ydata().tolist() == history.history["val_loss"] and axes[0].lines[0].get_xdata().tolist() == [1, 2, 3]


@pytest.mark.parametrize("callback, words", [
    (EarlyStopping(), "monitor of EarlyStopping must be one of 'loss', 'mae', got 'val_loss': give fit validation_data"),
    (EarlyStopping("los"), "got 'los': did you mean 'loss'"), (ReduceLROnPlateau("mea"), "did you mean 'mae'"),
    (ModelCheckpoint("{acc}.npz"), "may have the fields epoch, loss, mae, got 'acc'"),
    (object(), "callbacks must be a list of objects with methods"),
    (LearningRateScheduler(lambda epoch: -1.0), "schedule of LearningRateScheduler must be a finite number at least 0, got -1.0")])
def test_callbacks_refuse(callback, words):
    with pytest.raises(InvalidParameterError, match=words.replace("(", "\\(")):
        compiled(metrics=["mae"]).fit(X, Y, callbacks=[callback])


def test_a_rate_that_follows_a_schedule_is_not_set():
    with pytest.raises(InvalidParameterError, match="learning_rate must be a number with ReduceLROnPlateau"):
        compiled(learning_rate=schedules.Cosine(0.1, decay_steps=9)).fit(X, Y, callbacks=[ReduceLROnPlateau("loss")])


@pytest.mark.parametrize("make", [
    lambda: EarlyStopping(patience=-1), lambda: EarlyStopping(mode="least"), lambda: EarlyStopping(monitor=3), lambda: ReduceLROnPlateau(factor=1.0),
    lambda: ReduceLROnPlateau(min_lr=-1), lambda: LearningRateScheduler(0.1), lambda: CSVLogger("a", separator="::"),
    lambda: ModelCheckpoint("a", save_best_only=1)])
def test_settings_of_callbacks_are_checked(make):
    with pytest.raises(InvalidParameterError):
        make()


def test_fits_of_one_callback_do_not_see_each_other():
    stopping = EarlyStopping("val_loss", patience=1)
    lengths = [len(run(VALUES, stopping)[2].epoch) for _ in itertools.repeat(None, 2)]
    assert lengths == [3, 3]
