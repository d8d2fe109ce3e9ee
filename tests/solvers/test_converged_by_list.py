"""Each solver of the register, of each loss and penalty that it takes: a solution that says it has converged is at the minimum.

What is smooth is looked at by the least subgradient, in long double from X alone; losses with kinks by the optimum of the quadratic
programme that they are, which SciPy finds.
"""
import functools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import LinearConstraint, linprog, minimize

from fastopt import LinearObjective, losses, penalties
from fastopt._solvers.auto import solve
from fastopt._solvers.registry import registry
from fastopt.exceptions import InvalidParameterError
from reference.objective import pointwise

LONG = np.longdouble
TOL, L1, L2 = 1e-4, 0.03, 0.05
#: straight pieces (slope, offset) in p, of which a loss with kinks is the largest, by y
PIECES = {
    "absolute_error": lambda y: [(1, -y), (-1, y)],
    "quantile": lambda y: [(0.5, -0.5 * y), (-0.5, 0.5 * y)],
    "epsilon_insensitive": lambda y: [(0, 0 * y), (1, -y - 0.1), (-1, y - 0.1)],
    "hinge": lambda y: [(0, 0 * y), (1 - 2 * y, 1 + 0 * y)],
    "perceptron": lambda y: [(0, 0 * y), (1 - 2 * y, 0 * y)],
}
PENALTIES = {"none": None, "l2": penalties.L2(L2), "l1": penalties.L1(L1), "elasticnet": penalties.ElasticNet(L1, l1_ratio=0.5),
             "nonnegative": penalties.NonNegative(), "positive": penalties.L1(L1, positive=True), "box": penalties.Box(-0.3, 0.2),
             "mcp": penalties.MCP(L1), "scad": penalties.SCAD(L1), "groups": penalties.GroupLasso(L1, 2)}


def between(slope, w, low, high):
    """The least subgradient of a function with that slope of weights that are between bounds."""
    return np.where((w <= low) & (slope > 0) | (w >= high) & (slope < 0), 0, slope)


def shrunk(g, w, size, slope):
    """The least subgradient where |w| has the derivative `size` at 0, and elsewhere the penalty the derivative `slope`."""
    return np.where(w == 0, np.sign(g) * np.maximum(np.abs(g) - size, 0), g + slope)


def in_groups(g, w):
    found = g.copy()
    for group in np.arange(len(w)).reshape(-1, 2):
        norm, pull = np.linalg.norm(w[group].astype(float)), L1
        if norm:
            found[group] += pull * w[group] / norm
        else:
            found[group] *= max(0.0, 1 - pull / max(np.linalg.norm(g[group].astype(float)), 1e-300))
    return found


def scad_slope(w, gamma=3.7):
    size = np.abs(w)
    return np.sign(w) * np.where(size <= L1, L1, np.maximum(gamma * L1 - size, 0) / (gamma - 1))


#: least subgradients of gradient and penalty, by the names above
LEAST = {
    "none": lambda g, w: g,
    "l2": lambda g, w: g + L2 * w,
    "l1": lambda g, w: shrunk(g, w, L1, L1 * np.sign(w)),
    "elasticnet": lambda g, w: shrunk(g, w, L1 / 2, L1 / 2 * (np.sign(w) + w)),
    "nonnegative": lambda g, w: between(g, w, 0, np.inf),
    "positive": lambda g, w: between(g + L1, w, 0, np.inf),
    "box": lambda g, w: between(g, w, -0.3, 0.2),
    "mcp": lambda g, w: shrunk(g, w, L1, np.sign(w) * np.maximum(L1 - np.abs(w) / 3, 0)),
    "scad": lambda g, w: shrunk(g, w, L1, scad_slope(w)),
    "groups": in_groups,
}
#: penalties that the programme of straight pieces has, as (l1, l2, low, high)
CONVEX = {"none": (0, 0, -np.inf, np.inf), "l2": (0, L2, -np.inf, np.inf), "l1": (L1, 0, -np.inf, np.inf),
          "elasticnet": (L1 / 2, L1 / 2, -np.inf, np.inf), "nonnegative": (0, 0, 0, np.inf), "positive": (L1, 0, 0, np.inf),
          "box": (0, 0, -0.3, 0.2)}
SHAPES = {"tall": (60, 4), "wide": (10, 16)}
FORMS = {"dense": np.asarray, "csr": sp.csr_array}


def data(loss, shape, dtype):
    n, d = SHAPES[shape]
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.8) + 0.3 * np.arange(d)
    X = X.astype(dtype)
    z = (X - X.mean(axis=0))[:, :4] @ [0.8, -0.5, 0.2, 0.3] + 0.2
    if loss == "multinomial":
        return X, np.digitize(z + rng.logistic(size=n), [-0.7, 0.7]) if n > d else np.arange(n) % 3
    target = losses.get(loss).target
    if target in ("sign", "unit"):
        return X, (z + rng.logistic(size=n) > 0).astype(float)
    return X, z + rng.normal(size=n) if target == "real" else rng.gamma(2.0, np.exp(z)) + 0.05


def pieces(loss, y, p):
    """The loss's values."""
    if loss in PIECES:
        return np.max([slope * p + offset for slope, offset in PIECES[loss](y)], axis=0)
    return pointwise(loss, losses.get(loss).params, False, y, p[:, None])[0]


def slopes(loss, y, p):
    """The derivatives (n, k)."""
    params, margin = ({}, False) if loss == "multinomial" else (losses.get(loss).params, losses.get(loss).target == "sign")
    return pointwise(loss, params, margin, y, p)[1]


def violation(loss, X, y, w, intercept, rule, l2):
    """The largest element of the least subgradient: of each column as it is, or without its mean, which an intercept makes the same."""
    k = 3 if loss == "multinomial" else 1
    X, coef, b = X.astype(LONG), w[:k * X.shape[1]].reshape(k, -1).astype(LONG), w[k * X.shape[1]:].astype(LONG)
    e = slopes(loss, y, X @ coef.T + (b if intercept else 0)) / len(y)
    both = [np.abs(LEAST[rule]((e.T @ Z + l2 * coef).ravel(), coef.ravel())) for Z in (X, X - intercept * X.mean(axis=0))]
    return float(max(np.minimum(*both).max(), np.abs(e.sum(axis=0)).max() if intercept else 0))


def value(loss, X, y, w, intercept, rule, l2):
    """Objective and penalty at parameters w."""
    l1, more, low, high = CONVEX[rule]
    coef, b = w[:X.shape[1]], w[-1] if intercept else 0
    assert (coef >= low).all() and (coef <= high).all()
    p = X.astype(LONG) @ coef.astype(LONG) + b
    return float(pieces(loss, y, p).mean() + l1 * np.abs(coef).sum() + (l2 + more) / 2 * coef @ coef)


@functools.cache
def optimum(loss, shape, dtype, intercept, rule, l2):
    """The least value, by SciPy: of weights above 0 and below, the intercept, and of losses with kinks one more number a sample."""
    X, y = data(loss, shape, dtype)
    (n, d), (l1, more, low, high) = X.shape, CONVEX[rule]
    Z = np.hstack([X, -X, np.full((n, 1), float(intercept))]).astype(float)
    costs, own = np.concatenate([np.full(2 * d, l1), [0.0]]), l2 + more
    bounds = [(0, high)] * d + [(0, max(-low, 0))] * d + [(None, None)]

    def penalty(v):
        part = own * (v[:d] - v[d:2 * d])
        return costs @ v[:2 * d + 1] + part @ part / max(2 * own, 1e-300), costs + np.concatenate([part, -part, [0.0]])
    if loss not in PIECES:
        def smooth(v):
            value, slope = penalty(v)
            return value + pieces(loss, y, Z @ v).mean(), slope + Z.T @ slopes(loss, y, (Z @ v)[:, None])[:, 0] / n
        return minimize(smooth, np.zeros(2 * d + 1), jac=True, bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 10_000}).fun
    parts = PIECES[loss](y)
    A = np.vstack([np.hstack([np.broadcast_to(slope, n)[:, None] * Z, -np.eye(n)]) for slope, _ in parts])
    limit, bounds = np.concatenate([-offset for _, offset in parts]), bounds + [(None, None)] * n
    if own == 0:
        return linprog(np.append(costs, np.full(n, 1 / n)), A_ub=A, b_ub=limit, bounds=bounds, method="highs").fun
    start = np.append(np.zeros(2 * d + 1), np.max([offset for _, offset in parts], axis=0))
    return minimize(lambda v: penalty(v)[0] + v[2 * d + 1:].mean(), start, bounds=bounds, method="SLSQP",
                    jac=lambda v: np.append(penalty(v)[1], np.full(n, 1 / n)), constraints=LinearConstraint(A, -np.inf, limit),
                    options={"maxiter": 1000, "ftol": 1e-12}).fun


def problems(loss):
    """(what, X as given, X, y, intercept, penalty, l2): X of each shape, form and type."""
    for shape in SHAPES:
        for dtype in (np.float64, np.float32):
            for form in FORMS:
                for intercept in (False, True):
                    for rule in PENALTIES if form == "dense" or not intercept else ("none", "l1"):
                        if loss == "multinomial" and rule == "groups":
                            continue   # of one output
                        yield (shape, dtype, form, intercept, rule, 0.0 if rule == "l2" else 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [*losses.names(), "multinomial"])
@pytest.mark.parametrize("solver", registry)
def test_converged_is_true(solver, loss):
    taken = claims = 0
    for what in problems(loss):
        shape, dtype, form, intercept, rule, l2 = what
        X, y = data(loss, shape, dtype)
        objective = LinearObjective(FORMS[form](X), y, loss, l2=l2, fit_intercept=intercept)
        try:
            found = solve(objective, PENALTIES[rule], solver, tol=TOL, max_iter=500)
        except InvalidParameterError:
            continue
        taken, claims = taken + 1, claims + found.converged
        if found.converged and (loss in PIECES or solver == "interior-point"):   # by the gap
            best = optimum(loss, shape, dtype, intercept, rule, l2)
            assert value(loss, X, y, found.w, intercept, rule, l2) <= best * (1 + 3 * TOL) + 1e-7, what
        elif found.converged:
            assert violation(loss, X, y, found.w, intercept, rule, l2) <= 3 * TOL, what
        else:
            assert "tol" in found.message or "grow" in found.message, what
    assert claims or not taken
