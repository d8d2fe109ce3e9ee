"""L-BFGS of all folds along a path of strengths of l2: each run goes on with the pairs of its own fold at the strengths before, whose
Hessians are much the same.  Other folds' pairs would do as well for the Hessian, but they span what the rows that this fold
leaves out have taught: where the penalty is weak, a run that tol ends early would have learnt its held-out rows.

Used by the estimators that choose a strength, where Hessians are too dear (else: _solvers/paths/folds.py).
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastopt._linalg.lbfgs import History
from fastopt._solvers.auto import choose
from fastopt._solvers.registry import Solution, Vector
from fastopt._solvers.smooth.lbfgs import run
from fastopt.objective import LinearObjective

from .folds import Array, Fold

#: pairs of a fold, at least and at most, and bytes of those of all folds
MIN_PAIRS, MAX_PAIRS, MAX_PAIR_BYTES = 10, 60, 1 << 26


def keeps_pairs(objective: LinearObjective, solver: str, tol: float, l2: float) -> bool:
    """Whether it is L-BFGS that would minimise the objective with this l2, and no other penalty."""
    if solver != "auto":
        return solver == "lbfgs"
    return choose(objective.with_l2(l2), None, tol) == "lbfgs"


def with_pairs(objective: LinearObjective, folds: Sequence[Fold], strengths: Sequence[Sequence[float]], starts: Sequence[Vector],
               tol: float, max_iter: int) -> Iterator[list[tuple[Solution, Array]]]:
    """Solutions of all folds, and their predictions of the rows to score, for one l2 after the other.

    Parameters
    ----------
    objective : LinearObjective
        Of all rows.
    folds : sequence of (rows to learn from, rows to score)
    strengths : sequence of sequences of float
        By fold.
    starts : sequence of ndarray of shape (n_params,)
    tol, max_iter
        As of `solve`.
    """
    size = max(MIN_PAIRS, min(MAX_PAIRS, MAX_PAIR_BYTES // (16 * objective.n_params * len(folds))))
    histories = [History(size, objective.n_params, "float64") for _ in folds]
    fits, held = [objective.rows(train) for train, _ in folds], [objective.rows(test) for _, test in folds]
    points = list(starts)
    for pairs in zip(*strengths):
        found = []
        for i, l2 in enumerate(pairs):
            fits[i].l2 = l2
            solution = run(fits[i], points[i].copy(), histories[i], tol, max_iter)
            points[i] = solution.w
            found.append((solution, held[i].predictions(solution.w)))
        yield found
