"""Rows that are not learnt from, and how well a network predicts them after each epoch.

Used by the epochs and the base of this room.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastopt._estimators.types import Array, RowWeights, Samples

from .measure import Measure

#: weights and intercepts of all layers
Weights = tuple[list[Array], list[Array]]
#: from raw predictions (n, k) and the weights that made them
Score = Callable[[Array, Weights], float]


def split(n: int, fraction: float, rng: np.random.RandomState, positive: Array | None) -> tuple[Array, Array]:
    """The numbers of the rows to learn from and of those held out, as scikit-learn draws them; alike in the share of `positive`."""
    from sklearn.model_selection import train_test_split  # slow to import, seldom needed

    kinds = None if positive is None else np.where(positive, "True", "False")
    rows, held = train_test_split(np.arange(n), random_state=rng, test_size=fraction, stratify=kinds)
    if len(held) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return rows, held


@dataclass
class Validation:
    """Held-out rows as the network takes them."""
    X: Samples
    y: Array
    weight: RowWeights
    measure: Measure
    score: Score | None      # None: the loss itself, less of which is better

    def __call__(self, network: Any, weights: Weights) -> tuple[float, float]:
        """Mean loss, without penalty, and score."""
        with np.errstate(all="ignore"):
            raw = network.forward(self.X)
            loss = self.measure.mean(self.y, raw, self.weight)
            return loss, -loss if self.score is None else self.score(raw, weights)
