"""Dual coordinates of the hinges of several classes: steps against bisection, the loop against a plain loop, solutions against SciPy."""
import numpy as np
import pytest
import scipy.sparse as sp
from test_variance import problem

import fastopt as fo
from fastopt import losses, penalties
from fastopt._core import tables as _core
from fastopt._samples import order as _samples, rows as _rows
from fastopt._solvers import registry as _solver
from fastopt._solvers.auto import solve
from fastopt._solvers.stochastic import _sdca_classes as _dual, dual_classes as _runs
from fastopt.exceptions import InvalidParameterError
from reference.chains import CLASS_DUALS, class_box_optimum, class_objective, class_optimum, class_step, sdca_classes

HINGES = list(CLASS_DUALS)
SIZES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 65]


def make(X, y, k, loss, *, l2=0.1, l1=0.0, positive=False, weight=None, seed=5, shrunk=None, column=0.0):
    matrix, n = _core.Matrix(X), X.shape[0]
    weight = np.ones(n) if weight is None else weight
    samples = _samples.Samples(matrix, y.reshape(-1, 1).astype(X.dtype), 1, 0, weight / (l2 * weight.sum()), shrunk, True, seed, 1)
    return _dual.SdcaClassChains(matrix, samples, losses.get(loss).spec, k, _rows.row_squares(matrix) + column ** 2, l1=l1 / l2,
                                 positive=positive, column=column, shrunk=shrunk)


def classes(n, d, k, seed=0, noise=1.0, dtype=np.float64):
    """X and the numbers of k classes, all of which occur, that overlap."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = (X @ rng.standard_normal((d, k)) + noise * rng.standard_normal((n, k))).argmax(axis=1)
    y[:k] = np.arange(k)
    return X.astype(dtype), y


def solved(X, y, loss, *, l2=0.05, fit_intercept=False, weight=None, tol=1e-8, max_iter=20000, penalty=None, **options):
    objective = fo.LinearObjective(X, y, loss, l2=l2, fit_intercept=fit_intercept, sample_weight=weight)
    return solve(objective, penalty, tol=tol, max_iter=max_iter, **options)


def test_the_list():
    assert set(_dual.CLASS_LOSSES) == set(HINGES)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", HINGES)
def test_step(isa, loss, dtype):
    """One sample: predictions and u where we want them; the new u is the best there is."""
    rng = np.random.default_rng(0)
    for case in range(60):
        k = [2, 3, 5, 10, 17][case % 5]
        h, p, y = float(10 ** rng.uniform(-2, 1.5)), rng.normal(size=k) * 10 ** rng.uniform(-1, 1), case % k
        pi = rng.uniform(0, 1, k) * (rng.random(k) < 0.5)
        pi[y] = 0
        pi /= max(1, pi.sum()) if loss == "crammer_singer" else 1
        u = np.where(np.arange(k) == y, pi.sum(), -pi).astype(dtype)
        run = make(np.array([[np.sqrt(h)]], dtype), np.array([y]), k, loss, l2=1.0)
        run.u[...] = u[:, None]
        run.place((p / np.sqrt(h))[:, None])
        want = class_step(y, u.astype(float), p.astype(dtype).astype(float), h, loss)
        run.run(1)   # the step is repeated, and the best u stays the best
        np.testing.assert_allclose(run.u[:, 0], want, atol=2e-4 if dtype == np.float32 else 1e-9)
        np.testing.assert_allclose(run.weights()[0][:, 0] * np.sqrt(h), p + h * (want - u), atol=2e-3 if dtype == np.float32 else 1e-8)


@pytest.mark.parametrize("size", [1e-6, 1e-30, 0.0])
@pytest.mark.parametrize("loss", HINGES)
def test_steps_of_tiny_rows_are_exact(loss, size):
    """Dual variables are those of predictions of 0: at their bounds, and of equal classes equal."""
    run = make(np.full((1, 1), size), np.array([1]), 4, loss, l2=1.0)
    run.run(1)
    want = np.array([-1, 3, -1, -1]) / (3 if loss == "crammer_singer" else 1)
    np.testing.assert_allclose(run.u[:, 0], want, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout, d", [(None, d) for d in SIZES] + [(index, d) for index in (np.int32, np.int64) for d in (1, 5, 40)])
@pytest.mark.parametrize("pull", [{}, {"l1": 0.02}, {"l1": 0.01, "positive": True}], ids=["l2", "elasticnet", "positive"])
@pytest.mark.parametrize("loss, k", [("crammer_singer", 3), ("crammer_singer", 9), ("weston_watkins", 4)])
@pytest.mark.repeats(10)
def test_the_loop_is_a_plain_loop(isa, d, k, dtype, layout, pull, loss):
    n = 31
    X, _ = problem(n, d, dtype=dtype, sparse=layout is not None, seed=d)
    y, weight = np.arange(n) * 7 % k, np.arange(n) % 3
    used = X
    if layout is not None:
        used = sp.csr_matrix(X)
        used.indices, used.indptr = used.indices.astype(layout), used.indptr.astype(layout)
    run = make(used, y, k, loss, weight=weight, **pull)
    run.run(1)
    orders = [_samples.shuffled(n, 5, e + 1) for e in range(512 // n)]   # passes of one epoch of few samples
    W, U = sdca_classes(X.astype(float), y, k, loss, orders, weight=weight, **pull)
    counts = (weight > 0) & (X != 0).any(axis=1)
    for got, want in ((run.weights()[0], W), (run.u.T[counts], U[counts])):
        np.testing.assert_allclose(got, want, rtol=0, atol=(1e-9 if dtype == np.float64 else 3e-3) * (1 + np.abs(want).max()))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("loss", HINGES)
@pytest.mark.parametrize("k", [2, 3])
def test_optimum(k, loss, fit_intercept, weighted):
    X, y = classes(30, 3, k)
    weight = np.random.default_rng(1).uniform(0.2, 3, 30) if weighted else None
    best = class_optimum(X, y, k, loss, weight=weight, l2=0.05, intercept=fit_intercept)
    found = solved(X, y, loss, fit_intercept=fit_intercept, weight=weight)
    assert found.converged and found.solver == "sdca"
    assert found.value == pytest.approx(best, rel=1e-6)
    W, b = found.w[:3 * k].reshape(k, 3), found.w[3 * k:] if fit_intercept else 0.0
    assert class_objective(X, y, loss, W, b, weight=weight, l2=0.05) == pytest.approx(found.value, rel=1e-10)
    assert -1e-9 < found.gap <= 1e-8 * found.value


@pytest.mark.parametrize("l2", [0.3, 0.003])
def test_optimum_of_ten_classes(l2):
    X, y = classes(80, 6, 10)
    assert solved(X, y, "weston_watkins", l2=l2).value == pytest.approx(class_box_optimum(X, y, 10, l2), rel=1e-6)
    ours, few = solved(X[:40], y[:40], "crammer_singer", l2=l2, tol=1e-9), class_optimum(X[:40], y[:40], 10, "crammer_singer", l2=l2)
    assert ours.value == pytest.approx(few, rel=1e-6)


def test_the_losses_differ():
    X, y = classes(60, 4, 5, noise=3.0)
    assert solved(X, y, "weston_watkins").value > 1.2 * solved(X, y, "crammer_singer").value


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("loss", HINGES)
def test_more_samples_than_a_plain_solver_takes(loss, fit_intercept):
    """Pulled and shrunk: the value is that of a run without, and its gap is what weights and dual variables say."""
    X, y = classes(3000, 20, 5)
    fast = solved(X, y, loss, l2=1e-4, fit_intercept=fit_intercept, tol=1e-5)
    assert fast.converged
    slow = solved(X, y, loss, l2=1e-4, fit_intercept=fit_intercept, tol=1e-4, random_state=7)
    assert slow.converged and fast.value - 1e-12 <= slow.value <= fast.value * (1 + 1.1e-4)


@pytest.mark.parametrize("loss", HINGES)
def test_leaving_samples_out_changes_no_solution(loss, monkeypatch):
    X, y = classes(2000, 6, 4)
    short = solved(X, y, loss, l2=1e-3, tol=1e-6)
    monkeypatch.setattr(_runs.ClassDualRun, "chains", lambda self, samples, threads: _dual.SdcaClassChains(
        self.problem.X, samples, self.loss.spec, self.problem.k, self.squares))
    whole = solved(X, y, loss, l2=1e-3, tol=1e-6)
    assert short.converged and whole.converged and short.value == pytest.approx(whole.value, rel=2e-6)


@pytest.mark.parametrize("loss", HINGES)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_weights_count_rows(loss, fit_intercept):
    X, y = classes(60, 4, 3)
    weight = np.arange(60) % 3
    weight[:3] = 1
    repeated = np.repeat(np.arange(60), weight)
    found = solved(X, y, loss, fit_intercept=fit_intercept, weight=weight.astype(float))
    assert found.value == pytest.approx(solved(X[repeated], y[repeated], loss, fit_intercept=fit_intercept).value, rel=1e-7)
    X[weight == 0] = 1e6   # whatever they hold
    np.testing.assert_allclose(solved(X, y, loss, fit_intercept=False, weight=weight.astype(float)).w,
                               solved(X[repeated], y[repeated], loss, fit_intercept=False).w, atol=1e-3)


@pytest.mark.parametrize("loss", HINGES)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_formats_and_types_agree(loss, fit_intercept):
    X, y = classes(200, 8, 4)
    X *= np.random.default_rng(2).random(X.shape) < 0.5
    dense = solved(X, y, loss, fit_intercept=fit_intercept)
    for other, tol in ((sp.csr_matrix(X), 1e-8), (sp.csc_matrix(X), 1e-8), (np.asfortranarray(X), 1e-8), (X.astype(np.float32), 1e-5),
                       (sp.csr_matrix(X.astype(np.float32)), 1e-5)):
        found = solved(other, y, loss, fit_intercept=fit_intercept, tol=tol)
        assert found.converged and found.value == pytest.approx(dense.value, rel=3 * tol)


@pytest.mark.parametrize("loss", HINGES)
def test_order_of_samples_copies_of_columns_and_far_columns(loss):
    X, y = classes(100, 4, 3)
    best = solved(X, y, loss, fit_intercept=True).value
    order = np.random.default_rng(0).permutation(100)
    assert solved(X[order], y[order], loss, fit_intercept=True).value == pytest.approx(best, rel=1e-7)
    assert solved(np.hstack([X, X]) / np.sqrt(2), y, loss, fit_intercept=True).value == pytest.approx(best, rel=1e-7)
    assert solved(X + [1e4, 0, -1e5, 3], y, loss, fit_intercept=True, tol=1e-7).value == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("loss", HINGES)
def test_fewer_samples_than_columns_and_a_class_of_one(loss):
    X, y = classes(25, 60, 5, noise=3.0)
    y[y == 4] = 0
    y[3] = 4
    found = solved(X, y, loss, l2=0.1)
    want = class_optimum(X @ np.linalg.svd(X, full_matrices=False)[2].T, y, 5, loss, l2=0.1)   # in the span of the rows
    assert found.converged and found.value == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize("loss", HINGES)
def test_rows_of_zeros_and_one_class(loss):
    X, y = classes(40, 3, 3)
    X[5:15] = 0
    assert solved(X, y, loss).value == pytest.approx(class_optimum(X, y, 3, loss, l2=0.05), rel=1e-6)
    alone = fo.LinearObjective(np.zeros((4, 2)), np.array([0, 1, 2, 2]), loss, l2=1.0)
    assert solve(alone).converged and solve(alone).value == pytest.approx(1 if loss == "crammer_singer" else 2)


@pytest.mark.parametrize("loss", HINGES)
@pytest.mark.parametrize("pull", [penalties.ElasticNet(0.05, 0.5), penalties.NonNegative()], ids=lambda p: p.name)
def test_other_penalties(loss, pull):
    X, y = classes(60, 5, 3)
    l2 = 0.0 if pull.name == "elasticnet" else 0.05
    found = solved(X, y, loss, l2=l2, penalty=pull)
    W = found.w.reshape(3, 5)
    strengths = {"l2": 0.025, "l1": 0.025} if pull.name == "elasticnet" else {"l2": 0.05}
    assert found.converged and class_objective(X, y, loss, W, **strengths) == pytest.approx(found.value)
    assert pull.name == "elasticnet" or W.min() >= 0
    rng = np.random.default_rng(0)
    for _ in range(300):
        other = W + 10 ** rng.uniform(-4, 0) * rng.standard_normal(W.shape) * (rng.random(W.shape) < 0.3)
        other = np.maximum(other, 0) if pull.name == "nonnegative" else other
        assert class_objective(X, y, loss, other, **strengths) > found.value * (1 - 1e-7)


@pytest.mark.parametrize("scaling", [None, 1.0, 5.0])
@pytest.mark.parametrize("loss", HINGES)
def test_a_start_at_the_solution_ends_soon(loss, scaling):
    X, y = classes(300, 5, 4)
    found = solved(X, y, loss, fit_intercept=True, intercept_scaling=scaling, tol=1e-6)
    again = solved(X, y, loss, fit_intercept=True, intercept_scaling=scaling, tol=1e-4, w0=found.w)
    fresh = solved(X, y, loss, fit_intercept=True, intercept_scaling=scaling, tol=1e-4)
    assert again.converged and again.value == pytest.approx(found.value, rel=2e-4) and again.n_iter <= max(fresh.n_iter, 10)


@pytest.mark.parametrize("loss", HINGES)
def test_threads_and_seeds(loss):
    X, y = classes(500, 30, 4)
    results = []
    for threads, seed in ((1, 3), (4, 3), (1, 4)):
        objective = fo.LinearObjective(X, y, loss, l2=1e-3, fit_intercept=True, n_threads=threads)
        results.append(solve(objective, tol=1e-4, max_iter=1000, random_state=seed).w)
    assert np.array_equal(results[0], results[1]) and not np.array_equal(results[0], results[2])


def test_ends_early_and_says_so():
    X, y = classes(500, 30, 4)
    seen = []
    short = solved(X, y, "crammer_singer", l2=1e-5, max_iter=3, callback=seen.append)
    assert not short.converged and short.n_iter == 3 and short.message == _solver.LIMIT and [s.n_iter for s in seen] == [1, 2, 3]

    def stop(solution):
        if solution.n_iter == 2:
            raise StopIteration
    assert solved(X, y, "weston_watkins", l2=1e-5, callback=stop).message == _solver.STOPPED


def test_huge_numbers_are_no_solution():
    X, y = classes(50, 3, 3)
    found = solved(X * 1e200, y, "crammer_singer", max_iter=50)
    assert not found.converged and np.isfinite(found.w).all()


@pytest.mark.parametrize("loss", HINGES)
def test_refused(loss):
    X, y = classes(20, 3, 3)
    with pytest.raises(InvalidParameterError, match="needs an l2 penalty"):
        solve(fo.LinearObjective(X, y, loss), solver="sdca")
    for name in ("lbfgs", "svrg", "cd", "newton-cholesky", "interior-point", "augmented-lagrangian"):
        with pytest.raises(InvalidParameterError, match="'sdca' would do"):
            solve(fo.LinearObjective(X, y, loss, l2=1.0), solver=name)
    with pytest.raises(InvalidParameterError, match="no solver takes this loss"):
        solve(fo.LinearObjective(X, y, loss), penalties.MCP(0.1))
