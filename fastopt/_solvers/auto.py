"""solve(objective, penalty, solver): the front door to all solvers, and solver="auto".

Used by the estimators.  What solvers require and how they are found is in _solvers/registry.py; this module imports those that there are.
"""
from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import integer, number
from fastopt._solvers import piecewise, proximal, smooth, stochastic  # noqa: F401  each enters its solvers into the register
from fastopt.exceptions import InvalidParameterError
from fastopt.objective import LinearObjective
from fastopt.objective._hessian_softmax import row_cost, takes_products
from fastopt.penalties import Penalty

from .registry import (
    CONVERGED,
    LIMIT,
    OVERFLOW,
    PRECISION,
    UNBOUNDED,
    Callback,
    RandomState,
    Solution,
    Vector,
    find,
    refuse,
    registry,
    suitable,
    takes,
)
from .smooth.subsample import MIN_VALUES, condition, part_of, values
from .squares.conjugate import conjugate
from .squares.design_matrix import DesignMatrix, differ
from .squares.direct import direct

__all__ = ["Solution", "solve"]


#: preferred solvers of problems with a penalty that is not smooth, or a loss that is not, best first
_PREFERRED = ("cd", "fista", "sdca", "saga", "lbfgs")
#: passes or iterations after which an interior point method goes on, and the least tol that it is asked for
_FIRST_SOLVER_ITERATIONS = 200
_LEAST_TOL = 1e-9
#: nanoseconds for each row and output of a softmax
SOFTMAX_NS = 12.0
#: the relative gap that rounding allows
FINEST_GAP = 1e-8
#: condition number below which a method needs gradients alone
WELL_CONDITIONED = 10.0
#: A softmax takes whole Hessians if the mean squares of columns differ by more than this ratio and a Hessian costs fewer readings of X
#: than this: a part of the rows says little of rare classes in columns of different sizes.
MAX_SIZE_RATIO, CHEAP_HESSIAN = 10.0, 6.0
#: solvers that step one output at a time; for a loss that couples outputs "auto" chooses another
_OUTPUT_BY_OUTPUT = ("sag", "saga")
#: readings of X that a factor may cost for least squares; conjugate gradients take some twenty to some hundreds, by the condition
MAX_DENSE_PASSES, MAX_SPARSE_PASSES = 200.0, 25.0
#: solvers that read samples of X themselves; those that do not scale columns, and make little progress in columns of small numbers
STOCHASTIC = ("sag", "saga", "svrg", "katyusha", "sdca")
UNSCALED = (*STOCHASTIC, "fista")
#: how far predictions may still have to go in columns that are scaled to size 1, as a share of the way they have come
MAX_COLUMN_ERROR = 3e-3
NOT_SCALED = "Columns of small numbers are not solved for yet: scale the columns, or take another solver ('auto')."
#: losses whose minimum lies at infinity if classes are separable
_UNBOUNDED_LOSSES = ("log_loss", "binary_cross_entropy", "multinomial", "exponential")


def solve(objective: LinearObjective, penalty: Penalty | None = None, solver: str = "auto", w0: ArrayLike | None = None, tol: float = 1e-4,
          max_iter: int = 100, callback: Callback | None = None, random_state: RandomState = None, *,
          intercept_scaling: float | None = None, relative: bool = False, own: bool = False, chosen: str | None = None) -> Solution:
    """Minimise an objective, and a penalty of its coefficients.

    Parameters
    ----------
    objective : LinearObjective
    penalty : Penalty, optional
        Of `fastopt.penalties`; it stands beside the mean of the losses and the objective's own l2.
    solver : str
        ``"auto"`` or the name of a solver (docs/solvers.md); ``"sag"`` and ``"saga"`` of a multinomial objective are ``"auto"``.
    w0 : array_like of shape (n_params,), optional
        Where to start; default 0.
    tol : float, at least 0
        The largest element of the gradient, or with a penalty of its least subgradient, at the end; with an intercept, of columns
        without their means, where these lie far from 0 (`LinearObjective.centred`).
    max_iter : int
    callback : callable, optional
        Of a `Solution` after each iteration; ``StopIteration`` ends the run.
    random_state : int, Generator or None
        For solvers that draw rows.  None: the same seed each time.
    intercept_scaling : float, above 0, optional
        The intercept is this number times a weight that is penalised like the others.  Default: it is not penalised.  Taken by the
        solvers that `scales_intercept` finds.
    relative : bool
        `tol` is relative to the largest element of the gradient at w = 0 and the best intercept, of squared errors.
    own : bool
        Nobody else uses the objective, so that the run may leave it at its end.  Otherwise it is not touched: several threads can
        solve with one objective at once.
    chosen : str, optional
        What `choose` has said of this problem, if it was asked already.

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
    >>> from fastopt._solvers.auto import solve
    >>> objective = LinearObjective(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([1.0, 3.0, 2.0]), "squared_error")
    >>> solution = solve(objective, solver="newton-cholesky", tol=1e-10)
    >>> solution.w.round(6), solution.converged, solution.solver
    (array([1., 2.]), True, 'newton-cholesky')
    """
    tol, max_iter = number("tol", tol, at_least=0), integer("max_iter", max_iter, 0)
    if callback is not None and not callable(callback):
        raise InvalidParameterError(f"callback must be callable or None, got {callback!r}")
    w = _start(objective, w0)
    share, rest = _smooth_part(penalty)
    if share or not own:
        objective = objective.with_l2(objective.l2 + share)
    auto = solver == "auto" or solver in _OUTPUT_BY_OUTPUT and objective.loss.couples_outputs
    name = (chosen or choose(objective, rest, tol)) if auto else solver
    if not auto:
        find(name, objective, rest)
    given, mean = _centred(objective, name, intercept_scaling)
    name = _settle(name, given) if auto else name
    move = None if mean is None else _CentredWeights(given, mean)
    options: dict[str, Any] = _scaling(intercept_scaling, name, objective, rest)
    if relative and registry[name].needs.relative and rest is None:
        options["relative"] = True
    elif relative:
        tol = relative_to_start(tol, given)
    options |= {"tol": tol, "random_state": random_state, "callback": callback if move is None else move.told(callback)}
    second = _second(name, given, rest) if solver == "auto" and max_iter > 0 else None
    solution = _in_turn(name, second, given, rest, w.copy() if move is None else move.into(w), max_iter, options)
    if name in UNSCALED and rest is None and solution.converged and not _even(given, solution.w):
        solution = solution._replace(converged=False, message=NOT_SCALED)
    return _remark(_finite(solution if move is None else move.back(solution), w), objective, rest)


def _in_turn(name: str, second: str | None, objective: LinearObjective, penalty: Penalty | None, w: Vector, max_iter: int,
             options: dict[str, Any]) -> Solution:
    """A solver's solution; or that of a second one, which goes on if the first has not converged in _FIRST_SOLVER_ITERATIONS."""
    solution = registry[name].run(objective, penalty, w, max_iter=min(max_iter, _FIRST_SOLVER_ITERATIONS) if second else max_iter, **options)
    if second is None or solution.message not in (LIMIT, PRECISION) or max_iter <= solution.n_iter:
        return solution
    options = {**options, "tol": max(options["tol"], _LEAST_TOL)}
    further = registry[second].run(objective, penalty, w, max_iter=max_iter - solution.n_iter, **options)
    return further._replace(n_iter=solution.n_iter + further.n_iter)


def relative_to_start(tol: float, objective: LinearObjective) -> float:
    """`tol` times the largest element of the gradient of squared errors at w = 0 and the best intercept: its meaning depends neither on
    the unit nor on the origin of X and y."""
    given = objective.centred()
    w = np.zeros(given.n_params)
    g = given.gradient(w)
    if given.fit_intercept and abs(g[-1]) > 1e-9 * math.sqrt(2 * given.value(w)):
        w[-given.n_outputs:] = -g[-given.n_outputs:]
        g = given.gradient(w)
    largest = float(np.abs(g).max())
    return tol * largest if largest > 0 else tol


def least_squares(objective: LinearObjective, Y: Vector, strengths: Vector, solver: str, tol: float, max_iter: int
                  ) -> tuple[Vector, Solution]:
    """Least squares of several outputs at once, each with its own strength of l2: (d + intercept, k) parameters of the columns that
    `objective.centred()` has, and what is to be said of the worst of them.

    Parameters
    ----------
    objective : LinearObjective
        Of one output; its targets and l2 do not count.
    Y : ndarray of shape (n, k)
    strengths : ndarray of shape (k,)
    solver : str
        "newton-cholesky" or "newton-cg".
    tol : float
        The largest element of an output's gradient, relative to that at w = 0 and the best intercept.
    max_iter : int
    """
    given = objective.centred()
    if solver == "newton-cholesky":
        found = direct(given.with_l2(0.0), Y, strengths, tol, relative=True)
    else:
        several = given.with_l2(0.0).outputs(Y)
        found = conjugate(several, strengths, np.zeros(several.n_params), tol, max_iter, relative=True)
    worst = int(np.argmax(found.violation))
    return found.W, Solution(found.W[:, worst], math.nan, found.n_iter, float(found.violation[worst]), math.nan,
                             found.message == CONVERGED, found.message, solver)


def _centred(objective: LinearObjective, name: str, intercept_scaling: float | None) -> tuple[LinearObjective, Vector | None]:
    """The objective for a solver, and the means of its columns if they are centred; solvers that read samples get a centred copy."""
    if intercept_scaling is None and name in STOCHASTIC:
        return objective.centred_copy()
    if intercept_scaling is not None or not registry[name].needs.centred or objective.centred() is objective:
        return objective, None
    return objective.centred(), objective.centred().mean_


def _even(objective: LinearObjective, w: Vector) -> bool:
    """Whether least squares are solved in all columns, whatever their units: the gradient in columns of size 1, beside the way that
    predictions have come."""
    if objective.loss.name != "squared_error":
        return True
    zero = np.zeros_like(w)
    value, g = objective.value_and_gradient(w)
    start, first = objective.value_and_gradient(zero)
    if objective.fit_intercept:   # what an intercept alone gains is no way
        size = objective.n_outputs
        start -= 0.5 * float(first[-size:] @ first[-size:])
    sizes = np.tile(DesignMatrix(objective).squares() + objective.l2, objective.n_outputs)
    squares = float((g[:len(sizes)] ** 2 / np.maximum(sizes, 1e-300)).sum())
    return squares <= MAX_COLUMN_ERROR ** 2 * 2 * max(start - value, 0.0) or not np.any(g)


class _CentredWeights:
    """The way of weights between columns as they are and columns without their means: only the intercepts change."""

    def __init__(self, objective: LinearObjective, mean: Vector) -> None:
        self.mean, self.k, self.d = mean, objective.n_outputs, objective.n_features

    def _moved(self, w: Vector, sign: float) -> Vector:
        size, out = self.k * self.d, w.copy()
        out[size:] += sign * (w[:size].reshape(self.k, self.d) @ self.mean)
        return out

    def into(self, w: Vector) -> Vector:
        return self._moved(w, 1.0)

    def back(self, solution: Solution) -> Solution:
        return solution._replace(w=self._moved(solution.w, -1.0))

    def told(self, callback: Callback | None) -> Callback | None:
        return None if callback is None else lambda solution: callback(self.back(solution))


def scales_intercept(name: str) -> bool:
    """Whether a solver takes `intercept_scaling`."""
    return name in registry and registry[name].needs.scales_intercept


def _scaling(value: float | None, name: str, objective: LinearObjective, penalty: Penalty | None) -> dict[str, float]:
    """The keyword of a solver that takes `intercept_scaling`."""
    if value is None:
        return {}
    if not registry[name].needs.scales_intercept:
        refuse(name, "does not take intercept_scaling", objective, penalty)
    return {"intercept_scaling": number("intercept_scaling", value, above=0)}


def _start(objective: LinearObjective, w0: ArrayLike | None) -> Vector:
    """A float64 vector of the solver's own."""
    if w0 is None:
        return np.zeros(objective.n_params)
    w = np.array(w0, dtype=np.float64)
    if w.shape != (objective.n_params,) or not np.isfinite(w).all():
        raise InvalidParameterError(f"w0 must be finite and of shape ({objective.n_params},), got shape {w.shape}")
    return w


def _smooth_part(penalty: Penalty | None) -> tuple[float, Penalty | None]:
    """The strength of an L2 penalty that can be the objective's, and what is left of the penalty."""
    if penalty is not None and penalty.name == "l2" and set(penalty.params) <= {"alpha", "weights", "positive"}:
        plain = penalty.params.get("weights") is None and not penalty.params.get("positive", False)
        return (float(penalty.params["alpha"]), None) if plain else (0.0, penalty)
    return 0.0, penalty


def choose(objective: LinearObjective, penalty: Penalty | None, tol: float) -> str:
    """The solver that is expected to be the first, by measured rules (docs/solvers.md), before a look into X."""
    if penalty is None and takes("lbfgs", objective, None):
        return _smooth(objective, tol)
    if takes("augmented-lagrangian", objective, penalty) and few(objective):
        return "augmented-lagrangian"
    names = suitable(objective, penalty)
    if not names:
        refuse("auto", "finds none", objective, penalty)
    if "lbfgs" not in names and "interior-point" in names and ("sdca" not in names or few(objective)):
        return "interior-point"
    return next((name for name in _PREFERRED if name in names), names[0])


def _smooth(objective: LinearObjective, tol: float) -> str:
    """By what a Hessian costs, in readings of X."""
    squares, newton = objective.loss.name == "squared_error", takes("newton-cholesky", objective, None)
    if squares and not newton:
        return "newton-cg"
    many = "sdca" if not squares and takes("sdca", objective, None) and _by_samples(objective, tol) else "lbfgs"
    if not newton:
        return many
    hessian, rows = hessian_passes(objective), objective.n_samples / objective.n_params
    if squares:
        most = MAX_SPARSE_PASSES if objective.X.is_sparse else MAX_DENSE_PASSES
        return "newton-cholesky" if min(hessian, products_passes(objective)) < most else "newton-cg"
    if hessian < 3.5 or values(objective) < MIN_VALUES and hessian < 20:
        return "newton-cholesky"
    if rows >= (16 if hessian >= 20 else 32):
        return "preconditioned-cg"
    return "newton-cholesky" if hessian < 20 else many


def _settle(name: str, objective: LinearObjective) -> str:
    """The choice after a look at X: gradients alone, if a part of the rows shows that the problem is well conditioned."""
    part = part_of(objective, None) if name == "preconditioned-cg" else None
    if part is None:
        return name
    if objective.loss.couples_outputs and hessian_passes(objective) < CHEAP_HESSIAN and differ(DesignMatrix(part).squares(), MAX_SIZE_RATIO):
        return "newton-cholesky"
    return name if condition(part) >= WELL_CONDITIONED else "lbfgs"


def few(objective: LinearObjective) -> bool:
    """Whether Newton steps, of multipliers or of an interior point method, cost less than the many passes of dual coordinates."""
    most = 1000 if objective.loss.name == "hinge" and objective.X.is_sparse else 100_000   # most samples are left out, and rows short
    return bool(objective.n_features < min(objective.n_samples, 100) and objective.n_samples <= most)


def _second(name: str, objective: LinearObjective, penalty: Penalty | None) -> str | None:
    """The solver that goes on if the first does not converge: columns far from 0 or of different scales, kinks that are all but sharp."""
    able = name != "interior-point" and objective.n_features <= 500 and takes("interior-point", objective, penalty)
    return "interior-point" if able else None


def _by_samples(objective: LinearObjective, tol: float) -> bool:
    """Whether dual coordinates are expected to be the fastest: rows are short beside all columns, or samples with a margin are fewer than
    columns; and l2 is strong enough, as weights are known only to the root of the rounding of a gap."""
    X = objective.X
    short = 50 * X.row_size < objective.n_features if X.is_sparse else (
        objective.n_samples <= objective.n_features and objective.loss.name == "squared_hinge" and tol >= FINEST_GAP)
    return bool(short and not objective.transposed and objective.columns is None and objective.l2 * objective.n_samples >= 0.01)


def hessian_passes(objective: LinearObjective) -> float:
    """The cost of a Hessian and its factor, in readings of X by a gradient; measured, in nanoseconds on one thread."""
    X, k, d = objective.X, objective.n_outputs, objective.n_features
    filled = X.row_size if not X.is_sparse else X.row_size * X.n / objective.n_samples   # CSC: X is transposed
    spread = 0.005 * d * d + 1.3 * d
    row = k * filled * (2.0 if X.is_sparse else 0.2)
    pairs = k * (k + 1) / 2 if objective.loss.couples_outputs else k   # of outputs, which only a softmax couples
    products = pairs * ((min(0.35 * filled * filled, spread) if X.is_sparse else spread) + 10 * d * d / objective.n_samples)
    if objective.loss.couples_outputs:
        row += SOFTMAX_NS * k + 40
        products += k * (k + 1) / 2 * SOFTMAX_NS * k
        own = k, d + objective.fit_intercept, filled if X.is_sparse else None
        if objective.loss.name == "multinomial" and takes_products(*own):
            products = row_cost(*own)
    factor = 0.015 * objective.n_params ** 3 / objective.n_samples
    return float((products + factor) / row)


def products_passes(objective: LinearObjective) -> float:
    """The same of the products of rows, which least squares take where dense rows are fewer than columns."""
    n, d = objective.n_samples, objective.n_features
    return math.inf if objective.X.is_sparse or n >= d else 0.15 * n + 0.075 * n * n / d


def _finite(solution: Solution, origin: Vector) -> Solution:
    """Weights that are not finite are no solution: those of the start are, and numbers that overflowed are said to have."""
    if np.isfinite(solution.w).all():
        known = math.isfinite(solution.value)
        return solution if known or not solution.converged else solution._replace(converged=False, message=OVERFLOW)
    return solution._replace(w=origin, value=math.nan, violation=math.nan, gap=math.nan, converged=False, message=OVERFLOW)


def _remark(solution: Solution, objective: LinearObjective, penalty: Penalty | None) -> Solution:
    """Say so where all classes are right for certain, and nothing holds the weights back."""
    unpenalised = penalty is None and objective.l2 == 0 and objective.loss.name in _UNBOUNDED_LOSSES
    if unpenalised and 0 <= solution.value < math.log(2) / objective.n_samples:
        return solution._replace(message=f"{solution.message} {UNBOUNDED}")
    return solution
