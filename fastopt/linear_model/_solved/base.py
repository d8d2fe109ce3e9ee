"""What the estimators that a solver finishes have in common: from fit's arguments to objectives, solutions and attributes.

Used by the modules of the estimators, which say what they learn (`Task`), how strong the penalty is (`_convention`) and what the
outcome is called.  Whatever goes wrong leaves the estimator as it was.  Knows no solver: those are behind fastopt._solvers.auto.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from fastopt._core.tables import Matrix
from fastopt._core.threads import resolve_threads
from fastopt._solvers.registry import ROUNDED, UNBOUNDED, Solution
from fastopt.exceptions import DivergenceError
from fastopt.linear_model._shared.base import LinearEstimator, unchanged_on_error
from fastopt.linear_model._shared.data import check_weight, check_X, float_type, largest, sum_is_finite
from fastopt.linear_model._shared.docs import arguments
from fastopt.linear_model._shared.params import check_parameters
from fastopt.linear_model._shared.sklearn import FIT_LEVELS, Events, blas_alone, with_callbacks
from fastopt.losses import Loss
from fastopt.objective import LinearObjective, predictions

from .folds import rows_of, with_weight
from .params import ALIASES, CONVENTIONS, complaint, penalty_of, relative_to_start, scales_intercept, solve

if TYPE_CHECKING:
    from typing import Self

#: iterations at most where max_iter is None
MAX_ITER = 1000
#: how much larger than tol rounding to the type of X may leave the violation
MARGIN = 2.0
#: what must be finite
LEARNT = ("coef_", "intercept_", "scale_", "alpha_", "C_")


@dataclass
class Task:
    """What is to be learnt from X: one objective for each of the targets."""
    targets: Any                             # each of shape (n,)
    weights: list[Any]                       # of the rows for each target: (n,), or None
    loss: Loss
    attributes: dict[str, Any] = field(default_factory=dict)   # what the estimator learns by looking at y
    matrix: Any = None                       # of several columns of y: (n, k)
    column: bool = False                     # y is a matrix of a single column
    origins: Any = 0.0                       # what the targets count from, each: added to the intercepts in the end
    folds: Any = None                        # of cross-validation: (rows to learn from, rows to score)
    counts: Any = None                       # which rows of all have a weight, (n,) of bool: the others are left out; None: all
    whole: Any = None                        # X and y with those that are left out; None: there are none

    def counting(self, X: Any, y: Any) -> Any:
        """X and, here, what belongs to its rows without those that weigh nothing: whatever stands in them, they do not exist."""
        if any(weight is None for weight in self.weights):
            return X
        counts = np.any([weight > 0 for weight in {id(weight): weight for weight in self.weights}.values()], axis=0)
        if counts.all():
            return X
        self.counts, rows, self.whole = counts, np.flatnonzero(counts), (X, y)
        if self.folds is not None:
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

    def of_all(self, values: Any, other: Any) -> Any:
        """What belongs to the rows that count, for all rows: the others have another value."""
        if self.counts is None:
            return values
        found = np.full((len(self.counts), *values.shape[1:]), other, dtype=values.dtype)
        found[self.counts] = values[:np.count_nonzero(self.counts)]
        return found


@dataclass
class Found:
    """Solutions of all objectives: (k, d) coefficients and (k,) intercepts of all outputs."""
    coef: Any
    intercept: Any
    solutions: list[Solution]

    @property
    def n_iter(self) -> int:
        return max(solution.n_iter for solution in self.solutions)


def with_column(X: Any, value: float) -> Any:
    """A copy of X with a column more, of this value: an intercept that is penalised like the rest."""
    column = np.full((X.shape[0], 1), value, dtype=float_type(X))
    if scipy.sparse.issparse(X):
        return scipy.sparse.hstack([X, column], format=X.format)
    return np.hstack([X, column])


def split(coef: Any, intercept: Any, column: float | None) -> tuple[Any, Any]:
    """(k, d) coefficients and (k,) intercepts, of which a column of X may be one."""
    return (coef, intercept) if column is None else (coef[:, :-1], coef[:, -1] * column)


class SolvedEstimator(LinearEstimator):
    """An estimator whose weights are the minimum of an objective, found by `fastopt._solvers.auto`."""

    _convention: ClassVar[str] = "mean"
    _only: ClassVar[str] = "auto"   # what scikit-learn's only solver is called among those who complain
    n_iter_: Any
    intercept_: Any

    @with_callbacks
    @arguments
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from data.

        Parameters
        ----------
        [arguments]

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If a parameter or an argument is not as described; the message names it.
        """
        return self._fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        self._check()
        self._learn(X, y, sample_weight, Events(self, X, y, sample_weight, max(1, self._max_iter()) + 1))
        return self

    # ---- what the estimators answer ----

    def _check(self) -> None:
        check_parameters(type(self).__name__, self._rules, vars(self))

    def _read(self, X: Any, y: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def _task(self, X: Any, y: Any, weight: Any) -> Task:
        raise NotImplementedError

    def _folds(self, X: Any, y: Any) -> Any:
        """The rows of the folds of cross-validation, if there are any."""
        return None

    def _attributes(self, found: Found) -> dict[str, Any]:
        """The fitted attributes."""
        return {**self._named(found.coef, found.intercept), "n_iter_": found.n_iter}

    def _penalty(self, strength: float) -> tuple[float, Any]:
        """l2 of the objective, and the penalty beside it."""
        return penalty_of(strength, 0.0)

    def _column(self) -> float | None:
        """The value of a column that stands for a penalised intercept, or None.  X is copied for it unless the solver takes it."""
        return None

    def _tolerance(self, objective: LinearObjective) -> float:
        """What `tol` means to a solver."""
        return float(vars(self)["tol"])

    def _relative(self) -> bool:
        """Whether `tol` is relative to the gradient at w = 0."""
        return False

    def _first(self, task: Task, i: int, k: int) -> Any:
        """Intercepts to start from."""
        return np.zeros(k)

    def _from_origins(self, task: Task) -> Task:
        """The same task, with targets that count from where an intercept would be best alone, if the losses allow that."""
        return task

    def _max_iter(self) -> int:
        limit = vars(self)["max_iter"]
        return MAX_ITER if limit is None else int(limit)

    def _n_threads(self) -> int:
        jobs = vars(self).get("n_jobs")
        return resolve_threads(None if jobs is None else int(jobs), "n_jobs")

    # ---- from arguments to a solution ----

    def _learn(self, X: Any, y: Any, weight: Any, events: Events) -> None:
        """Compute, assign, then complain."""
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

    def _learnt(self, task: Task, found: Found) -> dict[str, Any]:
        """All fitted attributes; as in scikit-learn the intercept is an array where y is a matrix of a single column."""
        attributes = {**task.attributes, **self._attributes(found)}
        if task.column and isinstance(attributes["intercept_"], np.floating):
            attributes["intercept_"] = np.array([attributes["intercept_"]])
        return attributes

    def _refuse_infinite(self, X: Any) -> None:
        """Raise if what was learnt is not finite, as weights that float32 cannot hold."""
        learnt = [vars(self)[name] for name in LEARNT if name in vars(self)]
        if not all(sum_is_finite(np.asarray(values)) or np.isfinite(values).all() for values in learnt):
            raise DivergenceError(int(np.max(vars(self).get("n_iter_", 0))), float("nan"), largest(X))

    def _solve(self, X: Any, task: Task, events: Events) -> Found:
        """One objective after the other."""
        task = self._from_origins(task)
        totals = np.array([X.shape[0] if weight is None else np.sum(weight, dtype=np.float64) for weight in task.weights])
        strengths = CONVENTIONS[self._convention](vars(self), totals) + np.zeros(len(totals))
        X, column, scaling, first = self._with_intercept(X, task, *self._penalty(float(strengths[0])))
        origins = task.origins + np.zeros(len(totals))
        parts, solutions, dtype = [], [], float_type(X)
        for i, strength in enumerate(strengths):
            l2, penalty = self._penalty(float(strength))
            objective = self._objective(X, task, i, l2, column) if i or first is None else first
            solution = solve(objective, penalty, solver=self._solver_name(), w0=self._start(objective, task, i, column),
                             tol=self._tolerance(objective), max_iter=self._max_iter(),
                             callback=self._callback(events, self._reached(objective, task, column)),
                             random_state=vars(self).get("random_state"), intercept_scaling=scaling, relative=self._relative())
            coef, intercept, solution = self._in_type_of(objective, penalty, solution, origins[i])
            solutions.append(solution)
            parts.append(split(coef, intercept, column))
            self._close(events, solution)
        coef, intercept = (np.concatenate(rows) for rows in zip(*parts))
        return Found(coef.astype(dtype), (intercept + task.origins).astype(dtype), solutions)

    def _in_type_of(self, objective: LinearObjective, penalty: Any, solution: Solution,
                    origin: float) -> tuple[Any, Any, Solution]:
        """Coefficients and intercepts for X, and what is to be said of them.  In float32 columns that lie far from 0 make much of the
        last digit of a coefficient: the intercept makes up for it, as far as it has digits, and the gradient is looked at again."""
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
            violation = float(np.abs(given.gradient(np.concatenate([rounded.ravel(), held]))).max())
            tol = self._tolerance(objective)
            if violation > MARGIN * (relative_to_start(tol, objective) if self._relative() else tol):
                solution = solution._replace(converged=False, violation=violation, message=ROUNDED)
        return rounded, intercept, solution

    def _with_intercept(self, X: Any, task: Task, l2: float,
                        penalty: Any) -> tuple[Any, float | None, float | None, LinearObjective | None]:
        """(X, column, scaling, first): X with a column where an intercept is penalised, and its value; or X, what the solver is told,
        and the first objective, if it is known already."""
        value = self._column()
        if value is None:
            return X, None, None, None
        objective = self._objective(X, task, 0, l2, None)
        if scales_intercept(objective, penalty, self._solver_name(), self._tolerance(objective)):
            return X, None, value, objective
        return with_column(X, value), value, None, None

    def _objective(self, X: Any, task: Task, i: int, l2: float, column: float | None) -> LinearObjective:
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

    def _start(self, objective: LinearObjective, task: Task, i: int, column: float | None) -> Any:
        """The weights of the earlier fit, or 0 with intercepts that `_first` names."""
        k, d = objective.n_outputs, objective.n_features - (column is not None)
        if vars(self).get("warm_start", False) and hasattr(self, "coef_"):
            coef, intercept = self._coef_rows(), self._intercepts()
            outputs = len(task.targets) * k
            if coef.shape != (outputs, d):
                raise ValueError(f"the weights learnt before have shape {coef.shape}, which does not match dataset: X and y need "
                                 f"{(outputs, d)}; fit without warm_start")
            coef, intercept = coef[i * k:(i + 1) * k], (intercept - task.origins)[i * k:(i + 1) * k]
        else:
            coef, intercept = np.zeros((k, d)), self._first(task, i, k) if self._max_iter() else np.zeros(k)
        if column is not None:
            return np.hstack([coef, intercept[:, None] / column]).ravel()
        if objective.mean_ is not None:
            intercept, coef = intercept + coef @ objective.mean_, coef * objective.scale_
        return np.concatenate([coef.ravel(), intercept]) if objective.fit_intercept else coef.ravel()

    def _reached(self, objective: LinearObjective, task: Task, column: float | None) -> Callable[[Solution], dict[str, Any]]:
        """The attributes of a solution on the way; none where other outputs are not yet learnt."""
        def attributes(solution: Solution) -> dict[str, Any]:
            if len(task.targets) > 1:
                return {}
            coef, intercept = split(*objective.unstandardized(solution.w), column)
            return self._learnt(task, Found(coef, intercept + task.origins, [solution]))
        return attributes

    def _callback(self, events: Events, attributes: Callable[[Solution], dict[str, Any]]) -> Callable[[Solution], None] | None:
        """What scikit-learn's callbacks want to know: an iteration ends, with these attributes, and the next one begins."""
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
        """End what has begun: as in scikit-learn, there is one iteration at least, and at the end one that never runs."""
        if not events.wanted:
            return
        events.end_epoch(dict)
        if not solution.n_iter:
            events.begin_epoch()
            events.end_epoch(dict)

    # ---- what came of it ----

    def _report(self, found: Found) -> None:
        """Print what was found, if that is wanted, and warn of what was not."""
        for solution in found.solutions:
            if vars(self).get("verbose", 0):
                print(f"{solution.solver}: {solution.n_iter} iterations, objective {solution.value:.10g}, violation "
                      f"{solution.violation:.3g}: {solution.message}")
        failed = [solution for solution in found.solutions if not solution.converged or UNBOUNDED in solution.message]
        if failed:
            worst = max(failed, key=lambda solution: np.nan_to_num(solution.violation, nan=-1.0))
            how, size = ("Violation", worst.violation) if not np.isnan(worst.violation) else ("Duality gap", worst.gap)
            asked = vars(self).get("solver", "auto")
            warnings.warn(f"{complaint(self._only if asked == 'auto' else asked, worst)} {how} {size:.3g}, tol={vars(self).get('tol')}. "
                          "Increase the number of iterations (max_iter) or "
                          "scale the data, see sklearn.preprocessing.", ConvergenceWarning, stacklevel=5 + FIT_LEVELS)

    def _raw(self, X: Any) -> Any:
        check_is_fitted(self, "coef_")
        return predictions(check_X(self, X, wide=True), self._coef_rows(), self._prediction_intercepts(), self._n_threads())
