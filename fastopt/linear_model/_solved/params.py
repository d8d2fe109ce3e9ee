"""What the parameters of the estimators that a solver finishes may be, and what they mean to it: tables.

Used by linear_model._solved.base and the estimators on top of it.  Knows neither data nor scikit-learn.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from fastopt import losses, penalties
from fastopt._solvers import auto as _solve
from fastopt._solvers.registry import LIMIT, Solution, registry
from fastopt.linear_model._shared.params import COMMON, FLAG, NONE, SUPERVISED, WEIGHTS, Rule, either, integer, names, real
from fastopt.losses import Loss

#: what stands beside the mean loss as the strength of the penalty, by the parameters and the sums of the samples' weights
CONVENTIONS: dict[str, Callable[[Mapping[str, Any], Any], Any]] = {
    "C": lambda values, total: 1 / (float(values["C"]) * total),                # C·Σ sᵢ·lossᵢ + penalty
    "sum": lambda values, total: np.asarray(values["alpha"], float) / total,   # Σ sᵢ·lossᵢ + alpha·penalty
    "mean": lambda values, total: float(values["alpha"]),                       # Σ sᵢ·lossᵢ/Σ sᵢ + alpha·penalty
    "chosen C": lambda values, total: 1 / (values["C_"] * total),                # both by cross-validation
    "chosen": lambda values, total: float(values["alpha_"]),
    "given": lambda values, total: 1.0,                                         # Σ sᵢ·lossᵢ/Σ sᵢ + penalty, which has its own
}

#: scikit-learn's names of solvers that are not ours, and who takes their place
ALIASES = {"liblinear": "auto", "cholesky": "newton-cholesky", "svd": "newton-cholesky", "lsqr": "newton-cg",
           "sparse_cg": "newton-cg"}
SOLVERS = ("auto", *registry)

#: how scikit-learn begins to say that max_iter was not enough, by the solver that was asked for, or by its only one
_LIMITS = {"liblinear": "Liblinear failed to converge, increase the number of iterations.",
           "descent": "Objective did not converge. You might want to increase the number of iterations, check the scale of the "
                      "features or consider increasing regularisation.",
           **dict.fromkeys(("sag", "saga"), "The max_iter was reached which means the coef_ did not converge."),
           "newton-cholesky": "Newton solver did not converge after {n_iter} iterations."}

#: shared by all
SOLVED: dict[str, Rule] = {
    "fit_intercept": FLAG,
    "max_iter": integer(0),
    "tol": real(0),
    "n_jobs": SUPERVISED["n_jobs"],
    "standardize": FLAG,
}
_WARM = {"warm_start": FLAG}
_VERBOSE = {"verbose": COMMON["verbose"]}
_RANDOM = {"random_state": COMMON["random_state"]}
_CLASSES = {"class_weight": either(names("balanced"), WEIGHTS, NONE)}
_C = {"C": real(0, above=True)}
_SCALING = {"intercept_scaling": real(0, above=True)}
_DUAL = {"dual": either(FLAG, names("auto"))}
_DESCENT = {**_WARM, **_RANDOM, "positive": FLAG, "copy_X": FLAG, "selection": names("cyclic", "random"),
            "precompute": Rule("True, False or an array", lambda value: FLAG.accepts(value) or np.ndim(value) == 2)}
INFINITE = Rule("infinite", lambda value: isinstance(value, float) and value == np.inf)

LOGISTIC: dict[str, Rule] = {
    **SOLVED, **_WARM, **_VERBOSE, **_RANDOM, **_CLASSES, **_SCALING, "dual": FLAG,
    "penalty": either(names("l1", "l2", "elasticnet", "deprecated"), NONE),
    "C": either(_C["C"], INFINITE), "l1_ratio": either(real(0, 1), NONE), "solver": names(*SOLVERS, "liblinear"),
}
RIDGE: dict[str, Rule] = {
    **SOLVED, **_RANDOM, "copy_X": FLAG, "positive": FLAG, "max_iter": either(integer(1), NONE),
    "alpha": Rule("a number at least 0, or one a column of y", lambda value: _strengths(value)),
    "solver": names(*SOLVERS, "svd", "cholesky", "lsqr", "sparse_cg"),
}
ELASTIC: dict[str, Rule] = {
    **SOLVED, **_DESCENT, "alpha": real(0), "l1_ratio": real(0, 1), "max_iter": either(integer(1), NONE),
    "solver": names(*SOLVERS),
}
LASSO: dict[str, Rule] = {name: rule for name, rule in ELASTIC.items() if name != "l1_ratio"}
_PLAIN = {name: rule for name, rule in SOLVED.items() if name != "standardize"}
LINEAR_SVC: dict[str, Rule] = {
    **_PLAIN, **_C, **_VERBOSE, **_RANDOM, **_CLASSES, **_SCALING, **_DUAL, "penalty": names("l1", "l2"),
    "loss": names("hinge", "squared_hinge"), "multi_class": names("ovr", "crammer_singer"), "tol": real(0, above=True),
    "solver": names(*SOLVERS),
}
LINEAR_SVR: dict[str, Rule] = {
    **_PLAIN, **_C, **_VERBOSE, **_RANDOM, **_SCALING, **_DUAL, "epsilon": real(0), "tol": real(0, above=True),
    "loss": names("epsilon_insensitive", "squared_epsilon_insensitive"), "solver": names(*SOLVERS),
}
HUBER: dict[str, Rule] = {**SOLVED, **_WARM, "epsilon": real(1), "alpha": real(0), "solver": names(*SOLVERS)}
QUANTILE: dict[str, Rule] = {
    "quantile": real(0, 1, above=True, below=True), "alpha": real(0), "fit_intercept": FLAG, "n_jobs": SOLVED["n_jobs"],
    "solver": names("auto", "interior-point", "highs", "highs-ds", "highs-ipm"),
    "solver_options": either(Rule("a dict of options of scipy.optimize.linprog", lambda value: isinstance(value, dict)), NONE),
}
GLM: dict[str, Rule] = {
    **SOLVED, **_WARM, **_VERBOSE, "alpha": real(0), "tol": real(0, above=True), "max_iter": integer(1),
    "solver": names(*SOLVERS),
}
TWEEDIE: dict[str, Rule] = {**GLM, "power": real(), "link": names("auto", "identity", "log")}


def _several(low: float, high: float = np.inf) -> Rule:
    """A list of numbers, all at least `low` and at most `high`."""
    return Rule(f"a list of numbers at least {low:g}" + (f" and at most {high:g}" if high < np.inf else ""),
                lambda value: _strengths(value) and np.ndim(value) == 1 and bool(np.min(value) >= low and np.max(value) <= high))


_GRID = {"eps": real(0, 1, above=True), **_VERBOSE,
         "alphas": either(integer(1), _several(0), NONE), "n_alphas": either(integer(1), names("deprecated")),
         "precompute": either(names("auto"), _DESCENT["precompute"]),
         "cv": Rule("an integer of at least 2, a splitter, an iterable of splits or None",
                    lambda value: value is None or integer(2).accepts(value)
                    or any(hasattr(value, name) for name in ("split", "__iter__")) and not isinstance(value, str))}
LASSO_CV: dict[str, Rule] = {name: rule for name, rule in {**LASSO, **_GRID}.items()
                             if name not in ("alpha", "warm_start", "standardize")}
PATH: dict[str, Rule] = {
    **{name: _GRID[name] for name in ("eps", "alphas", "n_alphas", "precompute")}, "l1_ratio": real(0, 1), "positive": FLAG,
    "tol": real(0), "max_iter": integer(1), "n_jobs": SOLVED["n_jobs"], "return_n_iter": FLAG,
    "selection": _DESCENT["selection"],
}
ELASTIC_CV: dict[str, Rule] = {**LASSO_CV, "l1_ratio": either(real(0, 1), _several(0, 1))}
_SCORING = {"scoring": either(Rule("the name of a scorer", lambda value: isinstance(value, str)), Rule("a callable", callable),
                              NONE)}
RIDGE_CV: dict[str, Rule] = {
    **_SCORING, "fit_intercept": FLAG, "cv": _GRID["cv"], "store_cv_results": FLAG, "alpha_per_target": FLAG,
    "alphas": Rule("numbers at least 0", lambda value: _strengths(value)), "n_jobs": SOLVED["n_jobs"],
    "gcv_mode": either(names("auto", "svd", "eigen"), NONE),
}
LOGISTIC_CV: dict[str, Rule] = {
    **{name: rule for name, rule in LOGISTIC.items() if name not in ("penalty", "C", "l1_ratio", "warm_start", "standardize")},
    "Cs": either(integer(1), _several(np.nextafter(0, 1))),
    "l1_ratios": either(_several(0, 1), NONE), "penalty": names("l1", "l2", "elasticnet", "deprecated"),
    "refit": FLAG, "cv": _GRID["cv"], "use_legacy_attributes": FLAG,
    **_SCORING,
}
GENERAL: dict[str, Rule] = {
    **SOLVED, **_WARM, **_VERBOSE, **_RANDOM, **_CLASSES, "solver": names(*SOLVERS),
    "loss": either(names(*losses.names(), *losses.names(couples_outputs=True)),
                   Rule("a loss of fastopt.losses", lambda value: isinstance(value, Loss))),
    "penalty": either(names(*penalties.names()),
                      Rule("a penalty of fastopt.penalties", lambda value: isinstance(value, penalties.Penalty)), NONE),
}


def _strengths(value: Any) -> bool:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return (array.ndim <= 1 and array.size > 0 and not isinstance(value, (bool, str))
            and bool(np.isfinite(array).all() and (array >= 0).all()))


def penalty_of(strength: float, share: float, positive: bool = False) -> tuple[float, Any]:
    """strength·((1 − share)/2·‖w‖² + share·‖w‖₁), and w >= 0 if `positive`: l2 of the objective, and the penalty beside it."""
    if strength > 0 and share > 0:
        if share == 1:
            return 0.0, penalties.L1(strength, positive=positive)
        return 0.0, penalties.ElasticNet(strength, share, positive=positive)
    return strength, penalties.NonNegative() if positive else None


def complaint(asked: str, solution: Solution) -> str:
    """What happened in a run that did not reach tol; where max_iter was not enough, scikit-learn's words first."""
    words = _LIMITS.get(asked, "") if solution.message.startswith(LIMIT) else ""
    return (f"{words} {solution.solver} failed to converge after {solution.n_iter} iteration(s): {solution.message}"
            .format(n_iter=solution.n_iter).lstrip())


def takes_l1(solver: str) -> bool:
    """Whether there is l1 among the penalties that a solver takes."""
    needed = registry[solver].needs.penalties if solver in registry else None
    return needed is None or "l1" in needed


solve = partial(_solve.solve, own=True)   # objectives are the estimator's
scales_intercept, relative_to_start = _solve.scales_intercept, _solve.relative_to_start
choose, least_squares = _solve.choose, _solve.least_squares
