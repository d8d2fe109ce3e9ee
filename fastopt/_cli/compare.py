"""The same fit with fastopt and with scikit-learn, timed one after the other on one thread.

Used by _cli.train for `--compare`.  Both see the same rows, settings and seed; nothing is scored between epochs, and
neither stops early, since scikit-learn would hold out rows of its own.
"""
from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastopt._data.types import Matrix
from fastopt._models.load import Estimator

from .model import AnyEstimator

SECONDS_ENOUGH = 0.5           # seconds: a shorter fit is repeated and the fastest kept
REPEATS = 3


class NoPeer(Exception):
    """scikit-learn has no such loss or schedule."""


@dataclass
class Timed:
    """One column of the comparison."""

    name: str
    estimator: AnyEstimator
    epochs: int
    seconds: float


def compare(estimator: Estimator, X: Matrix, y: np.ndarray, epochs: int) -> tuple[Timed, Timed]:
    """Both sides, fastopt first; NoPeer if scikit-learn cannot fit this.

    Parameters
    ----------
    estimator : SGDClassifier or SGDRegressor
        As it was fitted; its parameters are used.
    X, y : rows to learn from
    epochs : int
        That the watched fit ran, which bounds both.
    """
    import sklearn
    from sklearn import linear_model as peers
    from sklearn.base import clone
    from threadpoolctl import threadpool_limits

    peer_kind = getattr(peers, type(estimator).__name__)
    params = estimator.get_params(deep=False)
    changes: dict[str, Any] = {"early_stopping": False, "restore_best": False, "max_iter": epochs}
    if estimator.early_stopping and estimator.learning_rate != "adaptive":
        changes["tol"] = None                    # as many epochs as were run; adaptive steps need tol to shrink at all
    if "n_jobs" in params:
        changes["n_jobs"] = 1
    mine = clone(estimator).set_params(**{k: v for k, v in changes.items() if k in params})
    shared = mine.get_params(deep=False)
    peer = peer_kind(**{k: shared[k] for k in peer_kind().get_params(deep=False) if k in shared})
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = _timed(f"scikit-learn {sklearn.__version__}", peer, X, y)
        except ValueError as error:              # InvalidParameterError: a loss or a schedule that it lacks
            raise NoPeer(f"no comparison, since scikit-learn has no such fit: {str(error).splitlines()[0]}") from error
        ours = _timed("fastopt", mine, X, y)
    return ours, theirs


def _timed(name: str, estimator: AnyEstimator, X: Matrix, y: np.ndarray) -> Timed:
    best, spent = float("inf"), 0.0
    for _ in range(REPEATS):
        started = time.perf_counter()
        estimator.fit(X, y)
        took = time.perf_counter() - started
        best, spent = min(best, took), spent + took
        if spent > SECONDS_ENOUGH:
            break
    return Timed(name, estimator, int(estimator.n_iter_), best)
