"""Predictions as users get them.

Used by the estimators.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .docs import arguments
from .sklearn import available_where
from .types import Array, Features

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


class Probable:
    """Probabilities from raw predictions, where `_has_probabilities` does not raise AttributeError.  A mixin before a base that has `_raw`."""

    _raw: Any

    def _has_probabilities(self) -> bool:
        return True

    def _probabilities(self, p: Array) -> Array:
        """(n, n_classes) probabilities of raw predictions (n, k), which may be used up."""
        raise NotImplementedError

    @available_where(lambda self: self._has_probabilities())
    @arguments
    def predict_proba(self, X: Features) -> Array:
        """Probabilities.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._probabilities(self._raw(X))

    @available_where(lambda self: self._has_probabilities())
    @arguments
    def predict_log_proba(self, X: Features) -> Array:
        """Logarithm of `predict_proba`.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):   # −inf of a class that is ruled out
            return np.log(found, out=found)
