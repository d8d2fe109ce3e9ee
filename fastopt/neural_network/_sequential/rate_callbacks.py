"""Callbacks that set the learning rate: by a number that does not get better, by the epoch.

Used by users.  What callbacks are is in callbacks.py.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastopt._common.checks import integer, number
from fastopt._common.rules import real, refuse
from fastopt.exceptions import InvalidParameterError

from .callbacks import Callback, Logs, Monitor


class ReduceLROnPlateau(Monitor):
    """Lower the learning rate when a number has not got better for some epochs.

    Parameters
    ----------
    monitor : str, default='val_loss'
    factor : float from 0 to below 1, default=0.1
        Of the learning rate.
    patience : int, default=10
    verbose : int, default=0
    mode : {'auto', 'min', 'max'}, default='auto'
        As of `EarlyStopping`.
    min_delta : float, default=1e-4
    cooldown : int, default=0
        Epochs after a change in which none is counted.
    min_lr : float, default=0
        The least learning rate.

    Examples
    --------
    >>> from fastopt.neural_network import Dense, ReduceLROnPlateau, Sequential
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile("sgd", "mse", learning_rate=0.0625)
    >>> history = model.fit([0.0], [0.0], epochs=4, callbacks=[ReduceLROnPlateau("loss", factor=0.5, patience=2)])
    >>> history.history["learning_rate"]
    [0.0625, 0.0625, 0.0625, 0.03125]
    """

    def __init__(self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
                 min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor, self.patience = number("factor", factor, at_least=0, below=1), integer("patience", patience, 0)
        self.verbose, self.cooldown = integer("verbose", verbose, 0), integer("cooldown", cooldown, 0)
        self.min_lr = number("min_lr", min_lr, at_least=0)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget earlier fits."""
        self.wait = self.cooling = 0
        self.best = self._worst

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the number, and perhaps lower the rate."""
        current, rate = self._current(logs), _rate_of(self.model, type(self).__name__)
        if logs is not None:
            logs["learning_rate"] = rate
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if self._better(current, self.best):
            self.best, self.wait = current, 0
        elif self.cooling <= 0:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooling, self.wait = self.cooldown, 0
                if self.verbose:
                    print(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {self.model.learning_rate:g}.")


def _rate_of(model: Any, owner: str) -> float:
    """The learning rate, if it is a number."""
    rate = model.learning_rate
    if callable(rate):
        raise InvalidParameterError(f"learning_rate must be a number with {owner}, which sets it, got {rate!r}")
    return float(rate)


class LearningRateScheduler(Callback):
    """Set the learning rate of each epoch.

    Parameters
    ----------
    schedule : callable
        Of the epoch, from 0, and the learning rate, or of the epoch alone, such as a schedule of fastopt.schedules; returns the rate.
    verbose : int, default=0

    Examples
    --------
    >>> from fastopt.neural_network import Dense, LearningRateScheduler, Sequential
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile("sgd", "mse", learning_rate=0.5)
    >>> halved = LearningRateScheduler(lambda epoch, lr: lr / 2)
    >>> model.fit([0.0], [0.0], epochs=3, callbacks=[halved]).history["learning_rate"]
    [0.25, 0.125, 0.0625]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            refuse("schedule", "a callable of the epoch and the learning rate", schedule, owner="LearningRateScheduler")
        self.schedule, self.verbose = schedule, integer("verbose", verbose, 0)
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        rate = _rate_of(self.model, type(self).__name__)
        found = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        self.model.learning_rate = real(0).check("schedule of LearningRateScheduler", found)
        if self.verbose:
            print(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {self.model.learning_rate:g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the rate of the epoch."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.learning_rate)


def _takes_two(function: Callable[..., float]) -> bool:
    """Whether it can be called with an epoch and a rate."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except (TypeError, ValueError):
        return False
    return True
