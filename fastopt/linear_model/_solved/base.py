"""The base of the solver-based estimators: from the arguments of fit to objectives, solutions and fitted attributes.

Used by the modules of the estimators, which define what is learnt (`Task`), the strength of the penalty (`_convention`) and the
names of the results.  An error leaves the estimator unchanged.  It must know no solver: those are behind fastopt._solvers.auto.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

from fastopt._core.tables import Matrix
from fastopt._core.threads import checked_threads
from fastopt._estimators.data import Takes, check_weight, float_type, largest, sum_is_finite
from fastopt._estimators.docs import arguments
from fastopt._estimators.params import check_parameters
from fastopt._estimators.sklearn import FIT_LEVELS, Events, blas_alone, with_callbacks
from fastopt._estimators.types import Array, Attributes, Features, Fold, PenaltyPair, RowWeights, Samples, SampleWeight, TargetValues
from fastopt._estimators.unchanged import unchanged_on_error
from fastopt._solvers.registry import ROUNDED, UNBOUNDED, Solution
from fastopt.exceptions import DivergenceError
from fastopt.linear_model._shared.base import LinearEstimator
from fastopt.losses import Loss
from fastopt.objective import LinearObjective, predictions
from fastopt.penalties import Penalty

from .folds import rows_of, with_weight
from .params import ALIASES, CONVENTIONS, choose, complaint, penalty_of, relative_to_start, scales_intercept, solve

if TYPE_CHECKING:
    from typing import Self

#: iterations at most where max_iter is None
MAX_ITER = 1000
#: how much larger than tol rounding to the type of X may leave the violation
ROUNDING_MARGIN = 2.0
#: what must be finite
FINITE_ATTRIBUTES = ("coef_", "intercept_", "scale_", "alpha_", "C_")


@dataclass
class Task:
    """What to learn from X: one objective for each of the targets."""
    targets: Any                             # each of shape (n,)
    weights: list[Any]                       # of the rows for each target: (n,), or None
    loss: Loss
    attributes: dict[str, Any] = field(default_factory=dict)   # what the estimator learns by looking at y
    matrix: Array | None = None              # of several columns of y: (n, k)
    column: bool = False                     # y is a matrix of a single column
    origins: float | Array = 0.0             # what the targets count from, each: added to the intercepts in the end
    folds: list[Fold] = field(default_factory=list)   # of cross-validation: (rows to learn from, rows to score)
    counts: Array | None = None              # which rows of all have a weight, (n,) of bool: the others are left out; None: all
    whole: tuple[Samples, Array] | None = None   # X and y with those that are left out; None: there are none

    def counting(self, X: Samples, y: Array) -> Samples:
        """Remove the rows of weight 0 from the task, and return X without them; they may hold any value."""
        if any(weight is None for weight in self.weights):
            return X
        counts = np.any([weight > 0 for weight in {id(weight): weight for weight in self.weights}.values()], axis=0)
        if counts.all():
            return X
        self.counts, rows, self.whole = counts, np.flatnonzero(counts), (X, y)
        if self.folds:
            self.folds = with_weight(self.folds, counts)
        every = np.unique(self.targets[0]) if self.loss.couples_outputs else self.targets[0][:0]
        self.targets, self.weights = ([array[rows] for array in arrays] for arrays in (self.targets, self.weights))
        self.matrix = None if self.matrix is None else self.matrix[rows]
        lost = np.setdiff1d(every, self.targets[0])
        if lost.size:   # classes of which all rows weigh nothing stay classes, by a row each that weighs nothing either
            rows = np.append(rows, np.repeat(rows[:1], lost.size))
            self.targets = [np.append(self.targets[0], lost)]
            self.weights = [np.append(self.weights[0], np.zeros_like(self.weights[0], shape=lost.size))]
        return rows_of(X, rows)

    def of_all(self, values: Array, other: float) -> Array:
        """Values of the rows with weight, extended to all rows; the others get `other`."""
        if self.counts is None:
            return values
        found = np.full((len(self.counts), *values.shape[1:]), other, dtype=values.dtype)
        found[self.counts] = values[:np.count_nonzero(self.counts)]
        return found


@dataclass
class FittedWeights:
    """The solutions of all objectives: (k, d) coefficients and (k,) intercepts of all outputs."""
    coef: Array
    intercept: Array
    solutions: list[Solution]

    @property
    def n_iter(self) -> int:
        return max(solution.n_iter for solution in self.solutions)


class WithIntercept(NamedTuple):
    """X, and how a penalised intercept is represented."""

    X: Samples
    column: float | None = None               # the value of the last column of X, whose weight makes the intercept
    scaling: float | None = None              # or that of a column which the solver adds on its own
    first: LinearObjective | None = None      # the objective of the first target, if it was needed to tell,
    chosen: str | None = None                 # and the solver that is "auto" for it


def with_column(X: Samples, value: float) -> Samples:
    """A copy of X with one more column, of this value, whose weight is a penalised intercept."""
    column = np.full((X.shape[0], 1), value, dtype=float_type(X))
    if isinstance(X, np.ndarray):
        return np.hstack([X, column])
    return scipy.sparse.hstack([X, column], format=X.format)


def split(coef: Array, intercept: Array, column: float | None) -> tuple[Array, Array]:
    """(k, d) coefficients and (k,) intercepts, where the last column of X may stand for the intercept."""
    return (coef, intercept) if column is None else (coef[:, :-1], coef[:, -1] * column)


def violation_at(objective: LinearObjective, coef: Array, intercept: Array) -> float:
    """The largest element of the gradient."""
    return float(np.abs(objective.gradient(np.concatenate([coef.ravel(), intercept]))).max())


class SolvedEstimator(LinearEstimator):
    """An estimator whose weights are the minimum of an objective, found by `fastopt._solvers.auto`."""

    _takes = Takes(wide=True)
    _convention: ClassVar[str] = "mean"
    _solver_in_warnings: ClassVar[str] = "auto"   # the solver that warnings name with solver="auto"
    n_iter_: Any
    intercept_: Any

    @with_callbacks
    @arguments
    def fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight = None) -> Self:
        """Learn from data.

        [arguments]

        [self]

        [raises]
        """
        return self._fit(X, y, sample_weight)

    def _fit(self, X: Features, y: TargetValues, sample_weight: SampleWeight) -> Self:
        self._check()
        self._learn(X, y, sample_weight, Events(self, X, y, sample_weight, max(1, self._max_iter()) + 1))
        return self

    # ---- what the estimators define ----

    def _check(self) -> None:
        check_parameters(type(self).__name__, self._rules, vars(self))

    def _task(self, X: Samples, y: Array, weight: RowWeights) -> Task:
        raise NotImplementedError

    def _folds(self, X: Samples, y: Array) -> list[Fold]:
        """The folds of cross-validation, or none."""
        return []

    def _attributes(self, found: FittedWeights) -> Attributes:
        """The fitted attributes."""
        return {**self._named(found.coef, found.intercept), "n_iter_": found.n_iter}

    def _penalty(self, strength: float) -> PenaltyPair:
        """The l2 strength of the objective, and the penalty beside it."""
        return penalty_of(strength, 0.0)

    def _column(self) -> float | None:
        """The value of the column that stands for a penalised intercept, or None."""
        return None

    def _tolerance(self, objective: LinearObjective) -> float:
        """The tolerance of the solver."""
        return float(vars(self)["tol"])

    def _relative(self) -> bool:
        """Whether `tol` is relative to the gradient at w = 0."""
        return False

    def _first(self, task: Task, i: int, k: int) -> Array:
        """Intercepts to start from."""
        return np.zeros(k)

    def _from_origins(self, task: Task) -> Task:
        """The same task with centred targets, if the loss and the intercept allow that."""
        return task

    def _max_iter(self) -> int:
        limit = vars(self)["max_iter"]
        return MAX_ITER if limit is None else int(limit)

    def _n_threads(self) -> int | None:
        """What was asked for: how many that is, is found where there is work for more than one."""
        jobs = vars(self).get("n_jobs")
        return checked_threads(None if jobs is None else int(jobs), "n_jobs")

    # ---- from arguments to a solution ----

    def _learn(self, X: Features, y: TargetValues, weight: SampleWeight, events: Events) -> None:
        """Compute, assign the attributes, then warn."""
        with unchanged_on_error(self), np.errstate(all="ignore"):   # what overflows is looked for at the end
            X, y = self._read(X, y)
            weight = check_weight(weight, X)
            task = self._task(X, y, weight)
            task.folds = self._folds(X, y)
            X = task.counting(X, y)
            with blas_alone():
                found = self._solve(X, task, events)
            attributes = self._learnt(task, found)
            self.__dict__.update(attributes)
            self._refuse_infinite(X)
        self._report(found)
        events.end(attributes)

    def _learnt(self, task: Task, found: FittedWeights) -> Attributes:
        """All fitted attributes.  As in scikit-learn, the intercept is an array if y is a matrix with a single column."""
        attributes = {**task.attributes, **self._attributes(found)}
        if task.column and isinstance(attributes["intercept_"], np.floating):
            attributes["intercept_"] = np.array([attributes["intercept_"]])
        return attributes

    def _refuse_infinite(self, X: Samples) -> None:
        """Raise if a fitted attribute is not finite, for example if float32 cannot hold the weights."""
        learnt = [vars(self)[name] for name in FINITE_ATTRIBUTES if name in vars(self)]
        if not all(sum_is_finite(np.asarray(values)) or np.isfinite(values).all() for values in learnt):
            raise DivergenceError(int(np.max(vars(self).get("n_iter_", 0))), float("nan"), largest(X))

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        """Solve one objective after the other."""
        task = self._from_origins(task)
        totals = np.array([X.shape[0] if weight is None else np.sum(weight, dtype=np.float64) for weight in task.weights])
        strengths = CONVENTIONS[self._convention](vars(self), totals) + np.zeros(len(totals))
        penalties = [self._penalty(float(strength)) for strength in strengths]
        X, column, scaling, first, chosen = self._with_intercept(X, task, penalties[0])
        origins = task.origins + np.zeros(len(totals))
        parts, solutions, dtype = [], [], float_type(X)
        for i, (l2, penalty) in enumerate(penalties):
            objective = self._objective(X, task, i, l2, column) if i or first is None else first
            solution = solve(objective, penalty, solver=self._solver_name(), w0=self._start(objective, task, i, column),
                             tol=self._tolerance(objective), max_iter=self._max_iter(),
                             callback=self._callback(events, self._reached(objective, task, column)),
                             random_state=vars(self).get("random_state"), intercept_scaling=scaling, relative=self._relative(),
                             chosen=None if i else chosen)
            coef, intercept, solution = self._in_type_of(objective, penalty, solution, origins[i])
            solutions.append(solution)
            parts.append(split(coef, intercept, column))
            self._close(events, solution)
        coef, intercept = (np.concatenate(rows) for rows in zip(*parts))
        return FittedWeights(coef.astype(dtype), (intercept + task.origins).astype(dtype), solutions)

    def _in_type_of(self, objective: LinearObjective, penalty: Penalty | None, solution: Solution,
                    origin: float) -> tuple[Array, Array, Solution]:
        """Coefficients and intercepts in the type of X, and the solution with the violation that they have.

        Where columns of float32 lie far from 0, rounding a coefficient shifts all predictions.  The intercept is corrected for that
        as far as its precision allows, and the gradient is computed again.
        """
        coef, intercept = objective.unstandardized(solution.w)
        if objective.dtype == np.float64:
            return coef, intercept, solution
        given: Any = objective.centred()
        if given is objective:
            return coef, intercept, solution
        rounded = coef.astype(np.float32).astype(np.float64)
        intercept = intercept + (coef - rounded) @ given.mean_
        if solution.converged and penalty is None:
            held = (intercept + origin).astype(np.float32) - origin + rounded @ given.mean_
            violation = violation_at(given, rounded, held)
            tol = self._tolerance(objective)
            limit = ROUNDING_MARGIN * (relative_to_start(tol, objective) if self._relative() else tol)
            # a solver that goes by the gap may leave a gradient that no rounding has made
            by_gap = violation > limit and objective.loss.smooth and np.isnan(solution.violation)
            if violation > (ROUNDING_MARGIN * violation_at(given, coef, intercept + rounded @ given.mean_) if by_gap else limit):
                solution = solution._replace(converged=False, violation=violation, message=ROUNDED)
        return rounded, intercept, solution

    def _with_intercept(self, X: Samples, task: Task, strength: PenaltyPair) -> WithIntercept:
        """X for the objectives: a copy with a column only if the intercept is penalised and the solver cannot do that itself."""
        value, (l2, penalty) = self._column(), strength
        if value is None:
            return WithIntercept(X)
        objective = self._objective(X, task, 0, l2, None)
        solver = self._solver_name()
        chosen = choose(objective, penalty, self._tolerance(objective)) if solver == "auto" else None
        if scales_intercept(chosen or solver):
            return WithIntercept(X, scaling=value, first=objective, chosen=chosen)
        return WithIntercept(with_column(X, value), column=value)

    def _objective(self, X: Samples, task: Task, i: int, l2: float, column: float | None) -> LinearObjective:
        fit_intercept = bool(vars(self)["fit_intercept"]) and column is None
        standardize = bool(vars(self).get("standardize", False))
        if getattr(X, "format", "") == "csr" and not standardize:
            X = Matrix(X, checked=True)
        return LinearObjective(X, task.targets[i], task.loss, l2=l2, fit_intercept=fit_intercept,
                               sample_weight=task.weights[i], n_threads=self._n_threads(),
                               standardize=standardize)

    def _solver_name(self) -> str:
        name = vars(self).get("solver", "auto")
        return str(ALIASES.get(name, name))

    def _start(self, objective: LinearObjective, task: Task, i: int, column: float | None) -> Array:
        """The weights of the earlier fit, or 0 with the intercepts of `_first`."""
        k, d = objective.n_outputs, objective.n_features - (column is not None)
        if self._warm():
            coef, intercept = self._coef_rows(), self._intercepts()
            self._refuse_other_shape(coef, len(task.targets) * k, d)
            coef, intercept = coef[i * k:(i + 1) * k], (intercept - task.origins)[i * k:(i + 1) * k]
        else:
            coef, intercept = np.zeros((k, d)), self._first(task, i, k) if self._max_iter() else np.zeros(k)
        if column is not None:
            return np.hstack([coef, intercept[:, None] / column]).ravel()
        if objective.mean_ is not None:
            intercept = intercept + coef @ objective.mean_
        if objective.scale_ is not None:
            coef = coef * objective.scale_
        return np.concatenate([coef.ravel(), intercept]) if objective.fit_intercept else coef.ravel()

    def _reached(self, objective: LinearObjective, task: Task, column: float | None) -> Callable[[Solution], Attributes]:
        """The fitted attributes of an intermediate solution; none while other outputs are not yet learnt."""
        def attributes(solution: Solution) -> Attributes:
            if len(task.targets) > 1:
                return {}
            coef, intercept = split(*objective.unstandardized(solution.w), column)
            return self._learnt(task, FittedWeights(coef, intercept + task.origins, [solution]))
        return attributes

    def _callback(self, events: Events, attributes: Callable[[Solution], Attributes]) -> Callable[[Solution], None] | None:
        """A callback for the solver that tells scikit-learn's callbacks when an iteration ends and the next one begins."""
        if not events.wanted:
            return None

        def after(solution: Solution) -> None:
            stop = events.end_epoch(lambda: attributes(solution))
            events.begin_epoch()
            if stop:
                raise StopIteration
        events.begin_epoch()
        return after

    def _close(self, events: Events, solution: Solution) -> None:
        """End the last iteration; as in scikit-learn there is at least one, and the last one does not run."""
        if not events.wanted:
            return
        events.end_epoch(dict)
        if not solution.n_iter:
            events.begin_epoch()
            events.end_epoch(dict)

    # ---- the report ----

    def _report(self, found: FittedWeights) -> None:
        """Print the solutions if `verbose`, and warn if one has not converged."""
        for solution in found.solutions:
            if vars(self).get("verbose", 0):
                print(f"{solution.solver}: {solution.n_iter} iterations, objective {solution.value:.10g}, violation "
                      f"{solution.violation:.3g}: {solution.message}")
        failed = [solution for solution in found.solutions if not solution.converged or UNBOUNDED in solution.message]
        if failed:
            worst = max(failed, key=lambda solution: np.nan_to_num(solution.violation, nan=-1.0))
            how, size = ("Violation", worst.violation) if not np.isnan(worst.violation) else ("Duality gap", worst.gap)
            asked = vars(self).get("solver", "auto")
            message = complaint(self._solver_in_warnings if asked == "auto" else asked, worst)
            warnings.warn(f"{message} {how} {size:.3g}, tol={vars(self).get('tol')}. "
                          "Increase the number of iterations (max_iter) or "
                          "scale the data, see sklearn.preprocessing.", ConvergenceWarning, stacklevel=5 + FIT_LEVELS)

    def _products(self, X: Samples) -> Array:
        return predictions(X, self._coef_rows(), self._prediction_intercepts(), self._n_threads())
