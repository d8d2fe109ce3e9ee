"""The text of parameters and attributes of the solver-based estimators, once.

Used by those estimators through `solved`.  Knows nothing but strings.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from fastopt._estimators.docs import Class
from fastopt.linear_model._shared import docs
from fastopt.linear_model._shared.docs import documented

PARAMETERS = {
    **docs.PARAMETERS,
    "alpha": """float
        Strength of the penalty, at least 0{alpha_more}.""",
    "C": """float
        Inverse of the strength of the penalty, above 0{C_more}.""",
    "l1_ratio": """float
        Share ρ of l1 in the penalty, from 0 to 1.""",
    "fit_intercept": """bool
        Whether to learn an intercept{intercept_more}.""",
    "intercept_scaling": """float
        {scaling}""",
    "max_iter": """int
        Iterations of the solver at most.""",
    "tol": """float
        {tol_means}""",
    "solver": """str
        A solver of ``fastopt``, such as 'lbfgs', 'newton-cholesky', 'newton-cg', 'saga', 'katyusha', 'sdca', 'cd', 'fista' or
        'interior-point'; 'auto' takes the one that is fastest for this shape of data, loss and penalty.  {solver_more}""",
    "dual": """bool{dual_auto}
        Accepted for scikit-learn's sake; the solver says which problem is solved, and the solution is the same.""",
    "copy_X": """bool
        Accepted for scikit-learn's sake: X is never changed, and not copied.""",
    "precompute": """bool or array-like of shape (n_features, n_features)
        Accepted for scikit-learn's sake: whether XᵀX pays is decided by its shape.""",
    "selection": """{'cyclic', 'random'}
        Accepted for scikit-learn's sake; has no effect.""",
    "positive": """bool
        Whether coefficients must not be negative.""",
    "warm_start": """bool
        Start at the weights of the earlier fit.""",
    "verbose": """int
        Above 0: print what the solver found.""",
    "random_state": """int, RandomState or None
        Seed of the solvers that visit samples in random order; of no effect with others.  None: the same seed each time, so that a
        fit is repeated exactly.""",
    "n_jobs": """int or None
        Threads of `fit` and of predictions; None and -1: all that the process may use.  Results do not depend on it.""",
    "n_alphas": """int or 'deprecated'
        How many strengths, as in older scikit-learn: say `alphas`, which goes first if it is a list.""",
    "eps": """float, default=1e-3
        The least alpha as a share of the largest, which makes all weights 0.""",
    "alphas": """int, array-like or None
        How many strengths to try, or which; None: 100.""",
    "cv": """int, cross-validation generator, iterable or None
        How to split; None: five folds.""",
    "standardize": """bool
        Penalise the weights of columns of mean 0 and variance 1; `coef_` and `intercept_` are those of X, which is not
        copied (sparse X is, once, for its means).""",
}

ATTRIBUTES = {
    **{name: docs.ATTRIBUTES[name] for name in ("coef_", "intercept_", "classes_")},
    "n_iter_": """{n_iter_type}
        Iterations done{n_iter_more}.""",
    **{name: docs.ATTRIBUTES[name] for name in ("n_features_in_", "feature_names_in_")},
}

#: attributes of some estimators
MORE_ATTRIBUTES = {
    "alpha_": """float
        The alpha that was chosen.""",
    "l1_ratio_": """float
        The l1_ratio that was chosen.""",
    "alphas_": """ndarray of shape {grid}
        The alphas that were tried.""",
    "mse_path_": """ndarray of shape {errors}
        Mean squared errors on the held-out rows.""",
    "dual_gap_": """{gap_type}
        {gap}""",
    "sparse_coef_": """CSR matrix
        `coef_` without its zeros.""",
}

#: words in the texts, unless the estimator has others
WORDS = {
    "alpha_more": "", "C_more": "", "intercept_more": "; it is not penalised", "scaling": "",
    "solver_more": "", "dual_auto": "", "n_iter_type": "int", "n_iter_more": "",
    "tol_means": "The largest element in magnitude of the (sub)gradient of the objective, over the sum of weights, at which\n    "
                 "the solver is done.",
    "coef": "(n_features,)",
}


def solved(classes: bool = False, also: Sequence[str] = (), **words: str) -> Callable[[Class], Class]:
    """Fill a class's docstring as `documented` does; with `classes_` if it classifies, and `also` some of MORE_ATTRIBUTES."""
    shapes = {"intercept": "(1,) or (n_classes,)", "coef": "(1, n_features) for two classes, else (n_classes, n_features)"}
    return documented(without=() if classes else ("classes_",), parameters=PARAMETERS,
                      attributes={**ATTRIBUTES, **{name: MORE_ATTRIBUTES[name] for name in also}},
                      **{**WORDS, **(shapes if classes else {"intercept": "()"}), **words})
