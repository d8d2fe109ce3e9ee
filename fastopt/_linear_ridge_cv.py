"""Ridge regression with alpha chosen by leaving out one row at a time, or by folds: one decomposition for all strengths.

Used through linear_model.  Everything is in float64; X is read in blocks of rows, and its folds are copied where there are any.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, RegressorMixin

from fastopt._linear_compat import Events
from fastopt._linear_cv import folds_of, scorer_of
from fastopt._linear_interior import Design
from fastopt._linear_outputs import SolvedRegressor
from fastopt._linear_solved import Found, Task
from fastopt._linear_solved_docs import solved
from fastopt._linear_solved_params import RIDGE_CV


class Spectrum:
    """The eigenvalues of Σ sᵢ·x̃ᵢ·x̃ᵢᵀ, x̃ centred if there is an intercept, and y in its eigenvectors.

    Parameters
    ----------
    X : ndarray, CSR or CSC matrix of shape (n, d)
    y : ndarray of shape (n, k)
    weight : ndarray of shape (n,)
    fit_intercept : bool
    """

    def __init__(self, X: Any, y: Any, weight: Any, fit_intercept: bool) -> None:
        n, d = X.shape
        self.design, self.weight, self.fit_intercept = Design(X, False, False), weight, fit_intercept
        self.total = float(weight.sum())
        self.centre = self.design.transposed(weight) / self.total if fit_intercept else np.zeros(d)
        self.middle = weight @ y / self.total if fit_intercept else np.zeros(y.shape[1])
        self.y = y - self.middle
        targets = self.design.transposed(weight[:, None] * self.y)
        if d <= n:
            gram = self.design.gram(weight) - self.total * np.outer(self.centre, self.centre)
            values, self.vectors = np.linalg.eigh(gram)
        else:
            blocks = [block.toarray() if scipy.sparse.issparse(block) else block for _, block in self.design.blocks()]
            rows = np.sqrt(weight)[:, None] * (np.concatenate(blocks) - self.centre)
            values, left = np.linalg.eigh(rows @ rows.T)
            known = values > values[-1] * n * np.finfo(np.float64).eps
            values = values[known]
            self.vectors = rows.T @ left[:, known] / np.sqrt(values)
        self.values, self.targets = np.maximum(values, 0), self.vectors.T @ targets

    def weights(self, alpha: float) -> tuple[Any, Any]:
        """Coefficients (k, d) and intercepts (k,)."""
        coef = (self.vectors @ (self.targets / (self.values + alpha)[:, None])).T
        return coef, self.middle - coef @ self.centre

    def left_out(self, alphas: Any) -> Any:
        """Errors (n, k, alphas) in predicting each row from the others: the residuals over 1 − leverage."""
        found = np.empty((*self.y.shape, len(alphas)))
        share = 1 / (self.values[:, None] + alphas)
        for part, block in self.design.blocks():
            z = np.asarray(block @ self.vectors) - self.centre @ self.vectors
            leverage = self.weight[part, None] * (z * z @ share + (1 / self.total if self.fit_intercept else 0.0))
            for j in range(self.y.shape[1]):
                residual = self.y[part, j, None] - z @ (self.targets[:, j, None] * share)
                found[part, j] = residual / np.maximum(1 - leverage, 1e-15)
        return found


class _Said(RegressorMixin, BaseEstimator):   # type: ignore[misc]
    """A model that predicts what it is given."""

    def predict(self, X: Any) -> Any:
        return X

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _scorer(name: Any) -> Callable[[Any, Any, Any], float]:
    """Scores of predictions (n, k) of y (n, k)."""
    scorer = scorer_of(name)

    def score(p: Any, y: Any, weight: Any) -> float:
        one = y.shape[1] == 1
        return float(scorer(_Said(), p[:, 0] if one else p, y[:, 0] if one else y,
                            **({} if weight is None else {"sample_weight": weight})))
    return score


@solved(coef="(n_features,) or (n_outputs, n_features)", intercept="() or (n_outputs,)")
class RidgeCV(SolvedRegressor):
    """`Ridge` with the alpha of the least squared error in predicting each row from all others, or of the best score over folds.

    Parameters, attributes and the choice are those of `sklearn.linear_model.RidgeCV`.

    Parameters
    ----------
    alphas : array-like, default=(0.1, 1.0, 10.0)
        Strengths to choose from, above 0.
    fit_intercept : bool, default=True
        Whether to learn an intercept; it is not penalised.
    scoring : str, callable or None, default=None
        What to maximise, as in `sklearn.metrics.get_scorer`; None: minus the mean squared error of rows left out, or R²
        of folds.
    cv : int, cross-validation generator or iterable, default=None
        How to split; None: each row is left out once, which takes one decomposition of XᵀX or XXᵀ for all strengths.
    gcv_mode : {'auto', 'svd', 'eigen'} or None, default=None
        Accepted for scikit-learn's sake: the shape of X decides.
    store_cv_results : bool, default=False
        Whether to keep `cv_results_`; with cv=None only.
    alpha_per_target : bool, default=False
        Whether each column of y gets an alpha of its own; with cv=None only.
    n_jobs : int or None, default=None
        Threads of predictions; None and -1: all that the process may use.

    Attributes
    ----------
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
    _columns = True

    def __init__(self, alphas: Any = (0.1, 1.0, 10.0), *, fit_intercept: bool = True, scoring: Any = None, cv: Any = None,
                 gcv_mode: str | None = None, store_cv_results: bool = False, alpha_per_target: bool = False,
                 n_jobs: int | None = None) -> None:
        self._keep(locals())

    # ---- what the base asks ----

    def _check(self) -> None:
        super()._check()
        for name in ("store_cv_results", "alpha_per_target"):
            if self.cv is not None and vars(self)[name]:
                raise ValueError(f"cv!=None and {name}=True are incompatible")

    def _max_iter(self) -> int:
        return 1

    def _solve(self, X: Any, task: Task, events: Events) -> Found:
        y = np.stack([np.asarray(target, dtype=np.float64) for target in task.targets], axis=1)
        given = None if task.weights[0] is None else np.asarray(task.weights[0], dtype=np.float64)
        weight = np.ones(len(y)) if given is None else given
        alphas = np.atleast_1d(np.asarray(self.alphas, dtype=np.float64))
        spectrum = Spectrum(X, y, weight, bool(self.fit_intercept))
        scores = self._leaving_one_out(spectrum, y, given, alphas) if self.cv is None else self._over_folds(X, y, given, alphas)
        best = np.argmax(scores, axis=0)
        if scores.ndim == 2:
            self.alpha_, self.best_score_ = alphas[best], scores[best, np.arange(y.shape[1])]
            parts = [spectrum.weights(alpha) for alpha in self.alpha_]
            coef, intercept = (np.stack([part[i][j] for j, part in enumerate(parts)]) for i in range(2))
        else:
            self.alpha_, self.best_score_ = float(alphas[best]), float(scores[best])
            coef, intercept = spectrum.weights(self.alpha_)
        dtype = X.dtype if X.dtype == np.float32 else np.float64
        return Found(coef.astype(dtype), intercept.astype(dtype), [])

    def _leaving_one_out(self, spectrum: Spectrum, y: Any, given: Any, alphas: Any) -> Any:
        """Scores (alphas,), or (alphas, k) if each column has its own."""
        errors, k = spectrum.left_out(alphas), y.shape[1]
        if self.scoring is None:
            kept = errors ** 2 if given is None else given[:, None, None] * errors ** 2
            scores = -kept.mean(axis=0).T
        else:
            kept, scorer = y[:, :, None] - errors, _scorer(self.scoring)
            columns = [[j] for j in range(k)] if self.alpha_per_target else [list(range(k))]
            scores = np.array([[scorer(kept[:, js, i], y[:, js], given) for js in columns] for i in range(len(alphas))])
        if self.store_cv_results:
            self.cv_results_ = kept[:, 0] if k == 1 else kept
        return scores if self.alpha_per_target and k > 1 else scores.mean(axis=1)

    def _over_folds(self, X: Any, y: Any, weight: Any, alphas: Any) -> Any:
        scorer, found = _scorer(self.scoring or "r2"), []
        rows_of = X.tocsr() if scipy.sparse.issparse(X) else X
        for train, test in folds_of(self.cv, X, y, False):
            share = np.ones(len(train)) if weight is None else weight[train]
            fold = Spectrum(rows_of[train], y[train], share, bool(self.fit_intercept))
            held = Design(rows_of[test], False, False)
            models = [fold.weights(float(alpha)) for alpha in alphas]
            predicted = [held.times(coef.T) + intercept for coef, intercept in models]
            found.append([scorer(p, y[test], None if weight is None else weight[test]) for p in predicted])
        return np.mean(found, axis=0)

    def _attributes(self, found: Found) -> dict[str, Any]:
        return {**self._named(found.coef, found.intercept), **({} if self.fit_intercept else {"intercept_": 0.0})}
