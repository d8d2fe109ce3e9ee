"""Metrics by Keras's names: numbers that models are told by beside their loss.

Used by the model of this room.  All are of predictions, after the last activation, and of rows that weigh the same, as in Keras.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._common.rules import choice, refuse
from fastopt._estimators.scores import r2

from .heads import Head

Array = NDArray[Any]
#: of the targets as given and the predictions, both (n, k), and the head
Metric = Callable[[Array, Array, Head], float]


def _accuracy(y: Array, p: Array, head: Head) -> float:
    if p.shape[1] == 1:
        return float(np.mean((p > _middle(head)) == (y > 0.5)))
    if y.shape[1] == 1:
        return float(np.mean(p.argmax(axis=1) == y[:, 0]))
    if head.loss.couples_outputs:
        return float(np.mean(p.argmax(axis=1) == y.argmax(axis=1)))
    return float(np.mean((p > _middle(head)) == (y > 0.5)))


def _middle(head: Head) -> float:
    """Where predictions of two classes part: 1/2 of probabilities, 0 of scores."""
    return 0.0 if head.loss.target in ("sign", "unit") and not head.fused and head.activation != "logistic" else 0.5


def _per_class(y: Array, p: Array, head: Head) -> float:
    labels = y[:, 0] if y.shape[1] == 1 and p.shape[1] > 1 else y.argmax(axis=1)
    return float(np.mean(p.argmax(axis=1) == labels))


def _binary(y: Array, p: Array, head: Head) -> float:
    return float(np.mean((p > _middle(head)) == (y > 0.5)))


def _precision(y: Array, p: Array, head: Head) -> float:
    from sklearn.metrics import precision_score  # slow to import, seldom needed: so are all of it here

    return float(precision_score((y > 0.5).ravel(), (p > _middle(head)).ravel(), zero_division=0))


def _recall(y: Array, p: Array, head: Head) -> float:
    from sklearn.metrics import recall_score

    return float(recall_score((y > 0.5).ravel(), (p > _middle(head)).ravel(), zero_division=0))


def _auc(y: Array, p: Array, head: Head) -> float:
    from sklearn.metrics import roc_auc_score

    right = (y > 0.5).ravel()
    return float(roc_auc_score(right, p.ravel())) if right.any() and not right.all() else float("nan")


def _r2(y: Array, p: Array, head: Head) -> float:
    return r2(y, None)(p)


METRICS: dict[str, Metric] = {
    "accuracy": _accuracy, "binary_accuracy": _binary, "categorical_accuracy": _per_class, "sparse_categorical_accuracy": _per_class,
    "mean_squared_error": lambda y, p, head: float(np.mean((y - p) ** 2)),
    "root_mean_squared_error": lambda y, p, head: float(np.sqrt(np.mean((y - p) ** 2))),
    "mean_absolute_error": lambda y, p, head: float(np.mean(np.abs(y - p))),
    "mean_absolute_percentage_error": lambda y, p, head: float(100 * np.mean(np.abs(y - p) / np.maximum(np.abs(y), 1e-7))),
    "r2_score": _r2, "precision": _precision, "recall": _recall, "auc": _auc,
}
_ALIASES = {"acc": "accuracy", "mse": "mean_squared_error", "rmse": "root_mean_squared_error", "mae": "mean_absolute_error",
            "mape": "mean_absolute_percentage_error"}
_NAME = choice(*METRICS, *_ALIASES)


def _of_user(function: Callable[[Array, Array], float]) -> Metric:
    return lambda y, p, head: float(function(y, p))


def metrics_named(metrics: Sequence[Any] | str | None) -> dict[str, Metric]:
    """The metrics by the names that they are told by."""
    if metrics is None:
        return {}
    if isinstance(metrics, str) or callable(metrics):
        metrics = [metrics]
    found: dict[str, Metric] = {}
    for metric in metrics:
        if callable(metric):
            found[getattr(metric, "__name__", type(metric).__name__)] = _of_user(metric)
        elif isinstance(metric, str):
            name = metric.lower()
            _NAME.check("metrics", name)
            found[name] = METRICS[_ALIASES.get(name, name)]
        else:
            refuse("metrics", "a list of names, such as 'accuracy' or 'mae', or of functions of y and predictions", metric)
    if "loss" in found:
        refuse("metrics", "without one of the name 'loss'", metrics)
    return found


def measured(metrics: dict[str, Metric], y: Array, p: Array, head: Head) -> dict[str, float]:
    """Their values; y as the engine takes it."""
    y = (y if y.ndim == 2 else y[:, None]).astype(np.float64)
    p = p.astype(np.float64)
    return {name: metric(y, p, head) for name, metric in metrics.items()}
