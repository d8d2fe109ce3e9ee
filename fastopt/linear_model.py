"""Linear models trained by stochastic gradient descent, in scikit-learn's place: the public names.

The estimators are in _linear_classifier, _linear_regressor and _linear_one_class; how they train is in _linear_base.
"""
from __future__ import annotations

from fastopt._linear_classifier import SGDClassifier
from fastopt._linear_one_class import SGDOneClassSVM
from fastopt._linear_regressor import SGDRegressor

__all__ = ["SGDClassifier", "SGDOneClassSVM", "SGDRegressor"]
