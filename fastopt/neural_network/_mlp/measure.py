"""The numbers that losses and predictions are told by: scikit-learn's mean losses, accuracy and R².

Used by this room.  Knows neither networks nor estimators.
"""
from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from fastopt._estimators.types import Array, RowWeights
from fastopt.losses import Loss
from fastopt.neural_network._engine import sum_over_batches


class Measure:
    """How the mean of a loss is told: scikit-learn's squared error is the mean over outputs too, of which the gradient is that of their sum, and
    its Poisson deviance counts what y alone says.

    Parameters
    ----------
    loss : Loss
    y : ndarray of shape (n,) or (n, k)
        As the network takes it.
    """

    def __init__(self, loss: Loss, y: Array) -> None:
        self.loss = loss
        self.scale = 1 / y.shape[1] if loss.name == "squared_error" else 1.0
        self.constants = (xlogy(y, y) - y).sum(axis=1, dtype=np.float64) if loss.name == "poisson" else None

    def of(self, y: Array) -> Measure:
        """The same of other rows."""
        return Measure(self.loss, y)

    def offset(self, order: Array, batch_size: int, weight: RowWeights) -> float:
        """What the constants add to the sum over batches of mean loss times rows."""
        if self.constants is None:
            return 0.0
        return sum_over_batches(self.constants, order, batch_size, weight)

    def mean(self, y: Array, raw: Array, weight: RowWeights) -> float:
        """The mean loss of raw predictions of these rows, without penalty; nan where these are not finite."""
        if not np.isfinite(raw).all():
            return float("nan")
        each = self.loss.value(y, raw, None if weight is None else _spread(weight, y), reduction="none").astype(np.float64)
        total = float(each.sum()) / (len(raw) if weight is None else float(weight.sum(dtype=np.float64)))
        return total * self.scale + (0.0 if self.constants is None else float(np.average(self.constants, weights=weight)))


def _spread(weight: Array, y: Array) -> Array:
    """Weights of rows for each number of y."""
    return weight if y.ndim == 1 else np.repeat(weight[:, None], y.shape[1], axis=1)


def accuracy(codes: Array, predicted: Array, weight: RowWeights) -> float:
    """The share of rows whose classes are all right."""
    right = codes == predicted
    return float(np.average(right.all(axis=1) if right.ndim == 2 else right, weights=weight))
