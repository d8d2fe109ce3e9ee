"""LassoCV and ElasticNetCV, and the loop over folds and strengths that all cross-validated estimators share.

Used through linear_model.  A fold is an objective over some rows: X is not copied.  Strengths are solved from the strongest on,
each from the weights of the one before.
"""
from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fastopt._estimators.sklearn import FIT_LEVELS, Events
from fastopt._estimators.types import Array, Attributes, CrossValidation, Fold, PenaltyPair, Precompute, RandomState, Samples, StrengthGrid
from fastopt._solvers.paths.folds import Folds, apart, shares_steps, smooth_and_l1
from fastopt._solvers.paths.least_squares import fold_sums
from fastopt._solvers.paths.pairs import keeps_pairs, with_pairs
from fastopt._solvers.registry import Solution
from fastopt.exceptions import InvalidParameterError
from fastopt.objective import LinearObjective

from .base import FittedWeights, Task
from .docs import solved
from .folds import FitByFolds, check_strengths, folds_of
from .lasso import LeastSquares
from .params import ELASTIC_CV, LASSO_CV, penalty_of, solve

WORDS: dict[str, Any] = {"n_iter_more": " in the last fit", "gap_type": "float", "gap": "The duality gap at the end of the last fit.",
         "tol_means": "The duality gap over the mean square of y at which the solver is done."}


N_ALPHAS = 100   # how many strengths, by default
FEW_HELD = 1 << 18   # numbers of dense rows that are copied, for BLAS


class HeldOutFold(NamedTuple):
    """A solution for one fold, and its predictions of the held-out rows."""

    solution: Solution
    p: Array        # (m, k) raw predictions
    rows: Array     # (m,) of int32
    grid: int       # its number
    strength: int   # its number


#: strengths, the strongest first
Grid: TypeAlias = "list[PenaltyPair]"
#: solutions, and their predictions of the held-out rows
Scored: TypeAlias = "list[tuple[Solution, Array]]"
#: from grids and starting points, by fold, to solutions, by fold
Walk: TypeAlias = "Callable[[Sequence[Grid], list[Array]], Iterable[Scored]]"


class SolverOptions(NamedTuple):
    """The options of `solve` that are the same for all folds and strengths."""

    solver: str
    tol: float
    max_iter: int
    random_state: RandomState


def along(objective: LinearObjective, strengths: Iterable[PenaltyPair], w: Array,
          **options: Any) -> Iterable[Solution]:
    """The solutions for each (l2, penalty), each started at the one before."""
    for l2, penalty in strengths:
        objective = objective.with_l2(l2)
        solution = solve(objective, penalty, w0=w, **options)
        w = solution.w
        yield solution


def over_folds(objective: LinearObjective, folds: list[Fold], grids: Callable[[Array], list[Grid]],
               score: Callable[[list[HeldOutFold]], list[float]], start: Callable[[Array], Array],
               options: SolverOptions) -> tuple[list[list[list[float]]], list[list[list[Solution]]]]:
    """Scores and solutions, by fold, then grid, then strength.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows.
    folds : list of (rows to learn from, rows to score)
    grids : callable
        From the rows of a fold to lists of (l2, penalty), strongest first.
    score : callable
        From what is held out, for one strength after the other, to what is wanted.
    start : callable
        From the rows of a fold to where to start.
    options : SolverOptions
    """
    strengths = [grids(train) for train, _ in folds]
    walks = _walks(objective, folds, strengths[0], options)
    starts = [start(train) for train, _ in folds]
    solutions: list[list[list[Solution]]] = [[] for _ in folds]
    scores: list[list[list[float]]] = [[] for _ in folds]
    for at, (walk, *grid) in enumerate(zip(walks, *strengths)):
        for i, found in enumerate(walk(grid, starts)):
            solutions[i].append([solution for solution, _ in found])
            scores[i].append(score([HeldOutFold(solution, p, folds[i][1], at, j) for j, (solution, p) in enumerate(found)]))
    return scores, solutions


def _walks(objective: LinearObjective, folds: list[Fold], grids: list[Grid], options: SolverOptions) -> list[Walk]:
    """A function for each grid, which solves all folds."""
    solver, tol = options.solver, options.tol
    one = apart(objective.n_samples, folds)
    sums = fold_sums(objective, [test for _, test in folds]) if one and solver in ("auto", "cd") else None

    def alone(grids: Sequence[Grid], starts: list[Array]) -> Iterable[Scored]:
        for i, (train, test) in enumerate(folds):
            found = list(along(objective.rows(train), grids[i], starts[i], **options._asdict()) if sums is None
                         else sums[i].path(grids[i], starts[i], tol, options.max_iter))
            yield list(zip(found, _predictions(objective.rows(test), found)))

    def together(grids: Sequence[Grid], starts: list[Array]) -> Iterable[Scored]:
        walk = Folds(objective, folds, starts, tol, options.max_iter)
        return map(list, zip(*walk.path([[strengths for strength in grid if (strengths := smooth_and_l1(*strength))] for grid in grids])))

    def by_pairs(grids: Sequence[Grid], starts: list[Array]) -> Iterable[Scored]:
        walk = with_pairs(objective, folds, [[l2 for l2, _ in grid] for grid in grids], starts, tol, options.max_iter)
        return map(list, zip(*walk))

    def walk_of(grid: Grid) -> Walk:
        pairs = [smooth_and_l1(*strength) for strength in grid]
        weakest = pairs[-1]
        if sums is None and one and None not in pairs and weakest and shares_steps(objective, folds, solver, tol, *weakest):
            return together
        smooth = sums is None and all(penalty is None for _, penalty in grid)
        return by_pairs if smooth and keeps_pairs(objective, solver, tol, grid[-1][0]) else alone

    return [walk_of(grid) for grid in grids]


def unsolved(paths: list[list[list[Solution]]]) -> list[Solution]:
    """The solution that is furthest from its minimum among those that have not converged, in a list."""
    failed = [solution for fold in paths for path in fold for solution in path if not solution.converged]
    return [max(failed, key=lambda solution: solution.violation)] if failed else []


def _predictions(held: LinearObjective, found: list[Solution]) -> list[Array]:
    """Raw predictions (n, k) of each solution; those of a single output are computed together."""
    if held.n_outputs > 1 or len(found) == 1:
        return [held.predictions(solution.w) for solution in found]
    d, w = held.n_features, np.array([solution.w for solution in found])
    if held.n_samples * d <= FEW_HELD and not held.X.is_sparse and held.columns is None:
        X = held.X.arrays if held.rows_ is None else held.X.arrays[held.rows_]
        w = w.astype(held.dtype, copy=False)
        return list((w[:, :d] @ X.T.astype(held.dtype, copy=False) + w[:, d:].sum(axis=1, keepdims=True))[:, :, None])
    several = held.copies(np.ones((held.n_samples, len(found)), held.dtype))
    return list(several.predictions(np.concatenate([w[:, :d].ravel(), w[:, d:].ravel()])).T[:, :, None])


def grid_of(values: Mapping[str, Any]) -> Any:
    """The grid of strengths: a list or a number, which may be given as scikit-learn's older `n_alphas`."""
    alphas, number = values["alphas"], values["n_alphas"]
    if alphas is None or number != "deprecated" and np.ndim(alphas) == 0 and alphas == N_ALPHAS:
        return N_ALPHAS if number == "deprecated" else number
    return alphas


def check_grid(values: Mapping[str, Any], level: int) -> None:
    """Check the grid of strengths, with scikit-learn's errors and warnings; `level` frames above is the user's code."""
    check_strengths(values["alphas"], False)
    if values["n_alphas"] != "deprecated":
        warnings.warn("'n_alphas' was deprecated in 1.9 and will be removed in 1.11 of scikit-learn. 'alphas' now accepts an integer "
                      "value which removes the need to pass 'n_alphas'.", FutureWarning, stacklevel=level + 1)
    elif values["alphas"] is None:
        warnings.warn("'alphas=None' is deprecated and will be removed in 1.11 of scikit-learn. Set 'alphas=100' to silence this "
                      "warning.", FutureWarning, stacklevel=level + 1)


def strengths_of(owner: str, steepest: Array, ratio: float, values: Mapping[str, Any]) -> Array:
    """Strengths for one l1_ratio, strongest first: the parameter alphas, or so many from the one on that makes all weights 0."""
    alphas = grid_of(values)
    if np.ndim(alphas) == 1:
        return np.sort(np.asarray(alphas, dtype=np.float64))[::-1]
    if ratio == 0:
        raise InvalidParameterError(f"alphas of {owner}: Automatic alpha grid generation is not supported for l1_ratio=0. Please supply "
                                    "a grid by providing your estimator with the appropriate `alphas=` argument.")
    largest = float(np.maximum(steepest, 0).max() if values["positive"] else np.abs(steepest).max()) / ratio
    if not np.isfinite(largest):
        raise ValueError("X and y hold numbers so large that their products overflow: scale them, see sklearn.preprocessing")
    least = float(np.finfo(np.float64).resolution)
    return np.geomspace(largest, largest * float(values["eps"]), int(alphas)) if largest > least else np.full(int(alphas), least)


class PathCV(FitByFolds, LeastSquares):
    """Choice of alpha, and of l1_ratio where there are several, by the mean squared error of folds."""

    _convention = "chosen"
    _solver_in_warnings = "descent"
    alpha_: float
    l1_ratio_: float

    def _ratios(self) -> list[float]:
        return [1.0]

    def _check(self) -> None:
        check_grid(vars(self), 4 + FIT_LEVELS)
        super()._check()

    def _folds(self, X: Samples, y: Array) -> list[Fold]:
        return folds_of(vars(self)["cv"], X, y, False)

    def _solve(self, X: Samples, task: Task, events: Events) -> FittedWeights:
        y, weight, values = np.asarray(task.targets[0], dtype=np.float64), task.weights[0], vars(self)
        objective = self._objective(X, task, 0, 0.0, None)
        ratios, folds, positive = self._ratios(), task.folds, bool(values["positive"])

        def start(rows: Array | slice) -> Array:
            first = np.zeros(objective.n_params)
            if objective.fit_intercept:
                first[-1] = np.average(y[rows], weights=None if weight is None else weight[rows])
            return first

        steepest = -objective.gradient(start(slice(None)))[:objective.n_features]
        grids = [strengths_of(type(self).__name__, steepest, ratio, values) for ratio in ratios]

        def mean_square(held: list[HeldOutFold]) -> list[float]:
            rows = held[0].rows
            with np.errstate(over="ignore"):
                errors = (y[rows, None] - np.hstack([one.p for one in held])) ** 2
            return list(np.average(errors, axis=0, weights=None if weight is None else weight[rows]))

        pairs = [[penalty_of(float(alpha), ratio, positive) for alpha in grid] for grid, ratio in zip(grids, ratios)]
        scores, paths = over_folds(objective, folds, lambda _: pairs, mean_square, start, SolverOptions(
            self._solver_name(), self._tolerance(objective), self._max_iter(), values["random_state"]))
        errors = np.moveaxis(np.asarray(scores), 0, 2)                       # (ratio, alpha, fold)
        best = np.unravel_index(np.argmin(errors.mean(axis=2)), errors.shape[:2])
        self.l1_ratio_, self.alpha_ = ratios[best[0]], float(grids[best[0]][best[1]])
        self.mse_path_ = errors if len(ratios) > 1 else errors[0]
        self.alphas_ = np.asarray(grids) if len(ratios) > 1 and np.ndim(grid_of(values)) == 0 else grids[0]
        found = super()._solve(X, task, events)
        found.solutions += unsolved(paths)
        return found

    def _penalty(self, strength: float) -> PenaltyPair:
        return penalty_of(strength, self.l1_ratio_, bool(vars(self)["positive"]))

    def _attributes(self, found: FittedWeights) -> Attributes:
        last = found.solutions[0]
        return {**super()._attributes(found), "n_iter_": last.n_iter, "dual_gap_": float(last.gap)}


@solved(also=("alpha_", "l1_ratio_", "alphas_", "mse_path_", "dual_gap_"), grid="(n_alphas,) or (n_l1_ratio, n_alphas)",
        errors="(n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)", **WORDS)
class ElasticNetCV(PathCV):
    """`ElasticNet` with alpha, and l1_ratio where several are given, of the least mean squared error over folds.

    Parameters, attributes and the choice are those of `sklearn.linear_model.ElasticNetCV`; folds and strengths share X.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of l1 in the penalty, or those to choose from.
    [parameters]

    [attributes]

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import ElasticNetCV
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> model = ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=20).fit(X, X @ [2.0, 0.0, 0.0, -1.0, 0.0])
    >>> model.l1_ratio_, model.mse_path_.shape
    (0.5, (2, 20, 5))
    """

    _rules = ELASTIC_CV

    def __init__(self, *, l1_ratio: float | ArrayLike = 0.5, eps: float = 1e-3, alphas: StrengthGrid = 100, fit_intercept: bool = True,
                 precompute: Precompute = "auto", max_iter: int = 1000, tol: float = 1e-4, cv: CrossValidation = None, copy_X: bool = True,
                 verbose: int = 0, n_jobs: int | None = None, positive: bool = False, random_state: RandomState = None,
                 selection: str = "cyclic", solver: str = "auto", n_alphas: int | str = "deprecated") -> None:
        self._keep(locals())

    def _ratios(self) -> list[float]:
        return [float(ratio) for ratio in np.atleast_1d(self.l1_ratio)]


@solved(also=("alpha_", "alphas_", "mse_path_", "dual_gap_"), grid="(n_alphas,)", errors="(n_alphas, n_folds)", **WORDS)
class LassoCV(PathCV):
    """`Lasso` with the alpha of the least mean squared error over folds.

    Parameters, attributes and the choice are those of `sklearn.linear_model.LassoCV`; folds and strengths share X.

    [parameters]

    [attributes]

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.linear_model import LassoCV
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> model = LassoCV(alphas=20).fit(X, X @ [2.0, 0.0, 0.0, -1.0, 0.0])
    >>> round(model.alpha_, 4)
    0.0039
    """

    _rules = LASSO_CV

    def __init__(self, *, eps: float = 1e-3, alphas: StrengthGrid = 100, fit_intercept: bool = True, precompute: Precompute = "auto",
                 max_iter: int = 1000, tol: float = 1e-4, copy_X: bool = True, cv: CrossValidation = None, verbose: bool | int = False,
                 n_jobs: int | None = None, positive: bool = False, random_state: RandomState = None, selection: str = "cyclic",
                 solver: str = "auto", n_alphas: int | str = "deprecated") -> None:
        self._keep(locals())
