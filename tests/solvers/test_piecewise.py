"""Losses of straight pieces at any origin and unit, and every refusal of a solver followed to one that works.

The oracle is SciPy's linprog, of data that are centred and scaled beforehand in long double, and of the value recomputed there.
"""
import re
import warnings

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import linprog, minimize
from sklearn.exceptions import ConvergenceWarning

import fastopt as fo
from fastopt import losses, penalties
from fastopt._solvers import auto as _solve
from fastopt._solvers.auto import solve
from fastopt._solvers.piecewise import interior_point as _solve_interior
from fastopt._solvers.registry import registry
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import GeneralizedLinearEstimator, QuantileRegressor

RNG = np.random.default_rng(3)
N, D = 60, 4


def value(X, y, w, b, quantile, alpha):
    """Mean pinball loss and l1, in long double."""
    r = y.astype(np.longdouble) - X.astype(np.longdouble) @ np.asarray(w, np.longdouble) - np.longdouble(b)
    return float(np.maximum(quantile * r, (quantile - 1) * r).mean() + alpha * np.abs(w).sum())


def optimum(X, y, quantile, alpha, fit_intercept):
    """Of the linear programme in centred and scaled numbers, solved again for what is left of y."""
    X, y, n, d = X.astype(np.longdouble), y.astype(np.longdouble), *X.shape
    Z = X - X.mean(axis=0) * fit_intercept
    scale = np.where(np.abs(Z).max(axis=0) > 0, np.abs(Z).max(axis=0), 1)
    A = np.hstack([Z / scale, np.full((n, 1), fit_intercept)])
    l1, w = np.append(alpha / scale, 0).astype(float), np.zeros(d + 1, np.longdouble)
    w[d] = np.median(y.astype(float)) * fit_intercept
    rows, marked = np.vstack([A.astype(float), np.diag((l1 > 0).astype(float))]), l1 > 0

    def at(w):
        r = y - A @ w
        return float(np.maximum(quantile * r, (quantile - 1) * r).mean() + l1 @ np.abs(w).astype(float))

    best = at(w)
    for _ in range(3):
        unit = best or 1.0
        target = np.concatenate([y - A @ w, -w * marked]).astype(float) / unit
        eye = np.eye(len(target))
        costs = np.concatenate([np.zeros(d + 1), np.full(n, quantile / n), l1, np.full(n, (1 - quantile) / n), l1])
        found = linprog(costs, A_eq=np.hstack([rows, eye, -eye]), b_eq=target, method="highs",
                        bounds=[(None, None)] * (d + 1) + [(0, None)] * 2 * len(target))
        further = w + unit * found.x[:d + 1]
        if at(further) < best:
            best, w = at(further), further
    return best


def design(kind):
    X = RNG.normal(size=(N, D))
    columns = {"years": lambda: RNG.integers(1990, 2025, N), "stamps": lambda: 1.7e12 + 1e3 * np.arange(N),
               "constant": lambda: np.full(N, 7.3), "twice": lambda: X[:, 1], "e9": lambda: X[:, 0] + 1e9,
               "large": lambda: 1e8 * X[:, 0], "small": lambda: 1e-8 * X[:, 0], "zero": lambda: np.zeros(N)}
    if kind in columns:
        X[:, 0] = columns[kind]()
    if kind == "trap":
        X = np.hstack([np.eye(3)[RNG.integers(0, 3, N)], X[:, :2]])
    return X


KINDS = ["plain", "years", "stamps", "constant", "twice", "e9", "large", "small", "zero", "trap"]
UNITS = {"plain": (0, 1), "origin": (1e9, 1), "large": (0, 1e8), "small": (0, 1e-8)}


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("of_y", UNITS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.repeats(4)
def test_quantiles_at_any_origin_and_unit(kind, of_y, fit_intercept):
    X = design(kind)
    spread = np.where(np.ptp(X, axis=0) > 0, np.ptp(X, axis=0), 1)
    y = ((X - X.mean(axis=0)) / spread @ np.arange(1, X.shape[1] + 1) + RNG.normal(size=N)) * UNITS[of_y][1] + UNITS[of_y][0]
    for quantile, alpha in ((0.5, 0.0), (0.8, 0.01)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = QuantileRegressor(quantile=quantile, alpha=alpha, fit_intercept=fit_intercept).fit(X, y)
        found, best = value(X, y, model.coef_, model.intercept_, quantile, alpha), optimum(X, y, quantile, alpha, fit_intercept)
        size = np.abs(y).mean() + np.abs(X).mean(axis=0) @ np.abs(model.coef_) + abs(model.intercept_)
        assert found <= best * (1 + 1e-6) + 4e-15 * size or caught, (found, best)
        assert all(issubclass(w.category, ConvergenceWarning) for w in caught)
        assert not caught or not fit_intercept     # with an intercept, columns are centred: no excuse


@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.csc_array, np.asfortranarray, lambda X: X[::-1][::-1]])
@pytest.mark.parametrize("kind", ["stamps", "trap", "small"])
def test_quantiles_of_every_form_of_X(kind, form):
    X = design(kind)
    y = RNG.normal(size=N)
    dense, other = (QuantileRegressor(alpha=0.001).fit(given, y) for given in (X, form(X)))
    np.testing.assert_allclose(other.predict(X), dense.predict(X), rtol=1e-6, atol=1e-6)


def test_y_keeps_its_digits_beside_X_of_float32():
    X = RNG.normal(size=(N, 1)).astype(np.float32)
    y = 1e9 + 3 * X[:, 0].astype(float)
    assert QuantileRegressor(alpha=0).fit(X, y).coef_[0] == pytest.approx(3, rel=1e-4)


# ---- every loss, penalty and solver ----

LOSSES = {name: losses.get(name) for name in losses.names()}
PENALTIES = {"none": None, "l1": penalties.L1(0.01), "l2": penalties.L2(0.1), "elasticnet": penalties.ElasticNet(0.05),
             "weighted": penalties.L1(0.01, weights=[1.0, 0.0, 2.0, 1.0]), "positive": penalties.L1(0.01, positive=True),
             "box": penalties.Box(-0.5, 0.5), "nonnegative": penalties.NonNegative(), "mcp": penalties.MCP(0.05),
             "groups": penalties.GroupLasso(0.02, [[0, 1], [2, 3]])}
X = RNG.normal(size=(N, D))
RAW = X @ [1.0, -0.5, 0.0, 0.3] + 0.3 * RNG.normal(size=N)
TARGETS = {"real": RAW, "sign": (RAW > 0).astype(float), "unit": (RAW > 0).astype(float), "nonnegative": np.exp(RAW),
           "positive": np.exp(RAW)}
FOUR = ("absolute_error", "quantile", "epsilon_insensitive", "hinge", "perceptron")


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.repeats(4)
def test_recommendations_work(loss, penalty):
    """A refusal names solvers that take the problem, and not itself."""
    for sparse in (False, True):   # the latter standardized, without an intercept
        objective = fo.LinearObjective(scipy.sparse.csr_matrix(X) if sparse else X, TARGETS[LOSSES[loss].target], loss,
                                       fit_intercept=not sparse, standardize=sparse)
        taken, named = set(), set()
        for solver in ("auto", *registry):
            try:
                assert np.isfinite(solve(objective, PENALTIES[penalty], solver, max_iter=1).w).all()
                taken.add(solver)
            except InvalidParameterError as error:
                others = set(re.findall(r"'([\w-]+)'", str(error).partition(";")[2]))
                assert solver not in others and (others or "no solver takes" in str(error))
                named |= others
        assert named <= taken


@pytest.mark.parametrize("penalty", ["none", "l1", "weighted", "positive", "box", "nonnegative", "l2", "elasticnet"])
@pytest.mark.parametrize("loss", FOUR)
def test_straight_pieces_end_at_the_optimum(loss, penalty):
    """No small step from there leads lower: the problems are convex."""
    y, rule = TARGETS[LOSSES[loss].target], PENALTIES[penalty]
    model = GeneralizedLinearEstimator(loss, penalty=rule, tol=1e-9).fit(X, y)
    objective = fo.LinearObjective(X, y, loss, fit_intercept=True)

    def total(w):
        return objective.value(w) + (0.0 if rule is None else rule.value(w[:D]))
    w = np.append(np.ravel(model.coef_), model.intercept_)
    least = total(w)
    assert least <= total(np.zeros(D + 1)) and np.isfinite(least)
    steps = np.random.default_rng(0).normal(size=(300, D + 1))
    for size in (1e-1, 1e-3, 1e-5):
        assert min(total(w + size * step) for step in steps) >= least - 1e-8


@pytest.mark.parametrize("loss", FOUR)
def test_two_methods_agree(loss):
    objective = fo.LinearObjective(X, TARGETS[LOSSES[loss].target], loss, fit_intercept=True, sample_weight=np.arange(N) % 3)
    for penalty in (None, PENALTIES["l1"], PENALTIES["box"]):
        one, other = (solve(objective, penalty, name, tol=1e-9) for name in ("interior-point", "highs"))
        assert one.converged and other.converged and one.value == pytest.approx(other.value, rel=1e-8, abs=1e-9)
        assert one.gap <= 1e-6 * one.value + 1e-9


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("solver,name", [(solver, name) for name, rule in PENALTIES.items()
                                         for solver in ("interior-point", "augmented-lagrangian")
                                         if rule is None or rule.name in registry[solver].needs.penalties])
@pytest.mark.parametrize("loss", FOUR)
def test_rows_in_one_array_are_the_rows_in_blocks(monkeypatch, loss, solver, name, form):
    """Small X is copied to one array, whose products are BLAS's: with copies of rows (epsilon > 0), unit rows of l1 and of bounds."""
    kind = losses.get(loss, epsilon=0.3) if loss == "epsilon_insensitive" else loss
    data = X if form == "dense" else scipy.sparse.csr_matrix(np.where(np.abs(X) > 0.5, X, 0))
    l2 = 0.1 if solver == "augmented-lagrangian" else 0.0
    objective = fo.LinearObjective(data, TARGETS[LOSSES[loss].target], kind, l2=l2, fit_intercept=True)
    found = []
    for size in (_solve_interior.MAX_DENSE_BYTES, 0):
        monkeypatch.setattr(_solve_interior, "MAX_DENSE_BYTES", size)
        found.append(solve(objective, PENALTIES[name], solver, tol=1e-8))
    assert found[0].value == pytest.approx(found[1].value, rel=1e-7, abs=1e-9)
    assert [solution.message for solution in found] == [found[0].message] * 2


def dual_of(loss, X, y, l2):
    """The least value by SciPy's L-BFGS-B on the dual: z·target − |Xᵀz|²/(2·l2), z of each kink within its slopes, X with the
    intercept's column."""
    n = len(y)
    parts = {"hinge": [(y, np.where(y > 0, 0.0, -1.0), np.where(y > 0, 1.0, 0.0))], "absolute_error": [(y, -np.ones(n), np.ones(n))],
             "quantile": [(y, -0.5 * np.ones(n), 0.5 * np.ones(n))],
             "epsilon_insensitive": [(y - 0.3, np.zeros(n), np.ones(n)), (y + 0.3, -np.ones(n), np.zeros(n))]}[loss]
    target, low, high = (np.concatenate(arrays) for arrays in zip(*parts))
    rows = np.vstack([X] * len(parts))

    def negative(z):
        g = rows.T @ z
        return g @ g / (2 * l2) - target @ z, rows @ g / l2 - target
    found = minimize(negative, (low + high) / (2 * n), jac=True, bounds=list(zip(low / n, high / n)), method="L-BFGS-B",
                     options={"maxiter": 20_000, "maxfun": 50_000, "maxcor": 50, "ftol": 1e-15, "gtol": 1e-12})
    return -found.fun


@pytest.mark.parametrize("l2", [0.03, 0.3, 10.0])
@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("loss", ["hinge", "absolute_error", "quantile", "epsilon_insensitive"])
def test_a_method_of_multipliers_ends_at_the_dual_value(loss, noise, l2):
    rng = np.random.default_rng(5)
    A = rng.normal(size=(80, 3))
    y = A @ [1.0, -2.0, 0.5] + noise * rng.normal(size=80)
    y = np.where(y > 0, 1.0, -1.0) if loss == "hinge" else y
    kind = losses.get(loss, epsilon=0.3) if loss == "epsilon_insensitive" else loss
    objective = fo.LinearObjective(A, (y + 1) / 2 if loss == "hinge" else y, kind, l2=l2, fit_intercept=True)
    found = solve(objective, None, "augmented-lagrangian", tol=1e-7, intercept_scaling=2.0, max_iter=1000)
    least = dual_of(loss, np.hstack([A, np.full((80, 1), 2.0)]), y, l2)
    assert found.converged and found.value == pytest.approx(least, rel=1e-5) and found.value >= least * (1 - 1e-9)
    assert found.gap <= 1e-6 * found.value


def test_where_multipliers_come_no_further_an_interior_point_method_goes_on(monkeypatch):
    """A solver that "auto" takes and that gives up is not the last."""
    objective = fo.LinearObjective(X, TARGETS["sign"], "hinge", l2=1e-3, fit_intercept=True)
    monkeypatch.setattr(_solve, "_FIRST_SOLVER_ITERATIONS", 1)
    found = solve(objective, tol=1e-6, max_iter=200, intercept_scaling=1.0)
    assert found.solver == "interior-point" and found.converged and found.n_iter > 1
