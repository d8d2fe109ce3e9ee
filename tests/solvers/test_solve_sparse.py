"""The solvers "cd" and "fista": optima against SciPy for every smooth convex loss and every penalty, conditions of optimality in NumPy,
exact zeros, working sets, layouts, bad cases."""
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

import fastopt as fo
from fastopt import losses, penalties
from fastopt._solvers import registry as _solver
from fastopt._solvers.proximal.cd import coordinate_descent
from fastopt._solvers.proximal.fista import proximal_gradient
from fastopt.exceptions import InvalidParameterError
from reference.penalties import mcp, scad
from reference.sparse import SMOOTH, Problem, targets

SOLVERS = {"cd": coordinate_descent, "fista": proximal_gradient}
LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
           "csr": sp.csr_matrix, "csr64": lambda X: wide(sp.csr_matrix(X)), "readonly": lambda X: frozen(X.copy())}
#: penalties, and what they are to the reference
PENALTIES = {
    "none": (None, {}), "l1": (penalties.L1(0.05), {"l1": 0.05}), "l2": (penalties.L2(0.05), {"l2": 0.05}),
    "elasticnet": (penalties.ElasticNet(0.1, 0.5), {"l1": 0.05, "l2": 0.05}),
    "positive": (penalties.L1(0.05, positive=True), {"l1": 0.05, "low": 0.0}),
    "box": (penalties.Box(-0.1, 0.2), {"low": -0.1, "high": 0.2}), "nonnegative": (penalties.NonNegative(), {"low": 0.0}),
}


def wide(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def frozen(X):
    X.flags.writeable = False
    return X


def problem(n, d, loss, seed=0, sparse=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) + 0.3
    if sparse:
        X[rng.random((n, d)) < 0.7] = 0
    w = np.zeros(d)
    w[rng.permutation(d)[:6]] = (rng.standard_normal(6) * 0.5)[:d]
    return X, targets(loss, X @ w, rng)


def solve(solver, objective, penalty, *, tol=1e-9, max_iter=3000, w0=None):
    w0 = np.zeros(objective.n_params) if w0 is None else w0
    return SOLVERS[solver](objective, penalty, w0, tol=tol, max_iter=max_iter, callback=None, random_state=None)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", SMOOTH)
def test_optimum_is_scipys(solver, penalty, loss):
    X, y = problem(120, 13, loss)
    rule, terms = PENALTIES[penalty]
    reference = Problem(X, y, loss, intercept=True, **terms)
    solution = solve(solver, fo.LinearObjective(X, y, loss, fit_intercept=True), rule)
    assert_allclose(reference.value(solution.w), solution.value, rtol=1e-12)
    least = reference.solve()
    assert solution.value <= least + 1e-6 * abs(least)
    assert reference.kkt(solution.w) <= max(2e-9, 1.01 * solution.violation) and solution.violation < 1e-5
    if "l1" in terms:
        coef = solution.w[:13]
        assert loss == "mean_squared_error" or np.any(coef == 0)   # that is too steep for the l1 norm
        assert np.any(coef != 0) and not np.signbit(coef[coef == 0]).any()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.repeats(4)
def test_working_sets(layout, dtype, loss, intercept):
    """More features than a first set has, weights of samples, an l2 term of the objective."""
    X, y = problem(90, 400, loss, sparse=True)
    weight = np.random.default_rng(1).random(90)
    weight[:9] = 0
    reference = Problem(X.astype(dtype), y, loss, l1=0.02, l2=0.01, intercept=intercept, weight=weight)
    objective = fo.LinearObjective(LAYOUTS[layout](X.astype(dtype)), y, loss, l2=0.01, fit_intercept=intercept, sample_weight=weight)
    solution = solve("cd", objective, penalties.L1(0.02), tol=1e-4 if dtype == np.float32 else 1e-10)
    least = reference.solve()
    assert reference.value(solution.w) <= least + (1e-4 if dtype == np.float32 else 1e-8) * abs(least)
    assert solution.converged and 300 < np.sum(solution.w == 0) < 400
    assert solution.gap >= reference.value(solution.w) - least - 1e-6


@pytest.mark.parametrize("threads", [2, 5])
@pytest.mark.parametrize("layout", ["C", "csr"])
def test_bits_do_not_depend_on_threads(threads, layout, many_threads):
    X, y = problem(2000, 300, "log_loss")
    found = [solve("cd", fo.LinearObjective(LAYOUTS[layout](X), y, "log_loss", fit_intercept=True, n_threads=n), penalties.L1(0.01), tol=1e-6).w
             for n in (1, threads)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("d", [12, 400])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_groups(solver, d, loss):
    X, y = problem(100, d, loss)
    smooth = Problem(X, y, loss, intercept=True).smooth
    start = np.append(np.zeros(d), y.mean() if loss == "squared_error" else 0.0)
    alpha = 0.4 * np.linalg.norm(smooth(start)[1][:d].reshape(-1, 4), axis=1).max()
    rule = penalties.GroupLasso(alpha, 4)
    solution = solve(solver, fo.LinearObjective(X, y, loss, fit_intercept=True), rule, tol=1e-8, max_iter=5000)
    g = smooth(solution.w)[1]
    assert abs(g[d]) < 1e-6
    norms = np.linalg.norm(solution.w[:d].reshape(-1, 4), axis=1)
    for group, norm in enumerate(norms):
        part = slice(4 * group, 4 * group + 4)
        if norm:
            assert_allclose(g[part], -alpha * solution.w[part] / norm, atol=1e-6)
        else:
            assert np.linalg.norm(g[part]) <= alpha + 1e-6
    assert 0 < np.sum(norms == 0) < d // 4


@pytest.mark.parametrize(("rule", "value"), [(penalties.MCP(0.1, 3.0), lambda w: mcp(w, 0.1, 3.0)),
                                             (penalties.SCAD(0.1), lambda w: scad(w, 0.1, 3.7))], ids=["mcp", "scad"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss"])
def test_concave_penalties_end_no_higher_than_plain_steps(rule, value, solver, loss):
    """A local minimum, not above the one that proximal gradient steps reach from the same start."""
    X, y = problem(150, 30, loss)
    smooth = Problem(X, y, loss).smooth
    step = 1 / np.linalg.eigvalsh(X.T @ X / 150).max()
    w = np.zeros(30)
    for _ in range(3000):
        w = rule.prox(w - step * smooth(w)[1], step)
    solution = solve(solver, fo.LinearObjective(X, y, loss), rule, tol=1e-8)
    found = smooth(solution.w)[0] + value(solution.w).sum()
    assert_allclose(found, solution.value, rtol=1e-12)
    assert found <= smooth(w)[0] + value(w).sum() + (1e-8 if solver == "fista" else 0.02 * abs(found))
    assert rule.violation(solution.w, smooth(solution.w)[1]) < 1e-7


@pytest.mark.parametrize("solver", SOLVERS)
def test_hard_columns(solver):
    """Constant and duplicated columns, columns of zeros; scales that differ."""
    X, y = problem(80, 10, "log_loss")
    X = np.hstack([X, X[:, :2], np.zeros((80, 1)), np.ones((80, 1)), X[:, 2:3] * 30])
    solution = solve(solver, fo.LinearObjective(X, y, "log_loss", fit_intercept=True), penalties.L1(0.03), tol=1e-8)
    reference = Problem(X, y, "log_loss", l1=0.03, intercept=True)
    assert reference.value(solution.w) <= reference.solve() * (1 + 1e-6) and solution.w[12] == 0


def test_scales_of_1e8_and_one_sample():
    X, y = problem(80, 6, "squared_error")
    scale = np.array([1e-8, 1, 1e8, 1, 1e4, 1e-4])
    solution = solve("cd", fo.LinearObjective(X * scale, y, "squared_error"), penalties.L1(1e-9), tol=1e-12)
    plain = np.linalg.lstsq(X[:, 1:], y, rcond=None)[0]   # a unit of the first one costs 1e8 times as much
    assert_allclose((solution.w * scale)[1:], plain, rtol=1e-3)
    one = solve("cd", fo.LinearObjective(np.array([[1.0, 2.0]]), [3.0], "squared_error"), penalties.L1(0.5), tol=1e-10)
    assert_allclose(one.w, [0.0, 1.375], atol=1e-8)


def test_a_gap_knows_that_the_intercept_is_wrong():
    """All weights 0 are optimal for the intercept of the start, which is not."""
    X, y = problem(60, 5, "squared_error")
    objective = fo.LinearObjective(X, y + 7, "squared_error", fit_intercept=True)
    solution = solve("cd", objective, penalties.L1(50.0), tol=1e-6, w0=np.append(np.zeros(5), y.mean() + 5))
    assert_allclose(solution.w, np.append(np.zeros(5), y.mean() + 7), rtol=1e-6)


def test_strong_penalties_leave_nothing():
    X, y = problem(50, 300, "log_loss")
    for solver in SOLVERS:
        solution = solve(solver, fo.LinearObjective(X, y, "log_loss"), penalties.L1(100.0))
        assert solution.converged and not solution.w.any() and solution.n_iter == 0


def test_warm_starts_and_callbacks():
    X, y = problem(100, 20, "log_loss")
    objective = fo.LinearObjective(X, y, "log_loss")
    best = solve("cd", objective, penalties.L1(0.02))
    again = solve("cd", objective, penalties.L1(0.02), w0=best.w.copy(), tol=1e-8)
    assert again.n_iter == 0 and again.converged

    def stop(state):
        raise StopIteration
    for solver in SOLVERS:
        ended = SOLVERS[solver](objective, penalties.L1(0.02), np.zeros(20), tol=1e-12, max_iter=50, callback=stop, random_state=None)
        assert ended.message == _solver.STOPPED and not ended.converged
        assert solve(solver, objective, penalties.L1(0.02), max_iter=1, tol=1e-14).message == _solver.LIMIT


def test_refusals():
    X, y = problem(30, 5, "log_loss")
    for loss, penalty in (("hinge", penalties.L1(1)), ("absolute_error", None)):
        with pytest.raises(InvalidParameterError, match=f"continuous derivative, which {loss} is not"):
            _solver.find("cd", fo.LinearObjective(X, y, loss), penalty)
    with pytest.raises(InvalidParameterError, match="for one output, not for 2"):
        _solver.find("cd", fo.LinearObjective(X, y, "multinomial"), penalties.L1(1))
    with pytest.raises(InvalidParameterError, match="'cd' takes at most 4096 features with the penalty l2"):
        solve("cd", fo.LinearObjective(np.ones((2, 5000)), [0, 1], "log_loss"), penalties.L2(1))
    assert {*SMOOTH, "general_robust"} == {name for name in losses.names() if losses.get(name).smooth and losses.get(name).convex}


def test_multinomial_by_fista():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((90, 5)), rng.integers(0, 3, 90)
    objective = fo.LinearObjective(X, y, "multinomial", fit_intercept=True)
    solution = solve("fista", objective, penalties.L1(0.05), tol=1e-8)
    g = objective.gradient(solution.w)
    assert penalties.L1(0.05).violation(solution.w[:15], g[:15]) < 1e-7 and np.abs(g[15:]).max() < 1e-7
    assert 0 < np.sum(solution.w[:15] == 0) < 15
