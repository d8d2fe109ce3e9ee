"""Callbacks: what is called at the beginning and the end of a fit and of its epochs, as Keras has them.

Used by the loop of this room, and by users.  Knows models by what they have in public.
"""
from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any

from fastopt._common.checks import choice, flag, integer, number
from fastopt._common.rules import did_you_mean, refuse
from fastopt.exceptions import InvalidParameterError

Logs = dict[str, float]
#: what is called, where there is a method of the name; an epoch is one compiled call, so that there are none of batches
HOOKS = ("set_params", "set_model", "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end")


class Callback:
    """What a callback may have; any object with some of these methods is one.

    Attributes
    ----------
    model : Sequential
        The model that is fitted; ``model.stop_training = True`` ends the fit after the epoch.
    params : dict
        'epochs', 'steps', 'verbose', and 'metrics', the names that logs have.

    Examples
    --------
    >>> from fastopt.neural_network import Callback, Dense, Sequential
    >>> class Stop(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.model.stop_training = logs["loss"] < 1
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile("sgd", "mse")
    >>> len(model.fit([0.0, 1.0], [0.0, 1.0], epochs=100, callbacks=[Stop()]).epoch) < 100
    True
    """

    def __init_subclass__(cls) -> None:
        """Those of this room have the parameters of a hook documented where it is first."""
        if not cls.__module__.startswith("fastopt."):
            return
        cls.__module__ = "fastopt.neural_network"
        for name in set(HOOKS).intersection(vars(cls)):
            method, first = vars(cls)[name], inspect.getdoc(getattr(Callback, name)) or ""
            method.__doc__ = f"{method.__doc__}\n\n{first[first.index('Parameters'):]}"

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Take what is known of the fit.

        Parameters
        ----------
        params : dict
        """
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model.

        Parameters
        ----------
        model : Sequential
        """
        self.model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch.

        Parameters
        ----------
        logs : dict, optional
            Numbers by name.
        """

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch.

        Parameters
        ----------
        logs : dict, optional
            Numbers by name.
        """

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0.

        Parameters
        ----------
        epoch : int
            From 0.
        logs : dict, optional
            Numbers by name.
        """

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch; what is put into logs is in the history.

        Parameters
        ----------
        epoch : int
            From 0.
        logs : dict, optional
            Numbers by name.
        """


Callback.__module__ = "fastopt.neural_network"


class Callbacks:
    """Several as one."""

    def __init__(self, callbacks: Iterable[Any] | None, own: Any) -> None:
        given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        for one in given:
            if not any(hasattr(one, name) for name in HOOKS):
                refuse("callbacks", "a list of objects with methods such as on_epoch_end(epoch, logs)", one)
        self._of = {name: [getattr(one, name) for one in [*given, own] if hasattr(one, name)] for name in HOOKS}

    def call(self, name: str, *args: Any) -> None:
        """Call this method of all that have it."""
        for method in self._of[name]:
            method(*args)


class Monitor(Callback):
    """What callbacks that follow a number have in common."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        super().__init__()
        if not isinstance(monitor, str):
            refuse("monitor", "the name of a number in logs, such as 'val_loss'", monitor, owner=type(self).__name__)
        self.monitor, self.mode = monitor, choice("mode", mode, "auto", "min", "max")
        self.min_delta = abs(number("min_delta", min_delta))
        rising = mode == "max" or mode == "auto" and monitor.removeprefix("val_") in (
            "acc", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "auc", "precision", "recall", "r2_score")
        self.sign = 1.0 if rising else -1.0

    @property
    def _worst(self) -> float:
        """What any number is better than."""
        return -self.sign * math.inf

    def _better(self, value: float, other: float) -> bool:
        """Whether a number is better than another, by more than min_delta."""
        return self.sign * (value - other) > self.min_delta if math.isfinite(other) else self.sign * value > self.sign * other

    def _current(self, logs: Logs | None) -> float:
        """The number that is followed."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            known = list(logs or {})
            hint = did_you_mean(self.monitor, known)
            if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in known):
                hint = ": give fit validation_data or validation_split"
            raise InvalidParameterError(f"monitor of {type(self).__name__} must be one of {', '.join(map(repr, known))}, got {self.monitor!r}{hint}")
        return found


class EarlyStopping(Monitor):
    """End the fit when a number has not got better for some epochs.

    Parameters
    ----------
    monitor : str, default='val_loss'
    min_delta : float, default=0
        A change up to this is none.
    patience : int, default=0
        Epochs without a better number after which the fit ends.
    verbose : int, default=0
        1 prints a line when it ends.
    mode : {'auto', 'min', 'max'}, default='auto'
        Whether less is better; 'auto': of accuracies, 'auc', 'precision', 'recall', 'r2_score' more is.
    baseline : float or None, default=None
        Epochs count as none while the number is not better than this.
    restore_best_weights : bool, default=False
        Whether the weights of the best epoch are put back, which are the last ones otherwise.
    start_from_epoch : int, default=0
        Epochs before it are not looked at.

    Attributes
    ----------
    stopped_epoch : int
        The epoch, from 0, after which the fit ended; 0 if it was not ended.
    best_epoch : int
    best : float

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.neural_network import Dense, EarlyStopping, Sequential
    >>> x = np.linspace(0, 1, 40)
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile("adam", "mse", learning_rate=0.1)
    >>> history = model.fit(x, 2 * x + 1, epochs=500, callbacks=[EarlyStopping("loss", min_delta=1e-3, patience=5)])
    >>> len(history.epoch) < 500
    True
    """

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: str = "auto",
                 baseline: float | None = None, restore_best_weights: bool = False, start_from_epoch: int = 0) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose = integer("patience", patience, 0), integer("verbose", verbose, 0)
        self.baseline = None if baseline is None else number("baseline", baseline)
        self.restore_best_weights = flag("restore_best_weights", restore_best_weights)
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, 0)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget earlier fits."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = self._worst, None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the number, and perhaps end the fit."""
        current = self._current(logs)
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._better(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._better(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Put the best weights back."""
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
