"""solve(objective, penalty, solver): the front door to all solvers, and solver="auto".

Used by the estimators.  What solvers require and how they are found is in _solver.py; this module imports those that there are.
"""
from __future__ import annotations

import importlib
import math
import pkgutil
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._checks import integer, number
from ._solve_start import WORTH, condition, part_of, values
from ._solver import LIMIT, OVERFLOW, PRECISION, UNBOUNDED, Callback, Solution, Vector, find, loss_name, penalty_name, refuse, registry, suitable
from .exceptions import InvalidParameterError

__all__ = ["Solution", "solve"]

for _module in sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(__package__).__path__)):
    if _module.startswith("_solve_"):
        importlib.import_module(f"{__package__}.{_module}")   # which enters its solvers into the register

#: preferred solvers of problems with a penalty that is not smooth, or a loss that is not, best first
_OTHERS = ("cd", "fista", "sdca", "saga", "lbfgs")
#: the smallest gap, relative to the value, that it is asked for, and
_FINEST = 1e-9
#: passes or iterations after which an interior point method goes on
_PASSES = 200
#: condition number below which gradients alone do
EVEN = 10.0
#: losses whose minimum lies at infinity where classes are separable
_MARGINS = ("log_loss", "multinomial", "exponential")


def solve(objective: Any, penalty: Any = None, solver: str = "auto", w0: ArrayLike | None = None, tol: float = 1e-4,
          max_iter: int = 100, callback: Callback | None = None, random_state: Any = None, *,
          intercept_scaling: float | None = None) -> Solution:
    """Minimise an objective, and a penalty of its coefficients.

    Parameters
    ----------
    objective : LinearObjective
    penalty : Penalty, optional
        Of `fastopt.penalties`; it stands beside the mean of the losses and the objective's own l2.
    solver : str
        ``"auto"`` or the name of a solver (docs/solvers.md).
    w0 : array_like of shape (n_params,), optional
        Where to start; default 0.
    tol : float, at least 0
        The largest element of the gradient, or with a penalty of its least subgradient, at the end.
    max_iter : int
    callback : callable, optional
        Of a `Solution` after each iteration; ``StopIteration`` ends the run.
    random_state : int, Generator or None
        For solvers that draw rows.  None: the same seed each time.
    intercept_scaling : float, above 0, optional
        The intercept is this number times a weight that is penalised like the others.  Default: it is not penalised.  Taken by the
        solvers that `scales_intercept` finds.

    Returns
    -------
    Solution

    Raises
    ------
    InvalidParameterError
        If the solver does not exist or does not take this loss with this penalty, or an argument is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import LinearObjective
    >>> from fastopt._solve import solve
    >>> objective = LinearObjective(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([1.0, 3.0, 2.0]), "squared_error")
    >>> solution = solve(objective, solver="newton-cholesky", tol=1e-10)
    >>> solution.w.round(6), solution.converged, solution.solver
    (array([1., 2.]), True, 'newton-cholesky')
    """
    tol, max_iter = number("tol", tol, at_least=0), integer("max_iter", max_iter, 0)
    if callback is not None and not callable(callback):
        raise InvalidParameterError(f"callback must be callable or None, got {callback!r}")
    w = _start(objective, w0)
    own = objective.l2
    share, rest = _smooth_part(penalty)
    try:
        objective.l2 = own + share
        name = _settle(choose(objective, rest, tol), objective) if solver == "auto" else solver
        run, origin = find(name, objective, rest), w.copy()
        more = _scaling(intercept_scaling, name, objective, rest)
        options: dict[str, Any] = {"tol": tol, "callback": callback, "random_state": random_state, **more}
        second = _second(name, objective, rest) if solver == "auto" and max_iter > 0 else None
        solution = run(objective, rest, w, max_iter=min(max_iter, _PASSES) if second else max_iter, **options)
        if second and solution.message in (LIMIT, PRECISION) and max_iter > solution.n_iter:
            before = solution.n_iter
            options["tol"] = max(tol, _FINEST)
            solution = registry[second].run(objective, rest, w, max_iter=max_iter - before, **options)
            solution = solution._replace(n_iter=before + solution.n_iter)
        return _remark(_finite(solution, origin), objective, rest)
    finally:
        objective.l2 = own


def scales_intercept(objective: Any, penalty: Any, solver: str, tol: float) -> bool:
    """Whether `solve` with these arguments takes `intercept_scaling`."""
    name = choose(objective, penalty, tol) if solver == "auto" else solver
    return name in registry and registry[name].needs.scales_intercept


def _scaling(value: float | None, name: str, objective: Any, penalty: Any) -> dict[str, float]:
    """The keyword of a solver that takes `intercept_scaling`."""
    if value is None:
        return {}
    if not registry[name].needs.scales_intercept:
        refuse(name, "does not take intercept_scaling", objective, penalty)
    return {"intercept_scaling": number("intercept_scaling", value, above=0)}


def _start(objective: Any, w0: ArrayLike | None) -> Vector:
    """A float64 vector of the solver's own."""
    if w0 is None:
        return np.zeros(objective.n_params)
    w = np.array(w0, dtype=np.float64)
    if w.shape != (objective.n_params,) or not np.isfinite(w).all():
        raise InvalidParameterError(f"w0 must be finite and of shape ({objective.n_params},), got shape {w.shape}")
    return w


def _smooth_part(penalty: Any) -> tuple[float, Any]:
    """The strength of an L2 penalty that can be the objective's, and what is left of the penalty."""
    if penalty_name(penalty) == "l2" and set(penalty.params) <= {"alpha", "weights", "positive"}:
        plain = penalty.params.get("weights") is None and not penalty.params.get("positive", False)
        return (float(penalty.params["alpha"]), None) if plain else (0.0, penalty)
    return 0.0, penalty


def choose(objective: Any, penalty: Any, tol: float) -> str:
    """The solver that is expected to be the first, by measured rules (docs/solvers.md), before a look into X."""
    names = suitable(objective, penalty)
    if not names:
        refuse("auto", "finds none", objective, penalty)
    if penalty is None and "lbfgs" in names:
        return _smooth(objective, names, tol)
    if "lbfgs" not in names and "interior-point" in names and ("sdca" not in names or few(objective)):
        return "interior-point"
    return next((name for name in _OTHERS if name in names), names[0])


def _smooth(objective: Any, names: list[str], tol: float) -> str:
    """By what a Hessian costs, in readings of X."""
    many = "sdca" if "sdca" in names and _by_samples(objective) else "lbfgs"
    if "newton-cholesky" not in names:
        return many
    hessian, rows = hessian_passes(objective), objective.n_samples / objective.n_params
    if hessian < (60 if loss_name(objective) == "squared_error" else 3.5) or values(objective) < WORTH and hessian < 20:
        return "newton-cholesky"
    if rows >= (16 if hessian >= 20 else 32):
        return "preconditioned-cg"
    return "newton-cholesky" if hessian < 20 else many


def _settle(name: str, objective: Any) -> str:
    """The choice, once X has been looked at: gradients alone, where a part of the rows says that columns are alike."""
    part = part_of(objective, None) if name == "preconditioned-cg" else None
    return name if part is None or condition(part) >= EVEN else "lbfgs"


def few(objective: Any) -> bool:
    """Whether an interior point method's iterations cost less than the many passes of dual coordinates over few columns."""
    most = 1000 if loss_name(objective) == "hinge" else 100_000   # a hinge leaves most of its samples out
    return bool(objective.n_features < min(objective.n_samples, 100) and objective.n_samples <= most)


def _second(name: str, objective: Any, penalty: Any) -> str | None:
    """Who goes on where a solver has not come to an end: columns far from 0 or of different scales, kinks that are all but sharp."""
    able = name != "interior-point" and "interior-point" in suitable(objective, penalty)
    return "interior-point" if able and objective.n_features <= 500 else None


def _by_samples(objective: Any) -> bool:
    """Whether a sample's row is short enough beside all columns, or samples with a margin are fewer than columns, and l2 is strong
    enough, for dual coordinates."""
    X = objective.X
    short = 50 * X.row_size < objective.n_features if X.is_sparse else (
        objective.n_samples <= objective.n_features and loss_name(objective) == "squared_hinge")
    return bool(short and not objective.turned and objective.columns is None and objective.l2 * objective.n_samples >= 0.01)


def hessian_passes(objective: Any) -> float:
    """The cost of a Hessian and its factor, in readings of X by a gradient; measured, in nanoseconds on one thread."""
    X, k, d = objective.X, objective.n_outputs, objective.n_features
    filled = X.row_size if not X.is_sparse else X.row_size * X.n / objective.n_samples   # CSC: X is turned
    spread = 0.005 * d * d + 1.3 * d
    row = k * filled * (2.0 if X.is_sparse else 0.2)
    products = k * (k + 1) / 2 * ((min(0.35 * filled * filled, spread) if X.is_sparse else spread) + 10 * d * d / objective.n_samples)
    factor = 0.015 * objective.n_params ** 3 / objective.n_samples
    return float((products + factor) / row)


def _finite(solution: Solution, origin: Vector) -> Solution:
    """Weights that are not finite are no solution: those of the start are, and numbers that overflowed are said to have."""
    if np.isfinite(solution.w).all():
        known = math.isfinite(solution.value)
        return solution if known or not solution.converged else solution._replace(converged=False, message=OVERFLOW)
    return solution._replace(w=origin, value=math.nan, violation=math.nan, gap=math.nan, converged=False, message=OVERFLOW)


def _remark(solution: Solution, objective: Any, penalty: Any) -> Solution:
    """Say so where all classes are right for certain, and nothing holds the weights back."""
    if penalty is None and objective.l2 == 0 and loss_name(objective) in _MARGINS:
        if 0 <= solution.value < math.log(2) / objective.n_samples:
            return solution._replace(message=f"{solution.message} {UNBOUNDED}")
    return solution
