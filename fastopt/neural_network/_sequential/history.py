"""What a fit remembers of its epochs, and the lines it prints on the way.

Used by the loop of this room.
"""
from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastopt._common.plot import plot_epochs

from .callbacks import Callback

if TYPE_CHECKING:
    from fastopt._common.plot import Axes

#: seconds between two prints of a line that is rewritten
_PAUSE = 0.1
_WIDTH = 30


class History(Callback):
    """The numbers of each epoch, as `Sequential.fit` returns them.

    Attributes
    ----------
    history : dict of list of float
        By name: 'loss', the metrics, both of the validation data with 'val_' before the name; 'learning_rate' where a callback changes it.
    epoch : list of int
        The epochs, from 0.
    params : dict
        'epochs', 'steps', 'verbose', 'metrics' of the fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.neural_network import Dense, Sequential
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile("adam", "mse")
    >>> history = model.fit(np.arange(10.0), np.arange(10.0), epochs=3)
    >>> history.epoch, list(history.history), len(history.history["loss"])
    ([0, 1, 2], ['loss'], 3)
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Remember the numbers of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self, axes: Any = None) -> list[Axes]:
        """Draw loss and metrics by epoch, those of the validation data beside them; needs matplotlib.

        Parameters
        ----------
        axes : sequence of matplotlib axes, optional
            One for the loss and for each metric; None: a new figure.

        Returns
        -------
        list of matplotlib axes
        """
        names = [name for name in self.history if not name.startswith("val_")]
        panels = {name: {label: self.history[key] for label, key in (("training", name), ("validation", f"val_{name}")) if key in self.history}
                  for name in names}
        return plot_epochs([epoch + 1 for epoch in self.epoch], panels, axes)

    def __repr__(self) -> str:
        last = {name: values[-1] for name, values in self.history.items() if values}
        return f"<History of {len(self.epoch)} epochs: {line_of(last)}>"


def line_of(logs: Mapping[str, float]) -> str:
    """Numbers in a line, as Keras has them."""
    return " - ".join(f"{name}: {value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{name}: {value:.4e}" for name, value in logs.items())


class Progress:
    """The lines of a fit: none, one that is rewritten (1), or one an epoch (2).

    Parameters
    ----------
    verbose : {0, 1, 2}
    first, last : int
        Epochs, from 0, the last one not among them.
    steps : int
        Batches of an epoch.
    """

    def __init__(self, verbose: int, first: int, last: int, steps: int) -> None:
        self.verbose, self.first, self.last, self.steps = verbose, first, last, steps
        self.began = self.of_epoch = time.perf_counter()
        self.printed, self.text = -1.0, ""

    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """An epoch has ended."""
        if not self.verbose:
            return
        now = time.perf_counter()
        seconds, self.of_epoch = now - self.of_epoch, now
        if self.verbose == 2:
            print(f"Epoch {epoch + 1}/{self.last}\n{self.steps}/{self.steps} - {seconds:.0f}s - {_each(seconds / self.steps)} - {line_of(logs)}")
            return
        done = round(_WIDTH * (epoch + 1 - self.first) / max(1, self.last - self.first))
        text = f"Epoch {epoch + 1}/{self.last} [{'=' * done}{'.' * (_WIDTH - done)}] {now - self.began:.1f}s - {line_of(logs)}"
        if now - self.printed >= _PAUSE:
            self._write(text)
        self.text = text

    def end(self) -> None:
        """All epochs have ended."""
        if self.verbose == 1 and self.text:
            self._write(self.text)
            sys.stdout.write("\n")

    def _write(self, text: str) -> None:
        sys.stdout.write("\r" + text)
        sys.stdout.flush()
        self.printed = time.perf_counter()


def _each(seconds: float) -> str:
    return f"{seconds * 1e3:.0f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"
