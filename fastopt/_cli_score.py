"""Scores at the end of a run: the mean loss on held-out rows, and what a model that learnt nothing would score.

Used by _cli_train and _cli_predict.
"""
from __future__ import annotations

import numpy as np


def mean_loss(estimator, X, y):
    """Mean loss over rows and outputs, the penalty left out: what `loss_curve_` is of the rows that were learnt from.

    Parameters
    ----------
    estimator : SGDClassifier or SGDRegressor, of fastopt or of scikit-learn
    X, y : rows and their targets
    """
    from ._linear_params import resolve_loss

    loss = resolve_loss(type(estimator).__name__, estimator.loss, estimator.epsilon)
    coef = np.atleast_2d(estimator.coef_)
    p = np.asarray(X @ coef.T + estimator.intercept_)
    if not hasattr(estimator, "classes_"):
        return loss.value(y.astype(p.dtype), p[:, 0])
    named = estimator.classes_[1:] if len(coef) == 1 else estimator.classes_
    member = (y[:, None] == named).astype(p.dtype)
    return loss.value(member if loss.target in ("sign", "unit") else 2 * member - 1, p)


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
