"""The bases of solver-based classifiers and regressors: from y to the targets and weights of the objectives.

Used by the modules of those estimators.  They must know no penalty.
"""
from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from fastopt import losses
from fastopt._estimators.data import Takes, check_labels, check_targets, float_type, weights_of_classes
from fastopt._estimators.types import Array, Attributes, RowWeights, Samples
from fastopt.linear_model._shared.predict import Classifies, Regresses
from fastopt.losses import Loss

from .base import FittedWeights, SolvedEstimator, Task

#: what regressors take for y
ONE_COLUMN = Takes(wide=True, numeric=True, single=True)
COLUMNS = ONE_COLUMN._replace(columns=True)


def times(weight: RowWeights, others: RowWeights) -> RowWeights:
    """The product of two weights, either of which may be None for 1."""
    return others if weight is None else weight if others is None else weight * others


def class_sums(codes: Array, weight: RowWeights, k: int) -> Array:
    """The number of rows of each class, or the sum of their weights."""
    if weight is None and k == 2:
        ones = np.count_nonzero(codes)
        return np.array([len(codes) - ones, ones], dtype=np.float64)
    sums: Array = np.bincount(codes, weights=weight, minlength=k).astype(np.float64)
    return sums


def no_features(codes: Array, weight: RowWeights, k: int) -> Array:
    """The best intercepts of logistic regression without features: one for two classes, or k of a softmax."""
    counts = class_sums(codes, weight, max(2, k))
    share: Array = np.log(np.maximum(counts / counts.sum(), 1e-6))
    return share[1:] - share[:1] if k == 1 else share - share.mean()


class SolvedClassifier(Classifies, SolvedEstimator):
    """Base of the classifiers: each class is an output with targets 0 and 1; a multinomial loss takes class numbers."""

    def _softmax(self) -> bool:
        return False

    def _multinomial(self, k: int) -> bool:
        """Whether k classes are learnt together, each with an output."""
        return k > 2 and self._softmax() or k > 1 and self._row_loss() is not None

    def _label_smoothing(self) -> float:
        """That of a softmax."""
        return 0.0

    def _attributes(self, found: FittedWeights) -> Attributes:
        if self._multinomial(len(found.coef)):   # the loss does not see what all classes have in common
            found.intercept = found.intercept - found.intercept.mean()
        return super()._attributes(found)

    def _first(self, task: Task, i: int, k: int) -> Array:
        if task.loss.couples_outputs or task.loss.name == "log_loss":
            return no_features(task.targets[i], task.weights[i], k)
        return np.zeros(k)

    def _task(self, X: Samples, y: Array, weight: RowWeights) -> Task:
        classes, codes, _ = check_labels(y)
        k = len(classes)
        counts = class_sums(codes, weight, k)
        of_classes = weights_of_classes(vars(self).get("class_weight"), classes, counts)
        if of_classes is not None and not (of_classes * counts).any():
            raise ValueError("sample_weight times class_weight must not be all zero")
        of_rows = None if of_classes is None else of_classes.astype(float_type(X))[codes]
        if self._multinomial(k):
            loss = self._row_loss() or losses.Multinomial(self._label_smoothing())
            return Task([codes], [times(weight, of_rows)], loss, {"classes_": classes})
        targets = [codes] if k == 2 else [codes == i for i in range(k)]
        if self._label_smoothing():   # two classes: a log loss
            targets = [target + self._label_smoothing() * (0.5 - target) for target in targets]
        if k > 2 and of_rows is not None:   # as scikit-learn: the weight of the class against the others, which weigh 1
            weights = [times(weight, np.where(target, of_rows, 1)) for target in targets]
        else:
            weights = [times(weight, of_rows)] * len(targets)
        return Task(targets, weights, self._loss(), {"classes_": classes})


def link(loss: Loss, mean: Any) -> Any:
    """The raw prediction of a mean."""
    return mean if loss.target == "real" else np.log(mean)


def mean_of(y: Array, weight: RowWeights) -> float:
    """The weighted mean; rows of weight 0 may hold anything."""
    if weight is None:
        return float(np.add.reduce(y)) / len(y)
    rows = weight > 0
    return float(np.average(y[rows], weights=weight[rows].astype(np.float64)))


def median_of(y: Array, weight: RowWeights) -> float:
    """A weighted median: a y with at most half of the weight on either side."""
    if weight is None:
        return float(np.median(y))
    order = np.argsort(y, kind="stable")
    sums = np.cumsum(weight[order], dtype=np.float64)
    return float(y[order[np.searchsorted(sums, sums[-1] / 2)]])


class SolvedRegressor(Regresses, SolvedEstimator):
    """Base of the regressors: each column of y has an objective."""

    _takes = ONE_COLUMN

    def _loss(self) -> Loss:
        return losses.SquaredError()

    def _task(self, X: Samples, y: Array, weight: RowWeights) -> Task:
        loss = self._loss()
        y = check_targets(y, weight, X, loss)
        targets = [y] if y.ndim == 1 else y.T
        several = len(targets) > 1
        return Task(targets, [weight] * len(targets), loss, matrix=y if several else None, column=y.ndim > 1 and not several)

    def _attributes(self, found: FittedWeights) -> Attributes:
        shifted = vars(self)["fit_intercept"] or vars(self).get("standardize")
        return {**super()._attributes(found), **({} if shifted else {"intercept_": 0.0})}

    def _named(self, coef: Array, intercept: Array) -> Attributes:
        return {"coef_": coef[0], "intercept_": intercept[0]} if len(coef) == 1 else {"coef_": coef, "intercept_": intercept}

    def _from_origins(self, task: Task) -> Task:
        """Losses of y − p do not change if y and an unpenalised intercept are shifted together.

        y is centred on its mean for squared errors, else on its median: float32 then keeps its precision, and solvers start near the
        solution.
        """
        if not task.loss.of_errors or not vars(self)["fit_intercept"] or self._column() is not None:
            return task
        origin = mean_of if task.loss.name == "squared_error" else median_of
        targets = [np.asarray(y, dtype=np.float64) for y in task.targets]
        found = [origin(y, weight) for y, weight in zip(targets, task.weights)]
        origins = np.array([value if isfinite(value) else 0.0 for value in found])
        return replace(task, targets=[y - own for y, own in zip(targets, origins)], origins=origins)

    def _first(self, task: Task, i: int, k: int) -> Array:
        """With a log link, which is far from quadratic, the best intercept without features; other targets are centred already."""
        loss = task.loss
        if loss.target == "real" and (loss.name != "squared_error" or np.ndim(task.origins)):
            return np.zeros(k)
        mean = float(np.average(task.targets[i], weights=task.weights[i]))
        if not np.isfinite(mean):
            raise ValueError("y holds numbers so large that their sum overflows: scale y")
        return np.full(k, link(loss, mean)) if mean > 0 or loss.target == "real" else np.zeros(k)
