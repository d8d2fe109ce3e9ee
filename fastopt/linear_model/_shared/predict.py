"""Predictions from raw predictions: classes and probabilities, or numbers.

Used by all estimators, as mixins before their base, which has `_raw`.  They must not know how a model is trained.
"""
from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin, RegressorMixin

from fastopt._estimators.data import Takes
from fastopt._estimators.docs import arguments
from fastopt._estimators.predictions import Probable as _Probable, flat, one_against_rest
from fastopt._estimators.types import Array, Features
from fastopt.losses import Loss


class Classifies(ClassifierMixin):
    """Classes from raw predictions."""

    classes_: Array
    _raw: Any
    _softmax: Any   # () -> bool: whether more than two classes share a softmax; otherwise each is learnt against the rest

    def _row_loss(self) -> Loss | None:
        """A loss of all classes together that is no softmax's; two classes have an output each, too."""
        return None

    @arguments
    def decision_function(self, X: Features) -> Array:
        """Raw predictions.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Positive: the second of two classes, or this class rather than another.
        """
        p = self._raw(X)
        if p.shape[1] == len(self.classes_) == 2:   # only their difference counts
            difference: Array = p[:, 1] - p[:, 0]
            return difference
        return flat(p)

    @arguments
    def predict(self, X: Features) -> Array:
        """Classes.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        p = self._raw(X)
        classes: Array = self.classes_[(p[:, 0] > 0).astype(np.intp) if p.shape[1] == 1 else p.argmax(axis=1)]
        return classes


class Probable(_Probable, Classifies):
    """Probabilities of classes that share a softmax, or that are learnt each against the rest."""

    def _positive(self, p: Array) -> Array:
        """(n, k) probabilities of the class of each output against the rest, from raw predictions (n, k)."""
        raise NotImplementedError

    def _probabilities(self, p: Array) -> Array:
        """(n, n_classes) probabilities of raw predictions (n, k)."""
        if p.shape[1] > 1 and self._softmax():
            shares: Array = softmax(p, axis=1)
            return shares
        loss = self._row_loss()
        if loss is not None:
            return loss._predict(p)
        return one_against_rest(self._positive(p))


class Regresses(RegressorMixin):
    """Numbers from raw predictions, by the inverse link of the loss."""

    _takes: ClassVar[Takes]
    _raw: Any
    _loss: Any

    @arguments
    def predict(self, X: Features) -> Array:
        """Predictions: means, quantiles or whatever the loss estimates.

        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        p, loss = self._raw(X), self._loss()
        if loss.target != "real" or loss.couples_outputs:
            with np.errstate(over="ignore"):
                p = loss._predict(p)
        return flat(p)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self._takes.columns
        return tags
