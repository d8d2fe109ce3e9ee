"""lasso_path and enet_path: the weights of the lasso and the elastic net for many strengths.

Used through linear_model.  Strengths are solved from the strongest on, each from the weights of the one before.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._estimators.data import float_type
from fastopt._estimators.params import check_rules
from fastopt._estimators.sklearn import blas_alone
from fastopt._estimators.types import Features, InitialValues, Precompute, RandomState, StrengthGrid, TargetValues
from fastopt._solvers.paths.least_squares import all_sums

from .base import FittedWeights
from .cv import along, check_grid, strengths_of
from .lasso import ElasticNet
from .outputs import ONE_COLUMN
from .params import PATH, penalty_of

Path = tuple[NDArray[Any] | list[int], ...]

#: what lasso_path takes beside the parameters that it names, and its defaults
FURTHER: dict[str, Any] = {"tol": 1e-4, "max_iter": 1000, "n_jobs": None, "selection": "cyclic", "n_alphas": "deprecated",
                           "check_input": True, "random_state": None}


def enet_path(X: Features, y: TargetValues, *, l1_ratio: float = 0.5, eps: float = 1e-3, alphas: StrengthGrid = 100, precompute: Precompute = "auto",
              Xy: ArrayLike | None = None, copy_X: bool = True, coef_init: InitialValues = None, verbose: int = 0,
              return_n_iter: bool = False, positive: bool = False, check_input: bool = True, tol: float = 1e-4,
              max_iter: int = 1000, n_jobs: int | None = None, random_state: RandomState = None, selection: str = "cyclic",
              n_alphas: int | str = "deprecated", **params: object) -> Path:
    """Minima of Σ (yᵢ − xᵢ·w)²/(2·n) + alpha·((1 − ρ)/2·‖w‖² + ρ·‖w‖₁) for many alphas; there is no intercept.

    Parameters and results are those of `sklearn.linear_model.enet_path`, for one column of y.  Where there are more rows than
    columns, and not more than 2,048 of these, or X is small, it is read once for all strengths.

    Parameters
    ----------
    X : ndarray, CSR or CSC matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    l1_ratio : float, default=0.5
        Share ρ of l1 in the penalty.
    eps : float, default=1e-3
        The least alpha as a share of the largest, which makes all weights 0.
    alphas : int, array-like or None, default=100
        How many strengths, or which; None: 100.
    precompute : {'auto'}, bool or array-like of shape (n_features, n_features), default='auto'
        Accepted for scikit-learn's sake: whether XᵀX pays is decided by its shape.
    Xy : array-like or None, default=None
        Accepted for scikit-learn's sake; has no effect.
    copy_X : bool, default=True
        Accepted for scikit-learn's sake: X is never changed.
    coef_init : array-like of shape (n_features,) or None, default=None
        Where to start; None: 0.
    verbose : int, default=0
        Accepted for scikit-learn's sake; has no effect.
    return_n_iter : bool, default=False
        Whether to return numbers of iterations too.
    positive : bool, default=False
        Whether weights must be at least 0.
    check_input : bool, default=True
        Accepted for scikit-learn's sake: X and y are always checked.
    tol : float, default=1e-4
        The duality gap over the mean square of y at which a strength is done.
    max_iter : int, default=1000
        Iterations a strength, at most.
    n_jobs : int or None, default=None
        Threads; None and -1: all that the process may use.
    random_state : int, RandomState or None, default=None
        Accepted for scikit-learn's sake; has no effect.
    selection : {'cyclic', 'random'}, default='cyclic'
        Accepted for scikit-learn's sake; has no effect.
    n_alphas : int or 'deprecated', default='deprecated'
        How many strengths, as in older scikit-learn: say `alphas`, which goes first if it is a list.
    **params
        None: others are refused.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        Strengths, the strongest first.
    coefs : ndarray of shape (n_features, n_alphas)
        Weights.
    dual_gaps : ndarray of shape (n_alphas,)
        Duality gaps; nan where l1_ratio is 0.
    n_iters : list of int
        Iterations, with `return_n_iter`.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import enet_path
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> alphas, coefs, gaps = enet_path(X, X @ [2.0, 0.0, -1.0], l1_ratio=0.9, alphas=[0.1, 1.0])
    >>> alphas, (coefs != 0).sum(axis=0)
    (array([1. , 0.1]), array([2, 2]))
    """
    values = {"l1_ratio": l1_ratio, "eps": eps, "alphas": alphas, "positive": positive, "tol": tol, "max_iter": max_iter,
              "n_jobs": n_jobs, "return_n_iter": return_n_iter, "selection": selection, "precompute": precompute, "n_alphas": n_alphas}
    return _path("enet_path", X, y, values, coef_init, params)


def lasso_path(X: Features, y: TargetValues, *, eps: float = 1e-3, alphas: StrengthGrid = 100, precompute: Precompute = "auto",
               Xy: ArrayLike | None = None, copy_X: bool = True, coef_init: InitialValues = None, verbose: int = 0,
               return_n_iter: bool = False, positive: bool = False, **params: object) -> Path:
    """Minima of Σ (yᵢ − xᵢ·w)²/(2·n) + alpha·‖w‖₁ for many alphas: `enet_path` with an l1_ratio of 1.

    Parameters and results are those of `sklearn.linear_model.lasso_path`, for one column of y.

    Parameters
    ----------
    X, y, eps, alphas, precompute, Xy, copy_X, coef_init, verbose, return_n_iter, positive, **params
        See `enet_path`.

    Returns
    -------
    alphas, coefs, dual_gaps, n_iters
        See `enet_path`.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import lasso_path
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> alphas, coefs, gaps = lasso_path(X, X @ [2.0, 0.0, -1.0], alphas=5)
    >>> coefs.shape, bool((gaps < 1e-3).all())
    ((3, 5), True)
    """
    if "l1_ratio" in params:
        raise TypeError("lasso_path() got an unexpected keyword argument 'l1_ratio'; enet_path takes it")
    values = {"l1_ratio": 1.0, "eps": eps, "alphas": alphas, "positive": positive, "return_n_iter": return_n_iter,
              "precompute": precompute, **FURTHER, **{name: value for name, value in params.items() if name in FURTHER}}
    return _path("lasso_path", X, y, values, coef_init, {name: value for name, value in params.items() if name not in FURTHER})


def _path(owner: str, X: Features, y: TargetValues, values: dict[str, Any], start: InitialValues, unknown: dict[str, Any]) -> Path:
    """The common part of both functions; warnings point to the caller's caller, which is the user's code."""
    if unknown:
        raise ValueError(f"Unexpected parameters in params of {owner}: {', '.join(unknown)}")
    check_grid(values, 3)
    with np.errstate(all="ignore"):   # what overflows is not finite, which solvers look for
        return _solved(owner, X, y, values, start)


def _solved(owner: str, X: Features, y: TargetValues, values: dict[str, Any], start: InitialValues) -> Path:
    """Strengths, coefficients and gaps of a path whose strengths have been checked."""
    check_rules(owner, PATH, values)
    ratio, positive, tol = float(values["l1_ratio"]), bool(values["positive"]), float(values["tol"])
    model = _OnePath(l1_ratio=ratio, fit_intercept=False, positive=positive, tol=tol, max_iter=values["max_iter"],
                     n_jobs=values["n_jobs"])
    X, y = model._read(X, y)
    task = model._task(X, y, None)
    objective = model._objective(X, task, 0, 0.0, None)
    w = np.zeros(objective.n_params) if start is None else np.array(start, dtype=np.float64)
    if w.shape != (objective.n_params,) or not np.isfinite(w).all():
        raise ValueError(f"coef_init must be finite and of shape ({objective.n_params},), got shape {w.shape}")
    alphas = strengths_of(owner, -objective.gradient(np.zeros_like(w)), ratio, values)
    pairs = [penalty_of(float(alpha), ratio, positive) for alpha in alphas]
    goal = model._tolerance(objective)
    with blas_alone():
        sums = all_sums(objective)
        solutions = list(along(objective, pairs, w, solver="auto", tol=goal, max_iter=values["max_iter"]) if sums is None
                         else sums.path(pairs, w, goal, values["max_iter"]))
    coefs = np.array([solution.w for solution in solutions], dtype=float_type(X)).T
    model._report(FittedWeights(coefs.T, np.zeros(len(alphas)), solutions))
    found: Path = alphas, coefs, np.array([solution.gap for solution in solutions])
    return (*found, [solution.n_iter for solution in solutions]) if values["return_n_iter"] else found


class _OnePath(ElasticNet):
    """An elastic net for a single column of y, used for its checks and its objective."""

    _takes = ONE_COLUMN
