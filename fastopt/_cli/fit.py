"""One fit with progress: each epoch is reported, and Ctrl-C stops after the current epoch.

Used by _cli.train.
"""
from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fastopt._data.errors import CliError
from fastopt._data.types import Matrix
from fastopt._models.load import Estimator
from fastopt.exceptions import DivergenceError

from .report import Report
from .score import divergence

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

DIVERGED = "Training diverged"     # how the estimators' warning of it begins


@dataclass
class Fitted:
    """The result of a watched fit."""

    estimator: Estimator
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    seconds: float = 0.0                 # of the epochs, each with its score
    stopped: bool = False                # by Ctrl-C
    diverged: str = ""                   # why, if it did
    notes: list[str] = field(default_factory=list)

    @property
    def saved_epoch(self) -> int:
        """From 1: whose weights the estimator has."""
        return getattr(self.estimator, "best_iter_", None) or len(self.losses)

    @property
    def best_epoch(self) -> int:
        """From 1: the first with the highest score, or with the lowest loss where none was taken."""
        if self.scores:
            return 1 + max(range(len(self.scores)), key=self.scores.__getitem__)
        return 1 + min(range(len(self.losses)), key=self.losses.__getitem__)


def watched_fit(estimator: Estimator, X: Matrix, y: np.ndarray, held_out: tuple[Matrix, np.ndarray] | None, report: Report,
                score_name: str) -> Fitted:
    """Fit, with a progress bar.

    Parameters
    ----------
    estimator : SGDClassifier or SGDRegressor
    X, y : rows to learn from
    held_out : tuple (X, y) or None
        Scored after each epoch.
    report : Report
    score_name : str

    Returns
    -------
    Fitted

    Raises
    ------
    CliError
        If training diverges so far that no weights are left.
    KeyboardInterrupt
        At the second Ctrl-C, or at the first before any epoch has ended.
    """
    fitted = Fitted(estimator)

    def epoch(result: OptimizeResult) -> None:
        result.seconds = time.perf_counter() - resumed[0]           # of this epoch, without what was shown before
        if not math.isfinite(result.fun):        # steps are clipped, so that weights may stay finite for long
            fitted.diverged = f"training diverged in epoch {result.nit}: the loss is {result.fun} with eta0 = {estimator.eta0:g}"
            raise StopIteration
        fitted.losses.append(float(result.fun))
        if result.validation_score is not None:
            fitted.scores.append(float(result.validation_score))
        fitted.seconds += result.seconds
        show(result)
        if interrupt.asked:
            fitted.stopped = True
            raise StopIteration
        resumed[0] = time.perf_counter()

    with Interrupt() as interrupt, warnings.catch_warnings(record=True) as caught, \
            report.progress(estimator.max_iter, X.shape[0], score_name) as show:
        warnings.simplefilter("always")
        resumed = [time.perf_counter()]
        try:
            estimator.fit(X, y, eval_set=held_out, callback=epoch)
        except DivergenceError as error:
            raise CliError(f"{error}; nothing was saved") from error
    notes = list(dict.fromkeys(str(w.message) for w in caught))
    fitted.notes = [note for note in notes if not note.startswith(DIVERGED)]
    fitted.diverged = fitted.diverged or next((note for note in notes if note.startswith(DIVERGED)), "") \
        or divergence(estimator, X, y, fitted.losses[-1])
    return fitted


class Interrupt(contextlib.AbstractContextManager["Interrupt"]):
    """The first Ctrl-C sets `asked`, the second raises KeyboardInterrupt; outside the main thread nothing changes."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Interrupt:
        self.main = threading.current_thread() is threading.main_thread()
        self.before = signal.signal(signal.SIGINT, self._ask) if self.main else None
        return self

    def __exit__(self, *error: object) -> None:
        if self.main:
            signal.signal(signal.SIGINT, self.before)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
