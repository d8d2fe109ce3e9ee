"""Folds of smooth objectives along a path together, against the optimality conditions of each fold's own problem."""
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

import fastopt as fo
from fastopt import penalties
from fastopt._solvers.paths import folds as _path_folds
from fastopt._solvers.paths.folds import Folds, apart, shares_steps, smooth_and_l1
from fastopt._solvers.paths.pairs import keeps_pairs, with_pairs
from reference.sparse import Problem, targets

LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": sp.csr_matrix, "csc": sp.csc_matrix}
STRENGTHS = [1.0, 0.1, 1e-2, 1e-3]


def data(n=203, d=7, loss="log_loss"):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) + 0.5
    return X, targets(loss, X @ rng.standard_normal(d), rng), rng.random(n) + 0.1


def folds_of(n, k=3):
    parts = np.array_split(np.random.default_rng(1).permutation(n), k)
    return [(np.setdiff1d(np.arange(n), part), np.sort(part)) for part in parts]


def walk(objective, folds, tol, strengths=STRENGTHS, l1=0.0):
    starts = [np.zeros(objective.n_params)] * len(folds)
    return list(Folds(objective, folds, starts, tol, 100).path([[(l2, l1) for l2 in strengths]] * len(folds)))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge", "poisson"])
def test_every_fold_is_solved(layout, intercept, weighted, loss):
    X, y, weight = data(loss=loss)
    weight = weight if weighted else None
    folds = folds_of(203)
    found = walk(fo.LinearObjective(LAYOUTS[layout](X), y, loss, fit_intercept=intercept, sample_weight=weight), folds, 1e-7)
    for l2, of_folds in zip(STRENGTHS, found, strict=True):
        for (train, test), (solution, p) in zip(folds, of_folds, strict=True):
            own = None if weight is None else weight[train]
            reference = Problem(X[train], y[train], loss, l2=l2, intercept=intercept, weight=own)
            assert solution.converged and reference.kkt(solution.w) <= 2e-7
            assert_allclose(p[:, 0], X[test] @ solution.w[:7] + (solution.w[7] if intercept else 0), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("l1", [1.0, 0.05, 0.005])
def test_folds_with_l1(layout, intercept, l1):
    X, y, weight = data()
    folds = folds_of(203)
    objective = fo.LinearObjective(LAYOUTS[layout](X), y, fit_intercept=intercept, sample_weight=weight)
    for l2, of_folds in zip(STRENGTHS, walk(objective, folds, 1e-7, l1=l1), strict=True):
        for (train, _), (solution, _) in zip(folds, of_folds, strict=True):
            reference = Problem(X[train], y[train], "log_loss", l1=l1, l2=l2, intercept=intercept, weight=weight[train])
            assert solution.converged and reference.kkt(solution.w) <= 2e-7
            assert (solution.w[:7] != 0).any() == (l1 < 1)


def test_penalties_of_folds():
    assert smooth_and_l1(0.5, None) == (0.5, 0.0) and smooth_and_l1(0.5, penalties.L1(2.0)) == (0.5, 2.0)
    assert smooth_and_l1(0.5, penalties.ElasticNet(2.0, 0.25)) == (2.0, 0.5)
    assert smooth_and_l1(0.0, penalties.L1(1.0, positive=True)) is None and smooth_and_l1(0.0, penalties.NonNegative()) is None


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_types_and_threads(dtype):
    X, y, _ = data(n=6007, d=64)
    X = (X * 4 + 20).clip(0, 255).astype(dtype)
    ways = [walk(fo.LinearObjective(X, y, fit_intercept=True, n_threads=threads), folds_of(6007), 1e-3) for threads in (1, 2)]
    for one, two in zip(*ways):
        for (a, p), (b, q) in zip(one, two, strict=True):
            assert_array_equal(a.w, b.w)
            assert_array_equal(p, q)
    train, _ = folds_of(6007)[-1]
    assert Problem(X[train], y[train], "log_loss", l2=STRENGTHS[-1], intercept=True).kkt(a.w) <= 2e-3


def test_folds_that_steps_do_not_solve_are_solved_alone(monkeypatch):
    calls, solve = [], _path_folds.solve
    monkeypatch.setattr(_path_folds, "solve", lambda *args, **options: calls.append(1) or solve(*args, **options))
    rng = np.random.default_rng(3)   # separable, hardly penalised, and the folds far from one another
    X, y = rng.standard_normal((24, 6)) * [1, 1, 1, 10, 100, 1000], np.arange(24) % 2
    strengths = [1e-2, 1e-6, 1e-12]
    folds = folds_of(24)
    for l2, of_folds in zip(strengths, walk(fo.LinearObjective(X, y, fit_intercept=True), folds, 1e-9, strengths)):
        for (train, _), (solution, _) in zip(folds, of_folds):
            assert solution.converged
            assert Problem(X[train], y[train], "log_loss", l2=l2, intercept=True).kkt(solution.w) <= 2e-9
    assert calls


def test_fewer_passes_than_alone():
    X, y, _ = data(n=4000, d=20)
    objective = fo.LinearObjective(X, y, fit_intercept=True)
    folds = folds_of(4000, 5)
    together = Folds(objective, folds, [np.zeros(21)] * 5, 1e-4, 100)
    strengths = np.geomspace(1, 1e-5, 16)
    list(together.path([[(l2, 0.0) for l2 in strengths]] * 5))
    assert sum(part.passes for part in together.parts) <= 5 * 2 * 16   # with products; each a fifth of the rows
    assert together.views.objective.passes <= 4 * 16


def test_where_folds_go_together():
    X, y, _ = data()
    objective, folds = fo.LinearObjective(X, y), folds_of(203)
    assert apart(203, folds) and shares_steps(objective, folds, "auto", 1e-4, 0.1)
    assert shares_steps(objective, folds, "cd", 1e-4, 0.0, 0.1) and not shares_steps(objective, folds, "saga", 1e-4, 0.0, 0.1)
    assert shares_steps(objective, folds, "newton-cholesky", 1e-4, 0.1) and not shares_steps(objective, folds, "lbfgs", 1e-4, 0.1)
    assert not shares_steps(objective, folds_of(203, 17), "auto", 1e-4, 0.1)
    assert not apart(203, folds[:2]) and not apart(203, [(train[1:], test) for train, test in folds])
    squares = fo.LinearObjective(X, y, "squared_error")   # whose tol is that of a gap
    assert not shares_steps(squares, folds, "cd", 1e-4, 0.0, 0.1) and shares_steps(squares, folds, "auto", 1e-4, 0.1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("intercept", [False, True])
def test_folds_with_pairs(layout, intercept):
    X, y, weight = data(d=30)
    objective, folds = fo.LinearObjective(LAYOUTS[layout](X), y, fit_intercept=intercept, sample_weight=weight), folds_of(203)
    assert keeps_pairs(objective, "lbfgs", 1e-4, 0.1) and not keeps_pairs(objective, "auto", 1e-4, 0.1)
    walk = list(with_pairs(objective, folds, [STRENGTHS] * 3, [np.zeros(objective.n_params)] * 3, 1e-7, 1000))
    for l2, of_folds in zip(STRENGTHS, walk, strict=True):
        for (train, test), (solution, p) in zip(folds, of_folds, strict=True):
            reference = Problem(X[train], y[train], "log_loss", l2=l2, intercept=intercept, weight=weight[train])
            assert solution.converged and reference.kkt(solution.w) <= 2e-7
            assert_allclose(p[:, 0], X[test] @ solution.w[:30] + (solution.w[30] if intercept else 0), rtol=1e-9, atol=1e-9)


def test_pairs_of_other_folds_save_iterations():
    X, y, _ = data(n=1000, d=60)
    X *= np.geomspace(1, 30, 60)
    objective, folds = fo.LinearObjective(X, y), folds_of(1000, 5)
    together = list(with_pairs(objective, folds, [STRENGTHS] * 5, [np.zeros(60)] * 5, 1e-4, 1000))
    alone = [next(with_pairs(objective, [fold], [[l2]], [np.zeros(60)], 1e-4, 1000))[0] for l2 in STRENGTHS for fold in folds]
    assert 1.5 * sum(solution.n_iter for row in together for solution, _ in row) < sum(solution.n_iter for solution, _ in alone)
