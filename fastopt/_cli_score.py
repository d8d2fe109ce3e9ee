"""Scores at the end of a run: the mean loss on held-out rows, and what a model that learnt nothing would score.

Used by _cli_train and _cli_predict.
"""
from __future__ import annotations

import numpy as np


def mean_loss(estimator, X, y):
    if hasattr(estimator, "classes_"):
        p = estimator.decision_function(X)
        Y = (y[:, None] == estimator.classes_) * 2 - 1 if p.ndim == 2 else (y == estimator.classes_[1]) * 2 - 1
        return float(np.mean(np.logaddexp(0, -Y * p)))
    return float(np.mean((y - estimator.predict(X)) ** 2) / 2)


def baseline(y, held_out):
    """(what to call it, score on `held_out`) of always saying the commonest class, or the mean of y."""
    if y.dtype.kind == "f":
        spread = np.mean((held_out - np.mean(held_out)) ** 2)
        return "the mean", float(1 - np.mean((held_out - y.mean()) ** 2) / spread) if spread > 0 else float("nan")
    values, counts = np.unique(y, return_counts=True)
    return "the commonest class", float(np.mean(held_out == values[np.argmax(counts)]))


def auc(estimator, X, y):
    """Area under the ROC curve of a binary classifier; nan where the rows have one class only."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, estimator.decision_function(X))) if len(np.unique(y)) == 2 else float("nan")
