"""The scores of a model on rows with a known target, and those of a baseline.

Used by _cli.train, of the model that it has saved and read back, and by _cli.predict: the same figures by the same code,
scikit-learn's metrics.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fastopt._data.columns import MISSING, UNSEEN
from fastopt._data.target import Target
from fastopt._data.types import Cells, Matrix, Table
from fastopt._models.load import Model

from .model import AnyEstimator

Predicted = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]

ROWS_LOOKED_AT = 1 << 16    # rows by which a divergence is told
DIVERGED_RATIO = 10.0           # times the loss of predicting 0: what ended above that has not learnt but diverged


@dataclass
class Scored:
    """Figures by name, the most important first, and how many rows they are of."""

    figures: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    notes: list[str] = field(default_factory=list)


def scores(target: Target, cells: Cells, predicted: np.ndarray, proba: np.ndarray | None = None,
           margin: np.ndarray | None = None) -> Scored:
    """The figures of predictions against the target of the same rows.

    Parameters
    ----------
    target : Target
    cells : array-like or Arrow array of shape (n,)
        As a file has them.
    predicted : ndarray of shape (n,)
    proba : ndarray of shape (n, n_classes), optional
    margin : ndarray of shape (n,), optional
        Decision function of two classes.

    Raises
    ------
    ValueError
        If a cell of a number's column is none.
    """
    if target.task == "regression":
        return _of_numbers(target.numbers(cells), predicted)
    return _of_classes(target, cells, predicted, proba, margin)


def _of_numbers(y: np.ndarray, predicted: np.ndarray) -> Scored:
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    known = np.isfinite(y)
    out = Scored(rows=int(known.sum()), notes=_missing(len(y) - int(known.sum())))
    y, p = y[known], predicted[known].astype(np.float64)
    if len(y):
        spread = len(y) > 1 and y.min() < y.max()
        out.figures = {"R²": float(r2_score(y, p)) if spread else float("nan"),
                       "RMSE": float(np.sqrt(mean_squared_error(y, p))), "MAE": float(mean_absolute_error(y, p))}
    return out


def _of_classes(target: Target, cells: Cells, predicted: np.ndarray, proba: np.ndarray | None, margin: np.ndarray | None) -> Scored:
    from sklearn.metrics import log_loss, roc_auc_score

    codes = target.codes(cells)
    known, learnt = codes != MISSING, codes >= 0
    out = Scored(rows=int(known.sum()), notes=_missing(len(codes) - int(known.sum())))
    if not learnt.any():
        if known.any():
            out.notes.append(f"no label of the target, such as {_first(cells, codes)!r}, is a class that was learnt: "
                             f"{', '.join(map(repr, target.labels[:5]))}")
        return out
    if (codes == UNSEEN).any():
        out.notes.append(f"{int((codes == UNSEEN).sum()):,} rows have a label that was not in the training file, such as "
                         f"{_first(cells, codes)!r}; they count as wrong, and not for losses")
    out.figures["accuracy"] = float(np.mean((target.codes(predicted) == codes)[known]))
    if proba is not None:
        out.figures["log loss"] = float(log_loss(codes[learnt], proba[learnt], labels=np.arange(len(target.labels))))
    if margin is not None and len(np.unique(codes[learnt])) == 2:
        out.figures["area under the ROC curve"] = float(roc_auc_score(codes[learnt], margin[learnt]))
    return out


def _missing(count: int) -> list[str]:
    have, are = ("s have", "are") if count > 1 else (" has", "is")
    return [f"{count:,} row{have} no target and {are} not scored"] if count else []


def _first(cells: Cells, codes: np.ndarray) -> str:
    from fastopt._data.cells import as_arrow

    return str(as_arrow(cells)[int(np.argmax(codes == UNSEEN))].as_py())


def outputs(model: Model, X: Table) -> Predicted:
    """(predictions, probabilities or None, decision function of two classes or None)."""
    proba = model.predict_proba(X) if hasattr(model, "predict_proba") else None
    margin = model.decision_function(X) if hasattr(model, "decision_function") else None
    return model.predict(X), proba, margin if margin is not None and margin.ndim == 1 else None


def mean_loss(estimator: AnyEstimator, X: Matrix, y: np.ndarray, weights: float = 1.0) -> float:
    """Mean loss over rows and outputs, the penalty left out: what `loss_curve_` is of the rows that were learnt from.

    Parameters
    ----------
    estimator : SGDClassifier or SGDRegressor, of fastopt or of scikit-learn
    X, y : rows and their targets
    weights : float
        Times which the model's weights are taken; 0: of a model that predicts 0.
    """
    from fastopt.linear_model._shared.params import resolve_loss

    loss = resolve_loss(type(estimator).__name__, estimator.loss, estimator.epsilon)
    coef = np.atleast_2d(estimator.coef_)
    p = np.asarray(X @ coef.T + estimator.intercept_) if weights else np.zeros((X.shape[0], len(coef)))
    if not hasattr(estimator, "classes_"):
        return loss.value(y.astype(p.dtype), p[:, 0])
    named = estimator.classes_[1:] if len(coef) == 1 else estimator.classes_
    member = (y[:, None] == named).astype(p.dtype)
    if loss.couples_outputs:
        return loss.value(member.argmax(axis=1), p)
    return loss.value(member if loss.target in ("sign", "unit") else 2 * member - 1, p)


def baseline(y: np.ndarray, held_out: np.ndarray) -> tuple[str, float]:
    """(what to call it, score on `held_out`) of always saying the commonest class, or the mean of y."""
    if y.dtype.kind == "f":
        spread = np.mean((held_out - np.mean(held_out)) ** 2)
        return "the mean", float(1 - np.mean((held_out - y.mean()) ** 2) / spread) if spread > 0 else float("nan")
    values, counts = np.unique(y, return_counts=True)
    return "the commonest class", float(np.mean(held_out == values[np.argmax(counts)]))


def divergence(estimator: AnyEstimator, X: Matrix, y: np.ndarray, last: float) -> str:
    """A message if training has diverged: the loss is far above that of predicting 0, and the score below that of a constant."""
    nothing = float(mean_loss(estimator, X[:ROWS_LOOKED_AT], y[:ROWS_LOOKED_AT], 0.0))
    if not nothing > 0 or not last > DIVERGED_RATIO * nothing:
        return ""
    if hasattr(estimator, "classes_") and estimator.score(X[:ROWS_LOOKED_AT], y[:ROWS_LOOKED_AT]) >= baseline(y, y[:ROWS_LOOKED_AT])[1]:
        return ""
    return f"training diverged: the loss ended at {last:.3g}, and predicting 0 has {nothing:.3g}"

