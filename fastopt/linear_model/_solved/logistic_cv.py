"""LogisticRegressionCV: logistic regression with the strength of its penalty chosen by cross-validation.

Used through linear_model.  The loop over folds and strengths is in linear_model._solved.cv.
"""
from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from fastopt._estimators.docs import arguments
from fastopt._estimators.sklearn import Events, refuse_metadata
from fastopt._estimators.types import (
    Array,
    Attributes,
    ClassWeight,
    CrossValidation,
    Features,
    Fold,
    PenaltyPair,
    RandomState,
    RowWeights,
    Samples,
    SampleWeight,
    Scoring,
    TargetValues,
)
from fastopt.exceptions import InvalidParameterError
from fastopt.objective import LinearObjective

from .base import FittedWeights, Task
from .cv import HeldOutFold, SolverOptions, over_folds, unsolved
from .docs import solved
from .folds import FitByFolds, asks_for_predictions, folds_of, rows_of, scored, scorer_of
from .logistic import L1_SHARES, WARNING_LEVEL, LogisticRegression
from .outputs import no_features
from .params import LOGISTIC_CV, penalty_of


@solved(classes=True, n_iter_type="ndarray of shape (n_folds, n_l1_ratios, n_cs)", n_iter_more=", the first look counted as one",
        scaling="Accepted for scikit-learn's sake; the intercept is not penalised.")
class LogisticRegressionCV(FitByFolds, LogisticRegression):
    """`LogisticRegression` with the C, and the l1_ratio where several are given, of the best score over folds.

    Parameters are those of `sklearn.linear_model.LogisticRegressionCV`, attributes those of its ``use_legacy_attributes=False``
    unless that is True.
    Folds and strengths share X; the last fit, to all rows, starts at the mean of the weights of the folds.

    Parameters
    ----------
    Cs : int or list of float, default=10
        How many values of C to try, from 1e-4 to 1e4, or which.
    l1_ratios : list of float or None, default=None
        Shares of l1 in the penalty to choose from; None: 0 alone, or what `penalty` says.
    penalty : {'l1', 'l2', 'elasticnet', 'deprecated'}, default='deprecated'
        The older way to say `l1_ratios`; 'elasticnet' and 'deprecated' leave it to those.
    cv : int, cross-validation generator, iterable or None, default=None
        How to split; None: five folds, alike in their classes.
    scoring : str, callable or None, default=None
        What to maximise, as in `sklearn.metrics.get_scorer`; None: the share of right classes.  A callable gets a
        `LogisticRegression` with the weights of a fold, the rows that it leaves out and their labels, and `sample_weight`
        if it takes that.
    refit : bool, default=True
        Whether to fit all rows with what was chosen; otherwise weights are the mean of the folds' best.
    use_legacy_attributes : bool, default=False
        Whether attributes have their form of scikit-learn before 1.8: `C_` and `l1_ratio_` an array of one number a class,
        `scores_` and `coefs_paths_` a dictionary by class of arrays (n_folds, n_cs, n_l1_ratios, …), `n_iter_` an array
        (1, n_folds, n_cs, n_l1_ratios), without the axis of shares where `l1_ratios` is None.
    [parameters]

    [attributes]
    C_, l1_ratio_ : float
        What was chosen.
    Cs_, l1_ratios_ : ndarray
        What was tried.
    scores_ : ndarray of shape (n_folds, n_l1_ratios, n_cs)
        The scores.
    coefs_paths_ : ndarray of shape (n_folds, n_l1_ratios, n_cs, n_classes or 1, n_features or n_features + 1)
        Weights, and intercepts behind them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastopt.linear_model import LogisticRegressionCV
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegressionCV(Cs=5).fit(X, y)
    >>> model.scores_.shape, model.score(X, y) > 0.95
    ((5, 1, 5), True)
    """

    _rules = LOGISTIC_CV
    _convention = "chosen C"
    C_: float
    l1_ratio_: float
    _w0: Array   # where the last fit starts

    def __init__(self, *, Cs: int | ArrayLike = 10, l1_ratios: ArrayLike | None = None, fit_intercept: bool = True,
                 cv: CrossValidation = None, dual: bool = False, penalty: str = "deprecated", scoring: Scoring = None,
                 solver: str = "auto", tol: float = 1e-4, max_iter: int = 100, class_weight: ClassWeight = None,
                 n_jobs: int | None = None, verbose: int = 0, refit: bool = True, intercept_scaling: float = 1.0,
                 random_state: RandomState = None, use_legacy_attributes: bool = False) -> None:
        self._keep(locals())

    @arguments
    def score(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None, **params: object) -> float:
        """The score of `scoring`.

        [arguments]
        **params
            None: nothing is routed to scorers.

        Returns
        -------
        float
        """
        refuse_metadata(params, self, "score")
        check_is_fitted(self)
        return float(scorer_of(self.scoring or "accuracy")(self, X, y, **({} if sample_weight is None else
                                                                         {"sample_weight": sample_weight})))

    # ---- hooks of the base ----

    def _check(self) -> None:
        super(LogisticRegression, self)._check()
        if self.penalty == "elasticnet" and self.l1_ratios is None:
            raise InvalidParameterError("l1_ratios must be an array-like of numbers between 0 and 1; got (l1_ratios=None)")
        if self.penalty in L1_SHARES and self.l1_ratios is not None:
            warnings.warn(f"l1_ratios parameter is only used when penalty is 'elasticnet'. Got (penalty={self.penalty})",
                          stacklevel=WARNING_LEVEL)
        for share in self._ratios():
            self._check_solver(share)

    def _ratios(self) -> list[float]:
        if self.l1_ratios is None or self.penalty in L1_SHARES:
            return [L1_SHARES.get(self.penalty, 0.0)]
        return [float(ratio) for ratio in self.l1_ratios]

    def _share(self) -> float:
        return self.l1_ratio_

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(strength, self.l1_ratio_)

    def _column(self) -> float | None:
        return None

    def _folds(self, X: Samples, y: Array) -> list[Fold]:
        return folds_of(self.cv, X, y, True)

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        classes, codes, weight = task.attributes["classes_"], task.targets[0], task.weights[0]
        objective = self._objective(X, task, 0, 0.0, None)
        Cs = np.logspace(-4, 4, int(self.Cs)) if np.ndim(self.Cs) == 0 else np.asarray(self.Cs, dtype=np.float64)
        order, ratios = np.argsort(Cs, kind="stable"), self._ratios()
        folds = task.folds
        scorer = _Scores(self, X, classes, codes, weight)
        scorer.grid = [[(float(Cs[j]), ratio) for j in order] for ratio in ratios]

        def grids(train: Array) -> list[list[PenaltyPair]]:
            total = float(len(train)) if weight is None else float(weight[train].sum(dtype=np.float64))
            return [[penalty_of(1 / (Cs[i] * total), ratio) for i in order] for ratio in ratios]

        k, d = objective.n_outputs, objective.n_features

        def start(train: Array) -> Array:
            first = no_features(codes[train], None if weight is None else weight[train], k)
            return np.append(np.zeros(k * d), first) if self.fit_intercept else np.zeros(k * d)

        scores, solutions = over_folds(objective, folds, grids, lambda held: [scorer(one) for one in held], start,
                                       SolverOptions(self._solver_name(), float(self.tol), self._max_iter(), self.random_state))
        back = np.argsort(order, kind="stable")
        self.scores_ = np.asarray(scores)[:, :, back]
        flat = np.asarray([[[centred(solution.w, k, d) for solution in path] for path in fold] for fold in solutions])[:, :, back]
        self.n_iter_ = np.asarray([[[max(1, solution.n_iter) for solution in path] for path in fold] for fold in solutions])[:, :, back]
        shape = (*flat.shape[:3], k, -1)
        intercepts = flat[..., k * d:].reshape((*shape[:4], -1))
        self.coefs_paths_ = np.concatenate([flat[..., :k * d].reshape(shape), intercepts], axis=4)
        self.Cs_, self.l1_ratios_ = Cs, np.asarray(ratios)
        found = self._chosen(X, task, flat, k, d)
        found.solutions += unsolved(solutions)
        if self.use_legacy_attributes:
            self.__dict__.update(legacy_attributes(vars(self), classes, self.l1_ratios is not None))
        return found

    def _chosen(self, X: Samples, task: Task, flat: Array, k: int, d: int) -> FittedWeights:
        """The model of the best C and l1_ratio."""
        if not self.refit:
            best = [np.unravel_index(np.argmax(fold), fold.shape) for fold in self.scores_]
            self.l1_ratio_ = float(np.mean([self.l1_ratios_[i] for i, _ in best]))
            self.C_ = float(np.mean([self.Cs_[j] for _, j in best]))
            w = np.mean([flat[(fold, *at)] for fold, at in enumerate(best)], axis=0)
            return FittedWeights(w[:k * d].reshape(k, d), w[k * d:] if self.fit_intercept else np.zeros(k), [])
        i, j = np.unravel_index(np.argmax(self.scores_.sum(axis=0)), self.scores_.shape[1:])
        self.l1_ratio_, self.C_ = float(self.l1_ratios_[i]), float(self.Cs_[j])
        self._w0 = flat[:, i, j].mean(axis=0)
        try:
            return super()._solve(X, task, Events.silent())
        finally:
            del self._w0

    def _start(self, objective: LinearObjective, task: Task, i: int, column: float | None) -> Array:
        return self._w0

    def _attributes(self, found: FittedWeights) -> Attributes:
        return self._named(found.coef, found.intercept - (found.intercept.mean() if len(found.coef) > 1 else 0))


def centred(w: Array, k: int, d: int) -> Array:
    """Weights with the mean of the intercepts removed, on which a softmax does not depend."""
    return w if k == 1 else np.append(w[:k * d], w[k * d:] - w[k * d:].mean() if len(w) > k * d else [])


def legacy_attributes(found: Mapping[str, Any], classes: Array, ratios: bool) -> Attributes:
    """C_, l1_ratio_, scores_, coefs_paths_ and n_iter_ as scikit-learn had them before 1.8: dictionaries by class, and arrays with
    axes in another order.

    Parameters
    ----------
    found : dict
        Those attributes in their form of today.
    classes : ndarray
    ratios : bool
        Whether shares of l1 were given: otherwise there is no axis for them.
    """
    labels = classes[1:] if len(classes) == 2 else classes

    def axes(array: np.ndarray) -> np.ndarray:
        return np.swapaxes(array, 1, 2) if ratios else array[:, 0]   # (folds, Cs, ratios, …)

    scores = axes(found["scores_"])
    paths = [axes(found["coefs_paths_"][..., j, :]) for j in range(len(labels))]
    return {"scores_": dict.fromkeys(labels, scores), "coefs_paths_": dict(zip(labels, paths)),
            "n_iter_": axes(found["n_iter_"])[None], **{name: np.full(len(labels), found[name]) for name in ("C_", "l1_ratio_")}}


class _Scores:
    """The score of a held-out fold, from raw predictions or by a scorer.

    Attributes
    ----------
    grid : list of list of (C, l1_ratio)
        What the numbers of strengths mean.
    """

    grid: list[list[tuple[float, float]]]

    def __init__(self, model: LogisticRegressionCV, X: Samples, classes: Array, codes: Array, weight: RowWeights) -> None:
        self.model, self.X, self.classes, self.codes, self.weight = model, X, classes, codes, weight
        self.scorer = None if model.scoring in (None, "accuracy") else scorer_of(model.scoring, classes)
        self._last: tuple[Any, Any] = (None, None)

    def __call__(self, held: HeldOutFold) -> float:
        p, rows = held.p, held.rows
        weight, codes = None if self.weight is None else self.weight[rows], self.codes[rows]
        if self.scorer is None:   # as accuracy_score has it, which takes longer than the fit of a small fold
            found = p[:, 0] > 0 if p.shape[1] == 1 else p.argmax(axis=1)
            return float(np.average(found == codes, weights=weight))
        if asks_for_predictions(self.scorer):
            return scored(self.scorer, _KnownRawPredictions(self.classes, p), np.empty((len(rows), 1)), self.classes[codes], weight)
        if self._last[0] is not rows:
            self._last = rows, rows_of(self.X, rows)
        return scored(self.scorer, self._fold_model(held), self._last[1], self.classes[codes], weight)

    def _fold_model(self, held: HeldOutFold) -> LogisticRegression:
        """The model of a fold."""
        own, k, d = self.model, held.p.shape[1], self.X.shape[1]
        C, ratio = self.grid[held.grid][held.strength]
        model = LogisticRegression(C=C, l1_ratio=ratio, tol=own.tol, fit_intercept=own.fit_intercept, max_iter=own.max_iter,
                                   class_weight=own.class_weight, n_jobs=own.n_jobs)
        w = held.solution.w.astype(held.p.dtype)
        intercept = w[k * d:] if own.fit_intercept else np.zeros(k, w.dtype)
        model.classes_, model.n_features_in_ = self.classes, d
        model.coef_, model.intercept_ = w[:k * d].reshape(k, d), intercept - (intercept.mean() if k > 1 else 0)
        model.n_iter_ = np.array([held.solution.n_iter], dtype=np.int32)
        return model


class _KnownRawPredictions(LogisticRegression):
    """A model with known raw predictions."""

    def __init__(self, classes: Array, p: Array) -> None:
        self.classes_, self.p, self.solver = classes, p, "auto"

    def _raw(self, X: Features) -> Array:
        return self.p

    def __sklearn_is_fitted__(self) -> bool:
        return True
