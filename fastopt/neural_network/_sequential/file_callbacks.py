"""Callbacks that write files: the model, and the numbers of each epoch.

Used by users.  What callbacks are is in callbacks.py.
"""
from __future__ import annotations

import csv
import os
from typing import IO, Any

from fastopt._common.checks import flag, integer, number
from fastopt._common.rules import refuse
from fastopt.exceptions import InvalidParameterError

from .callbacks import Callback, Logs, Monitor


class ModelCheckpoint(Monitor):
    """Save the model after each epoch, or after those that are the best so far.

    Parameters
    ----------
    filepath : path-like
        With fields such as ``'{epoch:02d}-{val_loss:.3f}.npz'``, the epoch counted from 1.
    monitor : str, default='val_loss'
    verbose : int, default=0
    save_best_only : bool, default=False
    mode : {'auto', 'min', 'max'}, default='auto'
        As of `EarlyStopping`.
    initial_value_threshold : float or None, default=None
        What the first saved epoch must be better than.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastopt.neural_network import Dense, ModelCheckpoint, Sequential
    >>> folder = tempfile.mkdtemp()
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile("sgd", "mse")
    >>> history = model.fit([0.0, 1.0], [0.0, 1.0], epochs=2, callbacks=[ModelCheckpoint(os.path.join(folder, "{epoch}.npz"))])
    >>> sorted(os.listdir(folder))
    ['1.npz', '2.npz']
    """

    def __init__(self, filepath: str | os.PathLike[str], monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
                 mode: str = "auto", initial_value_threshold: float | None = None) -> None:
        super().__init__(monitor, mode, 0.0)
        self.filepath, self.verbose = os.fspath(filepath), integer("verbose", verbose, 0)
        self.save_best_only = flag("save_best_only", save_best_only)
        self.best = self._worst if initial_value_threshold is None else number("initial_value_threshold", initial_value_threshold)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if the epoch deserves it."""
        if self.save_best_only:
            current = self._current(logs)
            if not self._better(current, self.best):
                return
            self.best = current
        try:
            path = self.filepath.format(epoch=epoch + 1, **(logs or {}))
        except KeyError as error:
            raise InvalidParameterError(f"filepath of ModelCheckpoint may have the fields epoch, {', '.join(logs or {})}, got {error}") from None
        self.model.save(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saving model to {path}")


class CSVLogger(Callback):
    """Write the numbers of each epoch to a table, a line an epoch.

    Parameters
    ----------
    filename : path-like
    separator : str, default=','
    append : bool, default=False
        Whether an existing file is continued, which is replaced otherwise.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastopt.neural_network import CSVLogger, Dense, Sequential
    >>> path = os.path.join(tempfile.mkdtemp(), "log.csv")
    >>> model = Sequential([Dense(1)], random_state=0)
    >>> model.compile("sgd", "mse")
    >>> history = model.fit([0.0], [0.0], epochs=2, callbacks=[CSVLogger(path)])
    >>> print(open(path).read(), end="")
    epoch,loss
    0,0.0
    1,0.0
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.append = os.fspath(filename), flag("append", append)
        if not (isinstance(separator, str) and len(separator) == 1):
            refuse("separator", "a character", separator, owner="CSVLogger")
        self.separator = separator
        self._stream: IO[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        goes_on = self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self._stream = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")   # noqa: SIM115  until the fit ends
        self._writer: Any = csv.writer(self._stream, delimiter=self.separator, lineterminator="\n")
        self._names: list[str] | None = None
        self._headed = goes_on

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line."""
        logs = logs or {}
        if self._names is None:
            self._names = sorted(logs)
            if not self._headed:
                self._writer.writerow(["epoch", *self._names])
        self._writer.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])
        if self._stream is not None:
            self._stream.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
