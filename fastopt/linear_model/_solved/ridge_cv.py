"""RidgeCV: alpha chosen by leaving out one row at a time, or by folds, with one decomposition for all strengths.

Used through linear_model.  Folds share sums of products: those of all rows minus those of the fold.  The rows of a fold are
copied while they are read.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.rules import refuse
from fastopt._estimators.sklearn import Events
from fastopt._estimators.types import Array, Attributes, CrossValidation, Fold, RowWeights, Samples, Scoring
from fastopt._solvers.paths.folds import apart

from .base import FittedWeights, Task
from .docs import solved
from .folds import FitByFolds, KnownPredictions, asks_for_predictions, best_of, check_strengths, folds_of, scored, scorer_of
from .outputs import COLUMNS, SolvedRegressor
from .params import RIDGE_CV
from .ridge import Ridge
from .ridge_sums import Products, RowBlocks, RowSpectrum, Spectrum, offsets, refuse_overflow


class _Rows(NamedTuple):
    """Rows to score on."""

    X: Samples
    y: Array              # (n, k)
    weight: RowWeights


class _Model(NamedTuple):
    """A ridge regression: its strength and its weights."""

    alpha: float
    coef: Array           # (k, d)
    intercept: Array      # (k,)


class _Scores:
    """Scores of predictions (n, k) of rows by models."""

    def __init__(self, scoring: Scoring, fit_intercept: bool) -> None:
        self.scorer, self.fit_intercept = scorer_of(scoring or "r2"), fit_intercept
        self.plain = scoring in (None, "r2")

    def __call__(self, p: Array, rows: _Rows, model: _Model) -> float:
        (X, y, weight), (alpha, coef, intercept) = rows, model
        if self.plain and len(y) > 1:   # as r2_score has it, which takes longer than the fit of a small fold
            spread = np.average((y - np.average(y, axis=0, weights=weight)) ** 2, axis=0, weights=weight)
            if (spread > 0).all():
                return float(np.mean(1 - np.average((y - p) ** 2, axis=0, weights=weight) / spread))
        if y.shape[1] == 1:
            p, y, coef, intercept = p[:, 0], y[:, 0], coef[0], intercept[0]
        if asks_for_predictions(self.scorer):
            return scored(self.scorer, KnownPredictions(None, p, p), p, y, weight)
        ridge = Ridge(alpha, fit_intercept=self.fit_intercept)
        ridge.coef_, ridge.intercept_, ridge.n_features_in_ = coef, intercept if self.fit_intercept else 0.0, X.shape[1]
        return scored(self.scorer, KnownPredictions(ridge, X, p), X, y, weight)


@solved(coef="(n_features,) or (n_outputs, n_features)", intercept="() or (n_outputs,)")
class RidgeCV(FitByFolds, SolvedRegressor):
    """`Ridge` with the alpha of the least squared error in predicting each row from all others, or of the best score over folds.

    Parameters, attributes and the choice are those of `sklearn.linear_model.RidgeCV`.

    Parameters
    ----------
    alphas : array-like, default=(0.1, 1.0, 10.0)
        Strengths to choose from, at least 0; above 0 with cv=None.
    fit_intercept : bool, default=True
        Whether to learn an intercept; it is not penalised.
    scoring : str, callable or None, default=None
        What to maximise, as in `sklearn.metrics.get_scorer`; None: minus the mean squared error of rows left out, or R²
        of folds.  A callable gets a regressor with the weights of a fold, the rows that it leaves out and their y, and
        `sample_weight` if it takes that; with cv=None all rows, each of which is predicted from the others.
    cv : int, cross-validation generator, iterable or None, default=None
        How to split; None: each row is left out once, which takes one decomposition of XᵀX or XXᵀ for all strengths.
    gcv_mode : {'auto', 'svd', 'eigen'} or None, default=None
        Accepted for scikit-learn's sake: the shape of X decides.
    store_cv_results : bool, default=False
        Whether to keep `cv_results_`; with cv=None only.
    alpha_per_target : bool, default=False
        Whether each column of y gets an alpha of its own; with cv=None only.
    n_jobs : int or None, default=None
        Threads of predictions; None and -1: all that the process may use.

    [attributes]
    alpha_ : float or ndarray of shape (n_outputs,)
        What was chosen.
    best_score_ : float or ndarray of shape (n_outputs,)
        Its score.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_outputs, n_alphas)
        Squared errors, times sample weights, or with `scoring` predictions, of each row left out.

    References
    ----------
    G. H. Golub, M. Heath and G. Wahba (1979), Generalized cross-validation as a method for choosing a good ridge parameter,
    Technometrics 21.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import RidgeCV
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> RidgeCV(alphas=[1e-3, 1.0, 1e3]).fit(X, X @ [1.0, 2.0, 3.0]).alpha_
    0.001
    """

    _rules = RIDGE_CV
    alpha_: float | Array
    best_score_: float | Array
    _takes = COLUMNS

    def __init__(self, alphas: ArrayLike = (0.1, 1.0, 10.0), *, fit_intercept: bool = True, scoring: Scoring = None, cv: CrossValidation = None,
                 gcv_mode: str | None = None, store_cv_results: bool = False, alpha_per_target: bool = False,
                 n_jobs: int | None = None) -> None:
        self._keep(locals())

    # ---- hooks of the base ----

    def _check(self) -> None:
        check_strengths(self.alphas, self.cv is None)
        super()._check()
        if self.cv is None and np.min(self.alphas) <= 0:
            refuse("alphas", "above 0 with cv=None", self.alphas, owner="RidgeCV")
        for name in ("store_cv_results", "alpha_per_target"):
            if self.cv is not None and vars(self)[name]:
                raise ValueError(f"cv!=None and {name}=True are incompatible")

    def _max_iter(self) -> int:
        return 1

    def _folds(self, X: Samples, y: Array) -> list[Fold]:
        return [] if self.cv is None else folds_of(self.cv, X, y, False)

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        y = np.stack([np.asarray(target, dtype=np.float64) for target in task.targets], axis=1)
        weight = None if task.weights[0] is None else np.asarray(task.weights[0], dtype=np.float64)
        alphas = np.atleast_1d(np.asarray(self.alphas, dtype=np.float64))
        if self.cv is None:
            spectrum = self._spectrum(X, y, weight)
            scores = self._leaving_one_out(spectrum, X, y, weight, alphas, task)
        else:
            spectrum, scores = self._over_folds(X, y, weight, alphas, task.folds)
        coefs, intercepts = spectrum.weights(alphas)
        no_r2 = any(len(test) < 2 for _, test in task.folds)   # of a single row there is none
        refuse_overflow(coefs, intercepts, scores if self.scoring is None and not no_r2 else 0.0)
        best = best_of(scores)
        if scores.ndim == 2:
            columns = np.arange(y.shape[1])
            self.alpha_, self.best_score_ = alphas[best], scores[best, columns]
            coef, intercept = coefs[best, columns], intercepts[best, columns]
        else:
            self.alpha_, self.best_score_ = float(alphas[best]), float(scores[best])
            coef, intercept = coefs[best], intercepts[best]
        dtype = X.dtype if X.dtype == np.float32 else np.float64
        return FittedWeights(coef.astype(dtype), intercept.astype(dtype), [])

    def _spectrum(self, X: Samples, y: Array, weight: RowWeights) -> Spectrum:
        intercept = bool(self.fit_intercept)
        if X.shape[1] > X.shape[0]:
            return RowSpectrum(X, y, weight, intercept)
        return Spectrum.of_products(Products(X, y, weight, *offsets(X, y, weight, intercept)), intercept)

    def _leaving_one_out(self, spectrum: Spectrum, X: Samples, y: Array, weight: RowWeights, alphas: Array, task: Task) -> Array:
        """Scores (alphas,), or (alphas, k) if each column of y has its own alpha."""
        k, of_rows = y.shape[1], spectrum
        if 0 <= len(y) - X.shape[1] <= bool(self.fit_intercept):   # weights may go through every row of these, too
            of_rows = RowSpectrum(X, y, weight, bool(self.fit_intercept))
        errors = of_rows.left_out(X, y, weight, alphas)
        if self.scoring is None:
            kept = errors ** 2 if weight is None else weight[:, None, None] * errors ** 2
            scores = -kept.mean(axis=0).T
        else:
            kept, score, (coef, intercept) = y[:, :, None] - errors, _Scores(self.scoring, self.fit_intercept), spectrum.weights(alphas)
            columns = [[j] for j in range(k)] if self.alpha_per_target else [list(range(k))]
            scores = np.array([[score(kept[:, js, i], _Rows(X, y[:, js], weight), _Model(alpha, coef[i, js], intercept[i, js]))
                                for js in columns] for i, alpha in enumerate(alphas)])
        if self.store_cv_results:
            kept = task.of_all(kept, 0.0 if self.scoring is None else np.nan)
            self.cv_results_ = kept[:, 0] if k == 1 and not task.column else kept
        found: Array = scores if self.alpha_per_target and k > 1 else scores.mean(axis=1)
        return found

    def _over_folds(self, X: Samples, y: Array, weight: RowWeights, alphas: Array, folds: list[Fold]) -> tuple[Spectrum, Array]:
        """The spectrum of all rows, and scores (alphas,)."""
        by_rows, form = X if isinstance(X, np.ndarray) else X.tocsr(), getattr(X, "format", None)
        n, d = X.shape

        def part(rows: Array) -> _Rows:
            return _Rows(by_rows[rows], y[rows], None if weight is None else weight[rows])

        if d <= n and apart(n, folds):   # those of all rows without those of the fold
            offset = offsets(X, y, weight, bool(self.fit_intercept))
            sums = [Products(*part(test), *offset) for _, test in folds]
            whole = sum(sums[1:], sums[0])
            spectra = (Spectrum.of_products(whole - own, bool(self.fit_intercept)) for own in sums)
            spectrum = Spectrum.of_products(whole, bool(self.fit_intercept))
        else:
            spectra, spectrum = (self._spectrum(*part(train)) for train, _ in folds), self._spectrum(X, y, weight)
        score, found = _Scores(self.scoring, self.fit_intercept), []
        for fold, (_, test) in zip(spectra, folds):
            held, (coef, intercept) = part(test), fold.weights(alphas)
            p = RowBlocks(held.X).times(coef.reshape(-1, d).T).reshape(len(test), *intercept.shape) + intercept
            held = held if isinstance(held.X, np.ndarray) else held._replace(X=held.X.asformat(form))
            found.append([score(p[:, i], held, _Model(alpha, coef[i], intercept[i])) for i, alpha in enumerate(alphas)])
        return spectrum, np.mean(found, axis=0)

    def _attributes(self, found: FittedWeights) -> Attributes:
        return {**self._named(found.coef, found.intercept), **({} if self.fit_intercept else {"intercept_": 0.0})}
