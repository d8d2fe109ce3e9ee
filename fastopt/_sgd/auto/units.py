"""In what optimizer="auto" measures columns, predictions and losses (docs/auto.md, Specification).

Used by _sgd/auto/fit.py and, field by field, by _sgd/auto/run.pyx.  Knows neither rows nor loops.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastopt._core.tables import KIND_TARGETS, LOSS_NAMES
from fastopt._sgd.settings import FitSettings
from fastopt.losses._arrays import evaluate

from .state import TRUST_ROWS, State

Array = NDArray[Any]


class Units:
    """What a run takes from the k outputs and d columns that a state has seen.

    Parameters
    ----------
    state : State
    settings : FitSettings
    dtype : dtype
        Of X.

    Attributes
    ----------
    prediction, slope, loss : ndarray of shape (k,)
        σ, ν, and σν, by which losses are divided when epochs are compared.
    rate, l2 : ndarray of shape (k,)
        η and λ2.
    inverse, centre : ndarray of shape (d,)
        1/s and c of the columns, of the type of X; centre None: 0.
    limits : ndarray of shape (k, 2) or None
        How far predictions count, where gradients grow exponentially: no further than anything that was seen.
    """

    def __init__(self, state: State, settings: FitSettings, dtype: DTypeLike) -> None:
        target, columns = KIND_TARGETS[settings.loss[0]], state.columns
        self._is_log = target in ("nonnegative", "positive")   # the losses with a log link
        self.prediction = self.slope = np.ones(len(state.w))
        if state.goals is not None and not self._is_log:
            self.prediction = state.goals.deviation(settings.fit_intercept)
        if target == "real":
            slope = np.empty_like(self.prediction)
            evaluate(settings.loss, np.zeros_like(slope), self.prediction, None, 1.0, False, None, slope, 1)
            self.slope = np.where(slope == 0, 1, np.abs(slope))
        varies = self.prediction > 0
        self.loss = np.where(varies, self.prediction * self.slope, 1)
        self.rate = self.prediction * columns.rows / (columns.rows + TRUST_ROWS) / (1 + columns.uncentred)
        self.l2 = np.divide(settings.strengths[0], self.prediction, out=np.zeros_like(self.rate), where=varies)
        self.inverse = columns.inverse_scale(dtype)
        self.centre = columns.centre(dtype).astype(dtype) if columns.centred else None
        self.limits = self._limits(dict(enumerate(LOSS_NAMES)).get(settings.loss[0], ""), state)

    def start(self, state: State) -> Array:
        """The intercepts to start from: the mean of the targets behind the link."""
        if state.goals is None:
            return np.zeros(len(state.w))
        mean = state.goals.mean
        return np.log(np.where(mean > 0, mean, 1)) if self._is_log else mean

    def _limits(self, name: str, state: State) -> Array | None:
        if name == "exponential":
            most = 1 + 0.5 * np.log(max(state.columns.rows, 1))
            return np.tile([-most, most], (len(state.w), 1))
        if not self._is_log or name == "mean_squared_log_error" or state.goals is None:   # its gradients are linear
            return None
        low = np.where(np.isfinite(state.goals.low), state.goals.low, 1)
        return np.stack([np.log(low) - 1, np.log(np.maximum(state.goals.high, low)) + 1], axis=1)
