"""The outer loop that all solvers share, and conjugate gradients: when they end, what they say, and whom they tell."""
import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastopt import LinearObjective
from fastopt._methods.conjugate_gradients import ConjugateGradients
from fastopt._methods.iterate import Patience
from fastopt._solvers.auto import solve
from fastopt._solvers.iterate import iterate
from fastopt._solvers.registry import CONVERGED, LIMIT, NOT_FINITE, PRECISION, STOPPED, Solution, suitable


def run(messages, steps=100, max_iter=50, stop_at=None):
    """A run that looks at a point with each of these messages; None: it does not look.  The solution and what the callback saw."""
    seen = []

    def look(n_iter):
        message = messages[min(n_iter, len(messages) - 1)]
        return None if message is None else Solution(np.array([float(n_iter)]), 0.0, n_iter, 0.0, 0.0, message == CONVERGED, message, "")

    def some():
        for _ in range(steps):
            yield
        return PRECISION

    def callback(solution):
        seen.append((solution.n_iter, solution.message))
        solution.w[:] = -1   # its own
        if solution.n_iter == stop_at:
            raise StopIteration
    found = iterate(some(), look, max_iter, callback)
    return found.w[0], found.n_iter, found.converged, found.message, [n for n, message in seen if message == ""]


def test_ends_of_a_run():
    assert run([CONVERGED]) == (0, 0, True, CONVERGED, [])
    assert run(["", "", CONVERGED]) == (2, 2, True, CONVERGED, [1, 2])
    assert run([""], max_iter=2) == (2, 2, False, LIMIT, [1, 2])
    assert run([""], max_iter=0) == (0, 0, False, LIMIT, [])
    assert run([""], steps=3) == (3, 3, False, PRECISION, [1, 2, 3])
    assert run([""], stop_at=2) == (2, 2, False, STOPPED, [1, 2])
    assert run(["", CONVERGED], stop_at=1) == (1, 1, True, STOPPED, [1])


def test_points_that_nobody_looked_at_or_that_are_not_finite_are_not_told():
    assert run(["", None, "", None], max_iter=5) == (2, 5, False, LIMIT, [2])
    assert run(["", "", NOT_FINITE]) == (2, 2, False, NOT_FINITE, [1])


def test_patience():
    patience = Patience(2)
    assert [patience.ends(*pair) for pair in ((3, 3), (3, 3), (3, 2), (4, 4), (4, 4))] == [False, False, False, False, True]
    patience = Patience(1, share=0.5, noise=0.1)
    assert [patience.ends(*pair) for pair in ((1, 1), (0.8, 1), (0.75, 0.4), (0.75, 0.3))] == [False, False, False, True]
    patience.start_anew()
    assert not patience.ends(9, 9)


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "squared_hinge", "hinge"])
def test_every_solver_tells_of_its_last_iteration(loss):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 4))
    y = (X[:, 0] + rng.standard_normal(80) > 0).astype(float)
    objective = LinearObjective(X, y, loss, l2=0.1)
    for name in suitable(objective, None):
        seen = []
        found = solve(objective, None, name, tol=1e-5, max_iter=1000, random_state=0, callback=seen.append)
        assert found.converged and seen[-1].n_iter == found.n_iter, name
        assert_allclose(seen[-1].w, found.w, err_msg=name)


def test_conjugate_gradients_of_rows_are_those_of_each():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((9, 6))
    H, R, scale = A.T @ A, rng.standard_normal((3, 6)), rng.random(6) + 0.5
    rows = ConjugateGradients(lambda D: D @ H, R.copy(), lambda r: scale * r, lambda a, b: np.einsum("ij,ij->i", a, b)[:, None])
    alone = [ConjugateGradients(lambda d: H @ d, r.copy(), lambda r: scale * r, lambda a, b: float(a @ b)) for r in R]
    for _ in range(5):
        assert rows.step() and all(system.step() for system in alone)
        for name in ("x", "residual", "direction"):
            assert_allclose(getattr(rows, name), [getattr(system, name) for system in alone], atol=1e-9)
        for name in ("square", "length", "gain", "turn"):
            assert_allclose(getattr(rows, name)[:, 0], [getattr(system, name) for system in alone], rtol=1e-6)
    rows.step()
    assert_allclose(rows.x @ H, R, atol=1e-8)


def test_conjugate_gradients_stop_where_there_is_no_curvature():
    system = ConjugateGradients(lambda d: np.array([d[0], -d[1]]), np.array([1.0, 2.0]), np.copy, lambda a, b: float(a @ b))
    assert not system.step() and not system.x.any() and np.array_equal(system.direction, [1.0, 2.0])
    still = np.zeros((2, 2))   # a row that is solved stays
    rows = ConjugateGradients(lambda D: 2 * D, np.array([[0.0, 0.0], [4.0, 2.0]]), np.copy, lambda a, b: np.einsum("ij,ij->i", a, b)[:, None])
    assert rows.step() and np.array_equal(rows.x, still + [[0], [1]] * np.array([2.0, 1.0])) and rows.length[0, 0] == 0
