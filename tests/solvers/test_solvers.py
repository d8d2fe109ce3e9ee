"""Solvers of smooth objectives: every loss against scipy.optimize, hard data, refusals, callbacks, what "auto" picks."""
import math

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

from fastopt import LinearObjective, losses, penalties
from fastopt._solvers.auto import choose, solve
from fastopt._solvers.registry import Needs, Solution, registry, solver, strength_of_l2, suitable
from fastopt._solvers.smooth.subsample import condition, part_of
from fastopt.exceptions import InvalidParameterError

#: those of any smooth loss without a penalty
SOLVERS = [name for name, entry in registry.items() if entry.needs.penalties == ("none",) and entry.needs.losses is None]
SMOOTH = [name for name in losses.names() if losses.get(name).smooth] + ["multinomial"]
REAL = "real"


def targets(loss, p, rng):
    domain = "class" if loss == "multinomial" else losses.get(loss).target
    if domain == "class":
        return rng.integers(0, 3, len(p))
    noisy = p + rng.standard_normal(len(p))
    if domain == REAL:
        return noisy
    if domain in ("sign", "unit"):
        return (noisy > 0).astype(float)
    return np.exp(p / 2) * rng.gamma(2.0, 0.5, len(p)) + 0.01


def problem(loss, n=400, d=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, targets(loss, X @ rng.standard_normal(d) / 2, rng), rng.random(n)


@pytest.mark.parametrize("l2", [0.0, 0.05])
@pytest.mark.parametrize("loss", SMOOTH)
def test_every_smooth_loss_against_scipy(loss, l2):
    X, y, weight = problem(loss)
    objective = LinearObjective(X, y, loss, l2, True, weight)
    best = scipy.optimize.minimize(objective.value_and_gradient, np.zeros(objective.n_params), jac=True, method="L-BFGS-B",
                                   options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10000}).fun
    for name in SOLVERS:
        solution = solve(objective, None, name, tol=1e-8, max_iter=1000, random_state=0)
        assert solution.converged and solution.violation <= 1e-8, (name, solution)
        assert solution.value <= best + 1e-6 * abs(best), name
        assert solution.value == pytest.approx(objective.value(solution.w), rel=1e-12)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("format", ["dense", "csr"])
def test_types_and_threads(name, format):
    X, y, _ = problem("log_loss", n=3000)
    wanted = solve(LinearObjective(X, y, l2=1e-3), None, name, tol=1e-9, max_iter=200, random_state=0)
    X32 = X.astype(np.float32)
    ways = [solve(LinearObjective(X32 if format == "dense" else sp.csr_matrix(X32), y, l2=1e-3, n_threads=threads), None, name,
                  tol=1e-5, random_state=0) for threads in (1, 2)]
    assert np.array_equal(ways[0].w, ways[1].w)
    assert ways[0].converged and ways[0].value == pytest.approx(wanted.value, rel=1e-6)


HARD = {
    "constant and duplicated columns": lambda X: np.hstack([X, np.ones((len(X), 2)), X[:, :2], np.zeros((len(X), 1))]),
    "columns of all scales": lambda X: X * np.logspace(-8, 8, X.shape[1]),
    "more columns than rows": lambda X: np.random.default_rng(1).standard_normal((len(X), 2 * len(X))),
}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "poisson"])
def test_hard_columns(case, loss):
    X, y, _ = problem(loss, n=60, d=5)
    X = HARD[case](X)
    l2 = 0.0 if loss == "squared_error" else 1e-3
    objective = LinearObjective(X, y, loss, l2, True)
    solution = solve(objective, None, "newton-cholesky", tol=1e-7, max_iter=200)
    assert np.isfinite(solution.w).all() and solution.value <= objective.value(np.zeros(objective.n_params))
    if loss == "squared_error":
        A = np.hstack([X, np.ones((len(X), 1))]) / np.hstack([np.abs(X).max(0) + 1e-300, 1])
        best = np.sum((A @ np.linalg.lstsq(A, y, rcond=None)[0] - y) ** 2) / 2 / len(y)
        assert solution.value <= best + 1e-6 * max(best, 1e-3)
    elif "scale" not in case:
        assert solution.converged


def test_one_sample_and_zero_weights():
    for name in SOLVERS:
        solution = solve(LinearObjective(np.array([[2.0, 0.0]]), [1.0], "squared_error"), None, name, tol=1e-8)
        assert solution.converged and solution.w[0] == pytest.approx(0.5) and solution.w[1] == 0
        X, y, _ = problem("log_loss", n=50)
        half = np.arange(50) % 2.0
        some = solve(LinearObjective(X, y, l2=0.1, sample_weight=half), None, name, tol=1e-9)
        few = solve(LinearObjective(X[1::2], y[1::2], l2=0.1), None, name, tol=1e-9)
        np.testing.assert_allclose(some.w, few.w, atol=1e-7)


@pytest.mark.parametrize("name", SOLVERS)
def test_separable_classes_without_penalty_are_told(name):
    X = np.linspace(-1, 1, 40)[:, None]
    solution = solve(LinearObjective(X, (X[:, 0] > 0).astype(int)), None, name, tol=1e-6, max_iter=300)
    assert "without bound" in solution.message and np.isfinite(solution.w).all()


def test_least_squares_take_one_newton_step():
    X, y, weight = problem("squared_error")
    solution = solve(LinearObjective(X, y, "squared_error", 0.1, True, weight), None, tol=1e-12)
    assert solution.n_iter == 1 and solution.solver == "newton-cholesky"


def test_a_penalty_of_squares_is_the_objectives():
    X, y, _ = problem("log_loss")
    objective = LinearObjective(X, y, l2=0.25)
    solution = solve(objective, penalties.L2(0.5), "lbfgs", tol=1e-8)
    wanted = solve(LinearObjective(X, y, l2=0.75), None, "lbfgs", tol=1e-8)
    assert objective.l2 == 0.25 and np.array_equal(solution.w, wanted.w) and solution.value == wanted.value


@pytest.mark.parametrize("name", SOLVERS)
def test_start_limit_and_callback(name):
    X, y, _ = problem("log_loss", n=3000)
    objective = LinearObjective(X, y, l2=1e-3)
    optimum = solve(objective, None, name, tol=1e-9, random_state=0)
    start = optimum.w.copy()
    again = solve(objective, None, name, start, tol=1e-8, random_state=0)
    assert again.n_iter == 0 and again.converged and np.array_equal(start, optimum.w)
    limited = solve(objective, None, name, tol=0, max_iter=1, random_state=0)
    assert limited.n_iter == 1 and not limited.converged and "max_iter" in limited.message
    seen = []

    def callback(state):
        seen.append(state)
        if len(seen) == 2:
            raise StopIteration
    stopped = solve(objective, None, name, np.ones(6), tol=0, callback=callback, random_state=0)
    assert stopped.n_iter == 2 and [state.n_iter for state in seen] == [1, 2] and "StopIteration" in stopped.message
    assert seen[1].value < seen[0].value < objective.value(np.ones(6)) or name == "preconditioned-cg"


def test_tol_below_rounding_ends_the_run():
    X, y, _ = problem("log_loss")
    for name in SOLVERS:
        solution = solve(LinearObjective(X.astype(np.float32), y, l2=1e-3), None, name, tol=0, max_iter=1000, random_state=0)
        assert not solution.converged and solution.n_iter < 1000 and "precision" in solution.message


def test_a_start_that_overflows_is_told():
    X, y, _ = problem("poisson")
    solution = solve(LinearObjective(X, y, "poisson"), None, "lbfgs", np.full(6, 1e6))
    assert not solution.converged and "not finite" in solution.message


@pytest.mark.parametrize("arguments, words", [
    ({"solver": "newton"}, "solver must be one of 'auto', .*'lbfgs'"),
    ({"solver": "lbfgs", "penalty": penalties.L1(0.1)}, "solver 'lbfgs' takes the penalties none, got l1"),
    ({"tol": -1}, "tol must be a finite number at least 0"), ({"max_iter": 1.5}, "max_iter must be an integer"),
    ({"w0": np.zeros(5)}, r"w0 must be finite and of shape \(6,\)"), ({"callback": 3}, "callback must be callable"),
], ids=lambda value: "")
def test_refusals(arguments, words):
    X, y, _ = problem("log_loss")
    objective = LinearObjective(X, y, l2=0.5)
    with pytest.raises(InvalidParameterError, match=words):
        solve(objective, **arguments)
    assert objective.l2 == 0.5


def test_refusals_by_loss_and_size_name_what_would_do():
    X, y, _ = problem("log_loss")
    with pytest.raises(InvalidParameterError, match="'lbfgs' needs a loss with a continuous derivative, which hinge is not"):
        solve(LinearObjective(X, y, "hinge"), None, "lbfgs")
    wide = sp.csr_matrix((np.ones(1), ([0], [8191])), shape=(2, 10000))
    with pytest.raises(InvalidParameterError, match="at most 8192 parameters, got 10000; .*'lbfgs', .*would do"):
        solve(LinearObjective(wide, [0, 1]), None, "newton-cholesky")


@pytest.mark.parametrize("shape, uneven, loss, wanted", [
    ((2000, 20), 1, "log_loss", "newton-cholesky"), ((30, 9000), 1, "log_loss", "lbfgs"), ((9000, 300), 1, "log_loss", "newton-cholesky"),
    ((30, 20), 1, "squared_error", "newton-cholesky"),
    ((20000, 30), 100, "log_loss", "preconditioned-cg"), ((20000, 30), 100, "squared_error", "newton-cholesky"),
])
def test_what_auto_picks(shape, uneven, loss, wanted):
    X = np.random.default_rng(0).standard_normal(shape) * np.logspace(0, np.log10(uneven), shape[1])
    objective = LinearObjective(X, np.arange(shape[0]) % 2, loss, 0.1)
    assert choose(objective, None, 1e-4) == wanted and solve(objective, tol=1e-3).solver == wanted


def test_auto_does_without_hessians_where_columns_are_alike():
    objective = LinearObjective(np.random.default_rng(0).standard_normal((20000, 30)), np.arange(20000) % 2, "log_loss", 0.1)
    assert choose(objective, None, 1e-4) == "preconditioned-cg" and solve(objective).solver == "lbfgs"


def test_condition_of_known_eigenvalues():
    X = np.diag([1.0, 2.0, 3.0, 4.0]) * 2
    assert condition(LinearObjective(X, np.zeros(4), "squared_error")) == pytest.approx(16)
    assert condition(LinearObjective(np.eye(4), np.zeros(4), "squared_error")) == pytest.approx(1)
    assert condition(LinearObjective(np.zeros((4, 2)), np.zeros(4), "squared_error")) == math.inf


def rare(n=40_000, d=10):
    """Rows of which ten alone fill the last column, and targets."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, d))
    X[:, -1] = 0
    X[rng.choice(n, 10, replace=False), -1] = np.sqrt(n / 10)
    return X, targets("log_loss", X @ rng.standard_normal(d), rng)


@pytest.mark.parametrize("format", ["C", "F", "csr"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_part_of_the_rows_keeps_the_long_ones(format, weighted):
    X, y = rare()
    weight = np.random.default_rng(0).random(len(y)) if weighted else None
    laid_out = sp.csr_matrix(X) if format == "csr" else np.asarray(X, order=format)
    objective = LinearObjective(laid_out, y, "log_loss", 1e-4, sample_weight=weight)
    part = part_of(objective, 7)
    assert len(y) / 20 < part.n_samples < len(y) / 10 and set(np.flatnonzero(X[:, -1])) <= set(part.rows_)
    assert part.total == pytest.approx(objective.total, rel=0.1) and part.l2 == objective.l2
    assert part.value(np.ones(10)) == pytest.approx(objective.value(np.ones(10)), rel=0.1)
    assert np.array_equal(part.rows_, part_of(objective, 7).rows_) and not np.array_equal(part.rows_, part_of(objective, 8).rows_)
    assert part_of(objective, None).rows_ is part_of(objective, None).rows_
    assert part_of(LinearObjective(laid_out[:900], y[:900]), None) is None


@pytest.mark.parametrize("name", ["newton-cholesky", "preconditioned-cg"])
def test_runs_from_a_part_of_the_rows_end_at_the_minimum(name):
    X, y = rare()
    objective = LinearObjective(X, y, "log_loss", 1e-4)
    best = scipy.optimize.minimize(objective.value_and_gradient, np.zeros(10), jac=True, method="L-BFGS-B",
                                   options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 10000})
    runs = [solve(LinearObjective(X, y, "log_loss", 1e-4, n_threads=threads), None, name, tol=1e-8) for threads in (1, 2)]
    assert np.array_equal(runs[0].w, runs[1].w) and runs[0].converged
    np.testing.assert_allclose(runs[0].w, best.x, atol=1e-5)
    stay = solve(objective, None, name, runs[0].w, tol=1e-7)
    assert stay.n_iter == 0 and np.array_equal(stay.w, runs[0].w)


def test_auto_takes_samples_of_wide_sparse_rows():
    X = sp.random(300, 3000, 0.005, "csr", random_state=0)
    weak, strong = (LinearObjective(X, np.arange(300) % 2, "log_loss", l2) for l2 in (1e-9, 1 / 300))
    assert choose(weak, None, 1e-4) == "lbfgs" and choose(strong, None, 1e-4) == "sdca"
    solution, least = solve(strong, tol=1e-6), solve(strong, None, "lbfgs", tol=1e-8, max_iter=1000).value
    assert solution.solver == "sdca" and least - 1e-12 <= solution.value <= least + 1e-6


PROMISED = {"lbfgs", "newton-cholesky", "newton-cg", "preconditioned-cg", "interior-point", "highs", "cd", "fista", "sag", "saga", "svrg",
            "katyusha", "sdca"}


def test_register():
    """The names that documents promise are there; who is suitable solves, by itself or by another that is; who is not is refused by name."""
    assert registry.keys() >= PROMISED
    for loss, l2 in (("log_loss", 1.0), ("absolute_error", 0.0)):
        objective = LinearObjective(np.eye(3), [0.0, 1.0, 1.0], loss, l2)
        able = suitable(objective, None)
        assert able and set(able) < set(registry)
        for name in registry:
            if name in able:
                assert solve(objective, None, name).solver in able
            else:
                with pytest.raises(InvalidParameterError, match=f"solver '{name}'.*would do"):
                    solve(objective, None, name)
    assert all(math.isnan(solve(LinearObjective(np.eye(3), [0, 1, 1], l2=1.0), None, name).gap) for name in SOLVERS)


def test_a_new_solver_is_found_by_its_name():
    seen = []
    with pytest.raises(InvalidParameterError, match="'lbfgs'.*got 'mine'"):
        solve(LinearObjective(np.eye(3), [0, 1, 1]), None, "mine")

    @solver("mine", Needs(losses=("log_loss",), one_output=True))
    def mine(objective, penalty, w0, **options):
        seen.append((penalty, w0.tolist(), options["tol"], options["max_iter"]))
        return Solution(w0, 0.0, 0, 0.0, math.nan, True, "", "mine")
    try:
        assert registry["mine"].run is mine and list(registry)[-1] == "mine"
        assert solve(LinearObjective(np.eye(3), [0, 1, 1]), None, "mine", [1, 2, 3], tol=0.5, max_iter=7).solver == "mine"
        assert seen == [(None, [1.0, 2.0, 3.0], 0.5, 7)]
        with pytest.raises(InvalidParameterError, match="'mine' takes the losses log_loss, got huber"):
            solve(LinearObjective(np.eye(3), [0, 1, 1], "huber"), None, "mine")
    finally:
        del registry["mine"]
    assert len(seen) == 1


@pytest.mark.parametrize("ratio, own, strength", [(1.0, 0.0, 0.0), (0.25, 0.0, 0.3), (0.25, 0.1, 0.4), (0.0, 0.0, 0.4)])
def test_the_l2_of_an_elastic_net_is_its_share(ratio, own, strength):
    """Which is what solvers that need one are given, or refuse."""
    objective, penalty = LinearObjective(np.eye(3), [0, 1, 1], l2=own), penalties.ElasticNet(0.4, l1_ratio=ratio)
    assert strength_of_l2(objective, penalty) == pytest.approx(strength)
    assert ("sdca" in suitable(objective, penalty)) == (strength > 0)
