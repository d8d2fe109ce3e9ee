"""Folds of smooth objectives along a path together, against the optimality conditions of each fold's own problem."""
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from reference_sparse import Problem, targets

import fastopt as fo
from fastopt import _path_folds
from fastopt._path_folds import Folds, apart, shares_steps

LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": sp.csr_matrix, "csc": sp.csc_matrix}
STRENGTHS = [1.0, 0.1, 1e-2, 1e-3]


def data(n=203, d=7, loss="log_loss"):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)) + 0.5
    return X, targets(loss, X @ rng.standard_normal(d), rng), rng.random(n) + 0.1


def folds_of(n, k=3):
    parts = np.array_split(np.random.default_rng(1).permutation(n), k)
    return [(np.setdiff1d(np.arange(n), part), np.sort(part)) for part in parts]


def walk(objective, folds, tol, strengths=STRENGTHS):
    starts = [np.zeros(objective.n_params)] * len(folds)
    return list(Folds(objective, folds, starts, tol=tol, max_iter=100).path([strengths] * len(folds)))


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
            reference = Problem(X[train], y[train], loss, l2=l2, intercept=intercept, weight=None if weight is None else weight[train])
            assert solution.converged and reference.kkt(solution.w) <= 2e-7
            assert_allclose(p[:, 0], X[test] @ solution.w[:7] + (solution.w[7] if intercept else 0), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_types_and_threads(dtype):
    X, y, _ = data(n=6007, d=64)
    X = (X * 4 + 20).clip(0, 255).astype(dtype)
    ways = [walk(fo.LinearObjective(X, y, fit_intercept=True, n_threads=threads), folds_of(6007), 1e-3) for threads in (1, 2)]
    for one, two in zip(*ways):
        for (a, p), (b, q), (train, _) in zip(one, two, folds_of(6007)):
            assert_array_equal(a.w, b.w)
            assert_array_equal(p, q)
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
    together = Folds(objective, folds, [np.zeros(21)] * 5, tol=1e-4, max_iter=100)
    strengths = np.geomspace(1, 1e-5, 16)
    list(together.path([strengths] * 5))
    assert sum(part.passes for part in together.parts) <= 5 * 2 * 16   # with products; each a fifth of the rows
    assert together.views.objective.passes <= 3 * 16


def test_where_folds_go_together():
    X, y, _ = data()
    objective, folds = fo.LinearObjective(X, y), folds_of(203)
    assert apart(203, folds) and shares_steps(objective, folds, "auto", 1e-4, 0.1)
    assert shares_steps(objective, folds, "newton-cholesky", 1e-4, 0.1) and not shares_steps(objective, folds, "lbfgs", 1e-4, 0.1)
    assert not shares_steps(objective, folds_of(203, 17), "auto", 1e-4, 0.1)
    assert not apart(203, folds[:2]) and not apart(203, [(train[1:], test) for train, test in folds])
