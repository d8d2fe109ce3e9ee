"""Least squares of folds from sums of products, against the solver on the rows that each fold leaves."""
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

import fastopt as fo
from fastopt import penalties
from fastopt._solvers.paths.least_squares import all_sums, fold_sums
from reference.sparse import Problem

LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": sp.csr_matrix, "csc": sp.csc_matrix}
PENALTIES = [(penalties.L1(0.1), {"l1": 0.1}), (penalties.ElasticNet(0.2, 0.5), {"l1": 0.1, "l2": 0.1}), (None, {}),
             (penalties.L1(0.1, positive=True), {"l1": 0.1, "low": 0.0}), (penalties.NonNegative(), {"low": 0.0})]


def data(n=90, d=7, offset=2.0):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) + offset
    return X, X @ rng.standard_normal(d) + rng.standard_normal(n) + 5, rng.random(n)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(90, 7), (24, 40), (24, 100)])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.repeats(4)
def test_every_fold_is_solved(layout, shape, intercept, weighted):
    X, y, weight = data(*shape)
    weight = weight if weighted else None
    objective = fo.LinearObjective(LAYOUTS[layout](X), y, "squared_error", fit_intercept=intercept, sample_weight=weight)
    folds = np.array_split(np.arange(len(y)), 3)
    for fold, sums in zip(folds, fold_sums(objective, folds)):
        rest = np.setdiff1d(np.arange(len(y)), fold)
        found = list(sums.path([(0.02, rule) for rule, _ in PENALTIES], None, 1e-11))
        for solution, (_, terms) in zip(found, PENALTIES):
            terms = {**terms, "l2": terms.get("l2", 0.0) + 0.02}
            reference = Problem(X[rest], y[rest], "squared_error", intercept=intercept, **terms,
                                weight=None if weight is None else weight[rest])
            least = reference.solve()
            assert solution.converged and reference.value(solution.w) <= least * (1 + 1e-8)
            assert_allclose(solution.value, reference.value(solution.w), rtol=1e-8)


def test_large_means_lose_no_digits():
    X, y, _ = data(offset=1e4)
    objective = fo.LinearObjective(X.astype(np.float32), y, "squared_error", fit_intercept=True)
    sums, = fold_sums(objective, [np.arange(10)])
    solution, = sums.path([(0.0, penalties.L1(0.1))], None, 1e-6)
    reference = Problem(X.astype(np.float32)[10:], y[10:], "squared_error", l1=0.1, intercept=True)
    reference.X -= 1e4
    moved = np.append(solution.w[:7], solution.w[7] + 1e4 * solution.w[:7].sum())
    assert reference.value(moved) <= reference.solve() * (1 + 1e-4)


def test_where_sums_do_not_pay():
    X, y, _ = data()
    folds = np.array_split(np.arange(90), 3)
    assert fold_sums(fo.LinearObjective(X, y > 0, "log_loss"), folds) is None
    assert fold_sums(fo.LinearObjective(X, y, "squared_error", standardize=True), folds) is None
    wide = np.repeat(X, 4000, axis=1)
    assert fold_sums(fo.LinearObjective(wide, y, "squared_error"), folds) is None


#: dense X of few rows and many: columns twice, constant ones and zeros, far from 0, a single row
NASTY = {"wide": lambda X: X, "a column twice": lambda X: np.hstack([X[:, :5], X]), "constant": lambda X: np.hstack([X * 0 + 3, X]),
         "zeros": lambda X: np.hstack([X * 0, X]), "years": lambda X: X + 2000, "tiny": lambda X: X * 1e-8}


@pytest.mark.parametrize("shape", [(1, 5), (3, 10), (20, 150), (30, 400), (60, 40), (150, 140)])
@pytest.mark.parametrize("kind", NASTY)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_path_ends_as_near_as_asked_for(shape, kind, dtype):
    """The gap in long double from X alone, of each strength, is what is said, and as small as asked for."""
    X, y, _ = data(*shape, offset=0.0)
    X = NASTY[kind](X).astype(dtype)
    sums = all_sums(fo.LinearObjective(X, y, "squared_error", fit_intercept=True))
    if sums is None:   # float32 has lost the digits of the years, where rows are more than columns
        assert dtype == np.float32 and kind == "years" and shape[0] > shape[1]
        return
    A, b = X.astype(np.longdouble), y.astype(dtype).astype(np.longdouble)
    A, b = A - A.mean(axis=0), b - b.mean()
    steepest = float(np.abs(A.T @ b).max() / len(b))
    alphas = max(steepest, 1e-300) * np.geomspace(1, 1e-3, 10)
    for alpha, solution in zip(alphas, sums.path([(0.0, penalties.L1(alpha)) for alpha in alphas], None, 1e-6)):
        w = solution.w[:-1]
        r = b - A @ w
        c = min(1.0, alpha / max(float(np.abs(A.T @ r).max() / len(b)), 1e-300))
        value = r @ r / (2 * len(b)) + alpha * np.abs(w).sum()
        gap = float(value + c * c * (r @ r) / (2 * len(b)) - c * (r @ b) / len(b))
        size = float(b @ b / len(b))
        assert solution.converged and gap <= 1.01e-6 * size + 1e-13 * size
        assert_allclose(solution.gap, gap, atol=1e-10 * size + 1e-300)
