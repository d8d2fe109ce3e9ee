"""A violation or a gap of exactly tol is within tol, by each solver that looks at where it starts; one that is larger by a bit is not."""
import numpy as np
import pytest
from sklearn.linear_model import Lasso

from fastopt import LinearObjective, penalties
from fastopt._solvers.auto import solve
from fastopt._solvers.registry import registry, suitable

RNG = np.random.default_rng(0)
X = RNG.standard_normal((64, 3))
Y = np.sign(X @ [1.0, -2.0, 0.5] + RNG.standard_normal(64))
START = [0.4, -0.7, 0.3]
CONTINUOUS = LinearObjective(X, (Y > 0).astype(float), "log_loss", l2=0.1)


@pytest.mark.parametrize("solver", [name for name in registry if name in suitable(CONTINUOUS, None)])
def test_a_violation_of_tol(solver):
    start = solve(CONTINUOUS, None, solver, START, tol=1e-12, max_iter=0)
    assert start.n_iter == 0 and not start.converged and start.violation > 0
    tie = solve(CONTINUOUS, None, solver, START, tol=start.violation, max_iter=0)
    assert tie.converged and tie.n_iter == 0 and tie.w.tolist() == START
    assert not solve(CONTINUOUS, None, solver, START, tol=np.nextafter(start.violation, 0), max_iter=0).converged


@pytest.mark.parametrize("weighted", [False, True])
def test_a_gap_of_tol(weighted):
    """tol is relative to mean(y²): 1, or by weights of 3 for zeros and 1 for fours 4, to the bit."""
    weight = np.tile([3.0, 1.0], 32) if weighted else None
    y = np.where(weight == 3, 0, 4) * Y if weighted else Y
    objective = LinearObjective(X, y, "squared_error", sample_weight=weight)
    start = solve(objective, penalties.L1(0.1), "cd", START, tol=1e-12, max_iter=0)
    limit = start.gap / (4 if weighted else 1)
    assert limit > 0 and not start.converged
    assert solve(objective, penalties.L1(0.1), "cd", START, tol=limit, max_iter=0).converged
    assert not solve(objective, penalties.L1(0.1), "cd", START, tol=np.nextafter(limit, 0), max_iter=0).converged


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("off", [-0.5, 0.25, 3.0])
def test_the_gap_of_an_intercept_is_what_it_could_gain(off, weighted):
    """Coefficients at the minimum, which scikit-learn finds, of columns without a mean; the intercept off by some: off²/2."""
    weight = RNG.random(64) if weighted else np.ones(64)
    Z = X - np.average(X, axis=0, weights=weight)
    y = Y + 7
    best = Lasso(0.1, tol=1e-15, max_iter=100_000).fit(Z, y, weight)
    objective = LinearObjective(Z, y, "squared_error", sample_weight=weight, fit_intercept=True)
    found = solve(objective, penalties.L1(0.1), "cd", [*best.coef_, best.intercept_ + off], tol=1e-12, max_iter=0)
    assert found.gap == pytest.approx(off ** 2 / 2, rel=1e-9)
