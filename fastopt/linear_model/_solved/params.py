"""What the parameters of the solver-based estimators may be, and what they mean to it: tables.

Used by linear_model._solved.base and the estimators on top of it.  Knows neither data nor scikit-learn.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from fastopt import penalties
from fastopt._common.rules import FLAG, NONE, Rule, choice, either, integer, numbers, real
from fastopt._core.tables import LOSS_TARGETS
from fastopt._estimators.params import WEIGHTS, loss_of
from fastopt._solvers import auto as _solve
from fastopt._solvers.registry import LIMIT, Solution, registry
from fastopt.linear_model._shared.params import COMMON, SUPERVISED

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
_CLASSES = {"class_weight": either(choice("balanced"), WEIGHTS, NONE)}
_C = {"C": real(0, above=True)}
_SCALING = {"intercept_scaling": real(0, above=True)}
_DUAL = {"dual": either(FLAG, choice("auto"))}
_DESCENT = {**_WARM, **_RANDOM, "positive": FLAG, "copy_X": FLAG, "selection": choice("cyclic", "random"),
            "precompute": Rule("True, False or an array", lambda value: FLAG.accepts(value) or np.ndim(value) == 2)}

LOGISTIC: dict[str, Rule] = {
    **SOLVED, **_WARM, **_VERBOSE, **_RANDOM, **_CLASSES, **_SCALING, "dual": FLAG,
    "penalty": either(choice("l1", "l2", "elasticnet", "deprecated"), NONE),
    "C": real(0, above=True, infinite=True), "l1_ratio": either(real(0, 1), NONE), "solver": choice(*SOLVERS, "liblinear"),
}
RIDGE: dict[str, Rule] = {
    **SOLVED, **_RANDOM, "copy_X": FLAG, "positive": FLAG, "max_iter": either(integer(1), NONE),
    "alpha": numbers(0)._replace(words="a finite number at least 0, or one a column of y"),
    "solver": choice(*SOLVERS, "svd", "cholesky", "lsqr", "sparse_cg"),
}
ELASTIC: dict[str, Rule] = {
    **SOLVED, **_DESCENT, "alpha": real(0), "l1_ratio": real(0, 1), "max_iter": either(integer(1), NONE),
    "solver": choice(*SOLVERS),
}
LASSO: dict[str, Rule] = {name: rule for name, rule in ELASTIC.items() if name != "l1_ratio"}
_PLAIN = {name: rule for name, rule in SOLVED.items() if name != "standardize"}
LINEAR_SVC: dict[str, Rule] = {
    **_PLAIN, **_C, **_VERBOSE, **_RANDOM, **_CLASSES, **_SCALING, **_DUAL, "penalty": choice("l1", "l2"),
    "loss": choice("hinge", "squared_hinge"), "multi_class": choice("ovr", "crammer_singer"), "tol": real(0, above=True),
    "solver": choice(*SOLVERS),
}
LINEAR_SVR: dict[str, Rule] = {
    **_PLAIN, **_C, **_VERBOSE, **_RANDOM, **_SCALING, **_DUAL, "epsilon": real(0), "tol": real(0, above=True),
    "loss": choice("epsilon_insensitive", "squared_epsilon_insensitive"), "solver": choice(*SOLVERS),
}
HUBER: dict[str, Rule] = {**SOLVED, **_WARM, "epsilon": real(1), "alpha": real(0), "solver": choice(*SOLVERS)}
QUANTILE: dict[str, Rule] = {
    "quantile": real(0, 1, above=True, below=True), "alpha": real(0), "fit_intercept": FLAG, "n_jobs": SOLVED["n_jobs"],
    "solver": choice("auto", "interior-point", "highs", "highs-ds", "highs-ipm"),
    "solver_options": either(Rule("a dict of options of scipy.optimize.linprog", lambda value: isinstance(value, dict)), NONE),
}
GLM: dict[str, Rule] = {
    **SOLVED, **_WARM, **_VERBOSE, "alpha": real(0), "tol": real(0, above=True), "max_iter": integer(1),
    "solver": choice(*SOLVERS),
}
TWEEDIE: dict[str, Rule] = {**GLM, "power": real(), "link": choice("auto", "identity", "log")}


_GRID = {"eps": real(0, 1, above=True), **_VERBOSE,
         "alphas": either(integer(1), numbers(0, alone=False), NONE), "n_alphas": either(integer(1), choice("deprecated")),
         "precompute": either(choice("auto"), _DESCENT["precompute"]),
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
ELASTIC_CV: dict[str, Rule] = {**LASSO_CV, "l1_ratio": either(real(0, 1), numbers(0, 1, alone=False))}
_SCORING = {"scoring": either(Rule("the name of a scorer", lambda value: isinstance(value, str)), Rule("a callable", callable),
                              NONE)}
RIDGE_CV: dict[str, Rule] = {
    **_SCORING, "fit_intercept": FLAG, "cv": _GRID["cv"], "store_cv_results": FLAG, "alpha_per_target": FLAG,
    "alphas": numbers(0), "n_jobs": SOLVED["n_jobs"],
    "gcv_mode": either(choice("auto", "svd", "eigen"), NONE),
}
LOGISTIC_CV: dict[str, Rule] = {
    **{name: rule for name, rule in LOGISTIC.items() if name not in ("penalty", "C", "l1_ratio", "warm_start", "standardize")},
    "Cs": either(integer(1), numbers(0, above=True, alone=False)),
    "l1_ratios": either(numbers(0, 1, alone=False), NONE), "penalty": choice("l1", "l2", "elasticnet", "deprecated"),
    "refit": FLAG, "cv": _GRID["cv"], "use_legacy_attributes": FLAG,
    **_SCORING,
}
GENERAL: dict[str, Rule] = {
    **SOLVED, **_WARM, **_VERBOSE, **_RANDOM, **_CLASSES, "solver": choice(*SOLVERS),
    "loss": loss_of(*dict.fromkeys(LOSS_TARGETS.values())),
    "penalty": either(choice(*penalties.names()),
                      Rule("a penalty of fastopt.penalties", lambda value: isinstance(value, penalties.Penalty)), NONE),
}


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
