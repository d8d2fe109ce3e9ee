"""Cross-validation as users ask for it: the rows of each fold, scorers, and fit without metadata routing.

Used by the estimators that choose a strength.  Rows are numbered among those with a weight.  It must know no solver.
"""
from __future__ import annotations

import inspect
import warnings
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_scalar

from fastopt._estimators.data import naming
from fastopt._estimators.docs import arguments
from fastopt._estimators.sklearn import FIT_LEVELS, refuse_metadata, with_callbacks
from fastopt._estimators.types import (
    Array,
    CrossValidation,
    Features,
    Fold,
    RowWeights,
    Samples,
    SampleWeight,
    Scoring,
    StrengthGrid,
    TargetValues,
)

if TYPE_CHECKING:
    from typing import Self


def folds_of(cv: CrossValidation, X: Samples, y: Array, classifies: bool) -> list[Fold]:
    """The rows to learn from, ascending, and those to score, fold by fold: numbers of rows of X, int32.

    As in scikit-learn, a fold may name its rows by their numbers, negative ones from the end, by a mask or by a slice.
    """
    from sklearn.model_selection import check_cv  # slow to import, seldom needed

    with naming("cv"):
        pairs = [(train, test) for train, test in check_cv(cv, y, classifier=classifies).split(X, y)]
    folds = [(np.sort(_numbers(train, X.shape[0], f"cv: the rows to learn from of fold {i}")),
              _numbers(test, X.shape[0], f"cv: the rows to score of fold {i}")) for i, (train, test) in enumerate(pairs)]
    if not folds:
        raise ValueError("cv: expected at least one fold, got none")
    return folds


def _numbers(rows: Any, n: int, words: str) -> Array:
    """Row numbers from any index into n rows: numbers, a mask or a slice."""
    try:
        chosen = np.arange(n, dtype=np.int32)[rows if isinstance(rows, slice) else np.asarray(rows)]
    except (IndexError, ValueError) as error:
        if np.size(rows):
            raise ValueError(f"{words} must be numbers of {n} rows or a mask of them: {error}") from None
        chosen = np.empty(0, dtype=np.int32)
    if chosen.ndim != 1 or not chosen.size:
        raise ValueError(f"{words} must be at least one, and 1D; got shape {chosen.shape}")
    return chosen


def with_weight(folds: list[Fold], counts: Array) -> list[Fold]:
    """The folds without rows of weight 0, numbered among the rows with weight.

    Parameters
    ----------
    folds : list of (rows to learn from, rows to score)
    counts : ndarray of bool of shape (n,)
    """
    number = (np.cumsum(counts) - 1).astype(np.int32)
    found = []
    for i, fold in enumerate(folds):
        left = [number[rows[counts[rows]]] for rows in fold]
        for rows, words in zip(left, ("to learn from", "to score")):
            if not rows.size:
                raise ValueError(f"cv: the rows {words} of fold {i} all have a sample_weight of 0")
        found.append((left[0], left[1]))
    return found


def check_strengths(alphas: StrengthGrid, above: bool) -> None:
    """Raise scikit-learn's error for the first strength that is not a number or not at least 0 (above 0)."""
    if isinstance(alphas, (np.ndarray, list, tuple)) and np.ndim(alphas) == 1:
        for i, alpha in enumerate(alphas):
            check_scalar(alpha, f"alphas[{i}]", Real, min_val=0.0, include_boundaries="neither" if above else "left")


def best_of(scores: Array) -> Array:
    """The places of the best scores along the first axis; nan is ignored, with a warning."""
    if np.isnan(scores).any():
        warnings.warn(f"One or more of the test scores are non-finite: {scores}", UserWarning, stacklevel=6 + FIT_LEVELS)
    best: Array = np.argmax(np.where(np.isnan(scores), -np.inf, scores), axis=0)
    return best


def rows_of(X: Samples, rows: Array) -> Samples:
    """A copy of these rows of X, of its format and order."""
    if not isinstance(X, np.ndarray):
        return X.tocsr()[rows].asformat(X.format)
    return X.T.take(rows, axis=1).T if X.flags.f_contiguous else X[rows]


def scorer_of(scoring: Scoring, classes: Array | None = None) -> Any:
    """scikit-learn's scorer of this name, or the callable itself; `classes` are passed to metrics that take all labels."""
    from sklearn.metrics import get_scorer, make_scorer  # slow to import, seldom needed

    scorer = get_scorer(scoring)
    metric = getattr(scorer, "_score_func", None)
    takes = {} if metric is None else inspect.signature(metric).parameters
    if classes is None or "labels" not in takes:   # a fold may lack a class
        return scorer
    known = {"labels": classes, **({"pos_label": classes[-1]} if len(classes) == 2 and "pos_label" in takes else {})}
    return make_scorer(metric, greater_is_better=scorer._sign > 0, response_method=scorer._response_method,
                       **{**known, **scorer._kwargs})


def asks_for_predictions(scorer: Any) -> bool:
    """Whether the scorer is one of scikit-learn's, which use X for predictions only."""
    return hasattr(scorer, "_score_func") and hasattr(scorer, "_response_method")


def scored(scorer: Any, model: BaseEstimator, X: Samples, y: Array, weight: RowWeights) -> float:
    """The score, weighted if the scorer takes weights."""
    metric = scorer._score_func if asks_for_predictions(scorer) else scorer
    takes = [] if weight is None else inspect.signature(metric).parameters.values()
    weighted = any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD and metric is scorer for p in takes)
    return float(scorer(model, X, y, **({"sample_weight": weight} if weighted else {})))


class FitByFolds:
    """fit of the cross-validated estimators: metadata for the splitter and the scorer is refused."""

    _fit: Any

    @with_callbacks
    @arguments
    def fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None, **params: object) -> Self:
        """Learn from data.

        [arguments]
        **params
            None: nothing is routed to splitters and scorers.

        [self]

        [raises]
        """
        refuse_metadata(params, self, "fit")
        fitted: Self = self._fit(X, y, sample_weight)
        return fitted


class KnownPredictions(RegressorMixin, BaseEstimator):
    """A model with known predictions for one X; those for another are computed from its weights.

    Parameters
    ----------
    model : estimator
        It has the weights.
    X : ndarray or sparse matrix
    p : ndarray of shape (n,) or (n, k)
        The predictions of X.
    """

    def __init__(self, model: Any = None, X: Any = None, p: Any = None) -> None:
        self.model, self.X, self.p = model, X, p

    def predict(self, X: Any) -> Any:
        return self.p if X is self.X else self.model.predict(X)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not name.endswith("_"):
            raise AttributeError(name)
        return getattr(self.model, name)

    def __sklearn_is_fitted__(self) -> bool:
        return True

