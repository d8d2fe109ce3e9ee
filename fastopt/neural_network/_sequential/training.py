"""The epochs of a fit: their order of rows, what is measured after each, who is told, and what is kept of a fit that ends early.

Used by the model of this room.  The arithmetic of an epoch is the engine's.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._samples.shuffle import shuffle
from fastopt.neural_network._divergence import NetworkDivergenceError
from fastopt.neural_network._engine import sum_over_batches

from .callbacks import Callbacks, Logs
from .data import Rows
from .heads import Head
from .history import Progress

Array = NDArray[Any]


@dataclass(eq=False)
class Training:
    """A run of epochs of a model.

    Parameters
    ----------
    model : Sequential
    network : Network
        Of the engine, with the weights to start from and its optimizer.
    rows : Rows
        What is learnt.
    measure : callable
        What logs have of training rows and of validation rows, beside the loss of the former.
    """
    model: Any
    network: Any
    rows: Rows
    head: Head
    batch_size: int
    first: int
    last: int
    shuffles: bool
    rng: np.random.RandomState
    callbacks: Callbacks
    progress: Progress
    measure: Callable[[], Logs]

    def run(self) -> None:
        """Run all epochs."""
        n = self.rows.X.shape[0]
        self.order = np.arange(n)
        self.averages = self.network.optimizer.averages
        self.entropies = self.head.entropies_of(self.rows.y)
        self.callbacks.call("on_train_begin", {})
        logs: Logs = {}
        try:
            for epoch in range(self.first, self.last):
                self.callbacks.call("on_epoch_begin", epoch, {})
                logs = self._epoch(epoch)
                self.callbacks.call("on_epoch_end", epoch, logs)
                self.progress.epoch(epoch, logs)
                if self.model.stop_training:
                    break
        except KeyboardInterrupt:
            warnings.warn("training was interrupted: the weights are those of the last whole epoch", stacklevel=4)
        except StopIteration:   # of a callback
            pass
        finally:
            self.progress.end()
            self.callbacks.call("on_train_end", logs)

    def _epoch(self, epoch: int) -> Logs:
        """One epoch, and what is told of it."""
        rows, before = self.rows, self.network.get_weights()
        if self.shuffles:
            shuffle(self.rng, self.order)
        try:
            if self.model._stepped is not None:
                self.network.set_weights(*self.model._stepped)
            total = self.network.epoch(rows.X, rows.y, rows.weight, self.order, self.batch_size)
        except BaseException:
            self.network.set_weights(*before)
            raise
        if self.averages:
            average, self.model._stepped = self.network.get_solution(), self.network.get_weights()
            self.network.set_weights(*average)
        if self.entropies is not None:
            total += sum_over_batches(self.entropies, self.order, self.batch_size, rows.weight)
        loss = total / len(self.order)
        if not (np.isfinite(loss) and all(np.isfinite(a).all() for arrays in self.network.get_weights() for a in arrays)):
            self._give_up(epoch, before)
        return {"loss": float(loss), **self.measure()}

    def _give_up(self, epoch: int, before: tuple[list[Array], list[Array]]) -> None:
        """Put the weights before the epoch back, and say so."""
        rate = self.network.learning_rate
        self.network = self.model._renew([array for pair in zip(*before) for array in pair])   # what fills up rows, and moments, are not finite
        self.network.value_and_gradient(self.rows.X, self.rows.y, self.rows.weight)
        raise NetworkDivergenceError(epoch + 1, float("nan") if callable(rate) else float(rate), self.network.gradient_norms())
