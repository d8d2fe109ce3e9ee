"""A column that is there twice: nothing but its sum of weights is known, and solvers that go by gradients leave both copies the same.

The oracle is SciPy's minimum with each column once.
"""
import numpy as np
import pytest
from scipy.optimize import minimize

from fastopt import LinearObjective, losses
from fastopt._solvers.auto import solve
from fastopt._solvers.registry import registry
from reference.objective import pointwise

LOSSES = [name for name in losses.names() if losses.get(name).smooth and losses.get(name).convex]
SOLVERS = [name for name, entry in registry.items() if entry.needs.centred and entry.needs.penalties is not None]
N, D = 80, 3


def data(loss, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, D))
    z = X @ [0.6, -0.4, 0.3] + 0.2
    target = losses.get(loss).target
    if target in ("sign", "unit"):
        return X, (z + rng.logistic(size=N) > 0).astype(float)
    return X, z + rng.normal(size=N) if target == "real" else rng.gamma(2.0, np.exp(z)) + 0.05


def once(loss, X, y):
    """Weights of columns that are there once, and the intercept."""
    rule, A = losses.get(loss), np.hstack([X, np.ones((N, 1))])

    def value(w):
        values, slopes = pointwise(loss, rule.params, rule.target == "sign", y, (A @ w)[:, None])
        return values.mean(), A.T @ slopes[:, 0] / N
    return minimize(value, np.zeros(D + 1), jac=True, options={"gtol": 1e-9, "maxiter": 10_000}).x


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_copies_share_the_weight(loss, solver):
    for seed in range(5):
        X, y = data(loss, seed)
        best = once(loss, X, y)
        for tol in (1e-5, 1e-12):   # the latter more than rounding lets be reached, with many steps of nothing else
            found = solve(LinearObjective(np.hstack([X, X]), y, loss, fit_intercept=True), None, solver, tol=tol, max_iter=500)
            np.testing.assert_allclose(found.w[:D], found.w[D:2 * D], rtol=0, atol=1e-4)
            np.testing.assert_allclose(np.append(2 * found.w[:D], found.w[-1]), best, rtol=0, atol=1e-3)
