"""What linear classifiers have in common, however they learn: class weights, scores, classes and probabilities.

Used by the classifiers, as mixins beside their base, which gives `_raw`, raw predictions.  Knows no training.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_class_weight

from .data import naming
from .docs import arguments
from .sklearn import available_where


def weights_of_classes(class_weight: Any, classes: Any, counts: Any) -> Any:
    """(n_classes,) weights; 'balanced' ones by the classes' `counts`, which may be sums of sample weights."""
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        weights = np.divide(counts.sum() / len(classes), counts, out=np.zeros(len(classes)), where=counts > 0)
    else:
        with naming("class_weight"):
            weights = compute_class_weight(class_weight, classes=classes, y=classes)
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise ValueError(f"class_weight must hold finite numbers of at least 0, got {class_weight!r}")
    return weights


class Classifies(ClassifierMixin):   # type: ignore[misc]
    """Scores and classes."""

    classes_: Any
    _raw: Any

    @arguments
    def decision_function(self, X: Any) -> Any:
        """Raw predictions.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Positive: the second of two classes, or this class rather than another.
        """
        p = self._raw(X)
        return p.ravel() if p.shape[1] == 1 else p

    @arguments
    def predict(self, X: Any) -> Any:
        """Classes.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        p = self._raw(X)
        return self.classes_[(p[:, 0] > 0).astype(np.intp) if p.shape[1] == 1 else p.argmax(axis=1)]


class Probable(Classifies):
    """Probabilities, where `_has_probabilities` does not raise AttributeError."""

    def _has_probabilities(self) -> bool:
        return True

    def _probabilities(self, p: Any) -> Any:
        """(n, n_classes) of raw predictions (n, k)."""
        raise NotImplementedError

    @available_where(lambda self: self._has_probabilities())
    @arguments
    def predict_proba(self, X: Any) -> Any:
        """Probabilities.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._probabilities(self._raw(X))

    @available_where(lambda self: self._has_probabilities())
    @arguments
    def predict_log_proba(self, X: Any) -> Any:
        """Logarithm of `predict_proba`.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return np.log(self.predict_proba(X))


def binary(positive: Any) -> Any:
    """(n, 2) probabilities of both classes from those (n, 1) of the second."""
    return np.hstack([1 - positive, positive])


def one_against_rest(positive: Any) -> Any:
    """(n, n_classes) probabilities from those (n, k) of each output, normalised to a sum of 1."""
    if positive.shape[1] == 1:
        return binary(positive)
    total = positive.sum(axis=1, keepdims=True)
    positive[total[:, 0] == 0] = 1   # all classes ruled out: all alike
    total[total == 0] = positive.shape[1]
    return positive / total
