"""What classifiers and regressors that a solver finishes make of y: classes with their weights, and columns of numbers.

Used by the modules of those estimators, as bases.  Knows no penalty.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin

from fastopt import losses
from fastopt.linear_model._shared.classes import Classifies, weights_of_classes
from fastopt.linear_model._shared.data import check_X_y, encode, find_classes, float_type, real_targets, unweighted_hidden
from fastopt.linear_model._shared.docs import arguments
from fastopt.losses import Loss

from .base import Found, SolvedEstimator, Task


def times(weight: Any, others: Any) -> Any:
    """Products of weights, of which None stands for 1."""
    return others if weight is None else weight if others is None else weight * others


def class_sums(codes: Any, weight: Any, k: int) -> Any:
    """How many rows each class has, or the sums of their weights."""
    if weight is None and k == 2:
        ones = np.count_nonzero(codes)
        return np.array([len(codes) - ones, ones], dtype=np.float64)
    return np.bincount(codes, weights=weight, minlength=k).astype(np.float64)


def no_features(codes: Any, weight: Any, k: int) -> Any:
    """The best intercepts of logistic regression if no feature counts: one of two classes, or k of a softmax."""
    counts = class_sums(codes, weight, max(2, k))
    share = np.log(np.maximum(counts / counts.sum(), 1e-6))
    return share[1:] - share[:1] if k == 1 else share - share.mean()


class SolvedClassifier(Classifies, SolvedEstimator):
    """Classes as targets 0 and 1 of one output each, or, of a multinomial loss, as class numbers of one objective."""

    def _read(self, X: Any, y: Any) -> tuple[Any, Any]:
        return check_X_y(self, X, y, True, wide=True)

    def _multinomial(self, k: int) -> bool:
        """Whether the classes are learnt as one softmax rather than one against the rest."""
        return False

    def _classification_loss(self) -> Loss:
        raise NotImplementedError

    def _attributes(self, found: Found) -> dict[str, Any]:
        if self._multinomial(len(found.coef)):   # the softmax does not see what all classes have in common
            found.intercept = found.intercept - found.intercept.mean()
        return super()._attributes(found)

    def _first(self, task: Task, i: int, k: int) -> Any:
        if task.loss.couples_outputs or task.loss.name == "log_loss":
            return no_features(task.targets[i], task.weights[i], k)
        return np.zeros(k)

    def _task(self, X: Any, y: Any, weight: Any) -> Task:
        classes = find_classes(y)
        k = len(classes)
        if k < 2:
            raise ValueError(f"y: The number of classes has to be greater than one; got {k} class: this solver needs samples of "
                             "at least 2 classes")
        codes, _ = encode(y, classes)
        counts = class_sums(codes, weight, k)
        of_classes = weights_of_classes(vars(self).get("class_weight"), classes, counts)
        if of_classes is not None and not (of_classes * counts).any():
            raise ValueError("sample_weight times class_weight must not be all zero")
        of_rows = None if of_classes is None else of_classes.astype(float_type(X))[codes]
        if self._multinomial(k):
            return Task([codes], [times(weight, of_rows)], losses.Multinomial(), {"classes_": classes})
        targets = [codes] if k == 2 else [codes == i for i in range(k)]
        if k > 2 and of_rows is not None:   # as scikit-learn: the weight of the class against the others, which weigh 1
            weights = [times(weight, np.where(target, of_rows, 1)) for target in targets]
        else:
            weights = [times(weight, of_rows)] * len(targets)
        return Task(targets, weights, self._classification_loss(), {"classes_": classes})


def link(loss: Loss, mean: Any) -> Any:
    """The raw prediction of a mean."""
    return mean if loss.target == "real" else np.log(mean)


def mean_of(y: Any, weight: Any) -> float:
    """The weighted mean; rows of weight 0 may hold anything."""
    if weight is None:
        return float(y.mean())
    rows = weight > 0
    return float(np.average(y[rows], weights=weight[rows].astype(np.float64)))


def median_of(y: Any, weight: Any) -> float:
    """A weighted median: a y with at most half of the weight on either side."""
    if weight is None:
        return float(np.median(y))
    order = np.argsort(y, kind="stable")
    sums = np.cumsum(weight[order], dtype=np.float64)
    return float(y[order[np.searchsorted(sums, sums[-1] / 2)]])


class SolvedRegressor(RegressorMixin, SolvedEstimator):   # type: ignore[misc]
    """One column of y, or several, each with an objective of its own."""

    _columns: ClassVar[bool] = False

    def _read(self, X: Any, y: Any) -> tuple[Any, Any]:
        return check_X_y(self, X, y, True, columns=self._columns, numeric=True, wide=True, single=True)

    def _regression_loss(self) -> Loss:
        return losses.SquaredError()

    def _task(self, X: Any, y: Any, weight: Any) -> Task:
        loss = self._regression_loss()
        y = unweighted_hidden(y, weight)
        if not (loss.target == "real" and y.dtype == float_type(X)):   # else it has been looked at, and fits
            y = real_targets(y, float_type(X), loss)
        targets = [y] if y.ndim == 1 else y.T
        several = len(targets) > 1
        return Task(targets, [weight] * len(targets), loss, matrix=y if several else None, column=y.ndim > 1 and not several)

    def _attributes(self, found: Found) -> dict[str, Any]:
        shifted = vars(self)["fit_intercept"] or vars(self).get("standardize")
        return {**super()._attributes(found), **({} if shifted else {"intercept_": 0.0})}

    def _named(self, coef: Any, intercept: Any) -> dict[str, Any]:
        return {"coef_": coef[0], "intercept_": intercept[0]} if len(coef) == 1 else {"coef_": coef, "intercept_": intercept}

    def _from_origins(self, task: Task) -> Task:
        """Losses of y − p see no origin, where an intercept is free to make up for it: y counts from its mean, where squares are
        summed, else from its median.  In float32 it keeps its digits so, and solvers start near."""
        if task.loss.target != "real" or not vars(self)["fit_intercept"] or self._column() is not None:
            return task
        origin = mean_of if task.loss.name == "squared_error" else median_of
        targets = [np.asarray(y, dtype=np.float64) for y in task.targets]
        origins = np.array([origin(y, weight) for y, weight in zip(targets, task.weights)])
        origins[~np.isfinite(origins)] = 0.0
        return replace(task, targets=[y - own for y, own in zip(targets, origins)], origins=origins)

    def _first(self, task: Task, i: int, k: int) -> Any:
        """With a log link, which is far from quadratic, the best intercept if no feature counts; other targets count from there."""
        loss = task.loss
        if loss.target == "real" and (loss.name != "squared_error" or np.ndim(task.origins)):
            return np.zeros(k)
        mean = float(np.average(task.targets[i], weights=task.weights[i]))
        if not np.isfinite(mean):
            raise ValueError("y holds numbers so large that their sum overflows: scale y")
        return np.full(k, link(loss, mean)) if mean > 0 or loss.target == "real" else np.zeros(k)

    @arguments
    def predict(self, X: Any) -> Any:
        """Predictions: means, quantiles or whatever the loss estimates.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        p = self._raw(X)
        loss = self._regression_loss()
        if loss.target != "real":
            with np.errstate(over="ignore"):
                p = loss._predict(p)
        return p.ravel() if p.shape[1] == 1 else p

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self._columns
        return tags
