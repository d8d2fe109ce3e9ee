"""Predictions as users get them.

Used by the estimators.
"""
from __future__ import annotations

import numpy as np

from .types import Array

#: losses whose predictions are no log-odds: they weight samples by how well these are predicted
IMPROPER = ("focal", "poly")


def flat(p: Array) -> Array:
    """Predictions (n, k) as users get them: (n,) for a single output."""
    return p.ravel() if p.shape[1] == 1 else p


def one_against_rest(positive: Array) -> Array:
    """(n, n_classes) probabilities from those (n, k) of the outputs, normalised to a sum of 1; two classes have one output."""
    if positive.shape[1] == 1:
        return np.hstack([1 - positive, positive])
    total = positive.sum(axis=1, keepdims=True)
    positive[total[:, 0] == 0] = 1   # all classes ruled out: all alike
    total[total == 0] = positive.shape[1]
    shares: Array = positive / total
    return shares
