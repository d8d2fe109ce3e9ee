"""Dual coordinates: steps and conjugates against plain ones, the loop against a plain loop, solutions against SciPy."""
import numpy as np
import pytest
import scipy.sparse as sp
from test_variance import internal, problem

import fastopt as fo
from fastopt import losses, penalties
from fastopt._core import tables as _core
from fastopt._samples import order as _samples, rows as _rows
from fastopt._solvers import registry as _solver
from fastopt._solvers.stochastic import _sdca as _dual, dual_run as _solve_dual, sdca as _sdca_solver
from fastopt.exceptions import InvalidParameterError
from reference.chains import DUALS, dual_step, kinked_optimum, objective, optimum, sdca
from reference.losses import PLAIN

PARAMS = {name: {} for name in DUALS}
PARAMS.update(huber={"delta": 0.7}, quantile={"quantile": 0.3}, epsilon_insensitive={"epsilon": 0.2},
              squared_epsilon_insensitive={"epsilon": 0.2})
KINKED = [name for name in DUALS if not losses.get(name).smooth]
SIZES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 65, 129]


def make(X, y, loss, *, l2=0.1, l1=0.0, positive=False, weight=None, column=0.0, seed=5, threads=1, shrunk=None):
    matrix, n = _core.Matrix(X), X.shape[0]
    weight = np.ones(n) if weight is None else weight
    targets = internal(loss, y).astype(X.dtype)
    samples = _samples.Samples(matrix, targets, targets.reshape(n, -1).shape[1], 0, weight / (l2 * weight.sum()), shrunk, True,
                               seed, threads)
    return _dual.SdcaChains(matrix, samples, losses.get(loss, **PARAMS[loss]).spec, samples_k(targets), _rows.row_squares(matrix)
                            + column ** 2, l1=l1 / l2, positive=positive, column=column, shrunk=shrunk, threads=threads)


def samples_k(targets):
    return targets.shape[1] if targets.ndim == 2 else 1


def test_the_list():
    assert set(_dual.LOSSES) == set(DUALS)


def feasible(loss, y):
    low, high = DUALS[loss][1](y, **PARAMS[loss])
    return np.clip([-2.0, -0.6, 0.0, 0.3, 0.9, 5.0], low, high)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", DUALS)
@pytest.mark.repeats(4)
def test_step(isa, loss, dtype):
    """One sample: p and u where we want them; the new u solves for its derivative, or lies at a bound beyond which it would."""
    ys = [-1.0, 1.0] if _core.LOSS_TARGETS[loss] == "sign" else [0.0, 1.0, 0.3] if loss == "log_loss" else [-1.3, 0.0, 2.0]
    for y in ys:
        for u in feasible(loss, y):
            for p in (-4.0, -0.5, 0.2, 0.99, 3.0):
                for h in (0.05, 1.0, 30.0):
                    public = (y + 1) / 2 if _core.LOSS_TARGETS[loss] == "sign" else y
                    run = make(np.array([[np.sqrt(h)]], dtype), np.array([public], dtype), loss, l2=1.0)
                    run.u[...] = u
                    run.place(np.array([[p / np.sqrt(h)]]))
                    run.run(3 if loss == "log_loss" else 1)   # a step of log_loss is nearly exact
                    got, want = run.u[0, 0], dual_step(y, u, p, h, loss, PARAMS[loss])
                    assert got == pytest.approx(want, rel=1e-5 if dtype == np.float32 else 1e-6, abs=2e-6), (y, u, p, h)
                    assert run.weights()[0][0, 0] * np.sqrt(h) == pytest.approx(p + h * (got - u), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("loss", DUALS)
def test_conjugate(loss):
    """Fenchel and Young: loss + conjugate + u·p is at least 0, 0 where −u is a derivative, infinite beyond the bounds."""
    rng = np.random.default_rng(0)
    public = rng.integers(0, 2, 300).astype(float) if _core.LOSS_TARGETS[loss] != "real" else rng.standard_normal(300)
    y, p, weight = internal(loss, public), 2 * rng.standard_normal(300), rng.random(300)
    value, slope = PLAIN[loss](y, p, **PARAMS[loss])
    spec = losses.get(loss, **PARAMS[loss]).spec
    u = -np.asarray(slope, dtype=float)
    np.testing.assert_allclose(_dual.gap(spec, y, u, p, weight), (0, weight @ value), atol=1e-12)
    other = np.roll(p, 1)
    wanted = [PLAIN[loss](y, other, **PARAMS[loss])[0][i] + DUALS[loss][0](y[i], u[i], **PARAMS[loss]) + u[i] * other[i]
              for i in range(300)]
    assert min(wanted) > -1e-12
    np.testing.assert_allclose(_dual.gap(spec, y, u, other)[0], sum(wanted), rtol=1e-12)
    low, high = DUALS[loss][1](y[0], **PARAMS[loss])
    for u in (low - 0.1, high + 0.1):
        if np.isfinite(u):
            assert _dual.gap(spec, y[:1], np.array([u]), p[:1])[0] == np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout, d", [(None, d) for d in SIZES] + [(index, d) for index in (np.int32, np.int64) for d in (1, 5, 40)])
@pytest.mark.parametrize("pull", [{}, {"l1": 0.02}, {"l1": 0.01, "positive": True}], ids=["l2", "elasticnet", "positive"])
def test_sizes(isa, d, dtype, layout, pull):
    X, y = problem(31, d, "squared_hinge", dtype, sparse=layout is not None, seed=d)
    used = X
    if layout is not None:
        used = sp.csr_matrix(X)
        used.indices, used.indptr = used.indices.astype(layout), used.indptr.astype(layout)
    run = make(used, y, "squared_hinge", weight=np.arange(31) % 3, **pull)
    run.run(2)

    def step(y, u, p, h, loss, params):
        gap = 1 - y * p + h * y * u
        return y * max(0, 2 * gap / (1 + 2 * h))
    orders = [_samples.shuffled(31, 5, e + 1) for e in range(2)]
    w, u = sdca(X.astype(float), internal("squared_hinge", y), "squared_hinge", {}, orders, weight=np.arange(31) % 3, step=step,
                **pull)
    u[np.arange(31) % 3 == 0] = 0   # a sample of weight 0 asks for nothing, one of a row of zeros for what its prediction does
    for got, want in ((run.weights()[0][0], w), (run.u[0], u)):
        np.testing.assert_allclose(got, want, rtol=0, atol=(1e-10 if dtype == np.float64 else 2e-4) * (1 + np.abs(want).max()))


def test_instruction_sets_agree(other_isa):
    for sparse in (False, True):
        X, y = problem(80, 37, dtype=np.float32, sparse=sparse)
        X = sp.csr_matrix(X) if sparse else X
        runs = []
        for name in (other_isa, fo.available_isas()[0]):
            fo.set_isa(name)
            runs.append(make(X, y, "log_loss"))
            runs[-1].run(3)
        close = {"rtol": 1e-4, "atol": 1e-5} if other_isa == "base" else {"rtol": 0}
        np.testing.assert_allclose(runs[0].weights()[0], runs[1].weights()[0], **close)


def test_strided_rows():
    X, y = problem(50, 9)
    wanted = make(X, y, "log_loss")
    wanted.run(2)
    for other in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        other.flags.writeable = False
        run = make(other, y, "log_loss")
        run.run(2)
        np.testing.assert_array_equal(run.weights()[0], wanted.weights()[0])


# ---- solutions ----
def solve(X, y, loss, penalty=None, *, l2=0.0, w0=None, tol=1e-8, max_iter=20000, random_state=0, callback=None, scaling=None,
          **options):
    made = fo.LinearObjective(X, y, losses.get(loss, **PARAMS[loss]), l2=l2, **options)
    w0 = np.zeros(made.n_params) if w0 is None else w0
    return _solver.find("sdca", made, penalty)(made, penalty, w0, tol=tol, max_iter=max_iter, callback=callback, random_state=random_state,
                                               intercept_scaling=scaling)


def least(X, y, loss, *, weight=None, l2=0.0, l1=0.0, intercept=False, **terms):
    if loss in KINKED:
        return kinked_optimum(X, internal(loss, y), loss, PARAMS[loss], weight=weight, l2=l2, intercept=intercept)
    return optimum(X, internal(loss, y), loss, PARAMS[loss], weight=weight, l2=l2, l1=l1, intercept=intercept, **terms)[0]


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("loss", DUALS)
def test_optimum(loss, intercept):
    X, y = problem(40, 5, loss, seed=3)
    weight = 1.0 + np.arange(40) % 3 * (np.arange(40) % 7 > 0)
    found = solve(X, y, loss, l2=0.1, sample_weight=weight, fit_intercept=intercept)
    value = objective(X, internal(loss, y), loss, PARAMS[loss], found.w[:5], found.w[5] if intercept else 0, weight=weight, l2=0.1)
    best = least(X, y, loss, weight=weight, l2=0.1, intercept=intercept)
    assert found.converged and value == pytest.approx(found.value, rel=1e-12)
    assert abs(value - best) <= 1e-6 * abs(best) + 1e-9
    assert intercept or value - best <= found.gap + 1e-8 * abs(best)


@pytest.mark.parametrize("terms", [{"l1": 0.02}, {"l1": 0.02, "positive": True}, {"positive": True}], ids=str)
@pytest.mark.parametrize("loss", [name for name in DUALS if name not in KINKED])
def test_optimum_with_l1(loss, terms):
    X, y = problem(40, 5, loss, seed=3)
    penalty = penalties.L1(terms["l1"], terms.get("positive", False)) if "l1" in terms else penalties.NonNegative()
    found = solve(X, y, loss, penalty, l2=0.1, tol=1e-7)
    best = least(X, y, loss, l2=0.1, **terms)
    assert found.converged and found.value - best <= 1e-6 * abs(best)
    if "l1" in terms:
        assert not terms.get("positive") or (found.w >= 0).all()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_hinge"])
@pytest.mark.repeats(3)
def test_data_sets(loss, sparse, dtype):
    """Zero weights, zero and repeated rows, several outputs, threads, orders by seeds; dense as CSR."""
    X, y = problem(60, 9, loss, dtype, sparse=True)
    Y, weight = np.stack([y, 1 - y, (np.arange(60) % 3 == 0)], axis=1), np.arange(60) % 4
    used = sp.csr_matrix(X) if sparse else X
    options = dict(l2=0.05, sample_weight=weight, tol=1e-8 if dtype == np.float64 else 1e-5, max_iter=3000)
    found = solve(used, Y, loss, n_threads=1, **options)
    for j in range(3):
        best = least(X.astype(float), Y[:, j].astype(float), loss, weight=weight, l2=0.05)
        value = objective(X.astype(float), internal(loss, Y[:, j]), loss, {}, found.w[9 * j:9 * j + 9], weight=weight, l2=0.05)
        assert value - best <= (1e-6 if dtype == np.float64 else 1e-4) * best
    np.testing.assert_array_equal(solve(used, Y, loss, n_threads=2, **options).w, found.w)
    assert not np.array_equal(solve(used, Y, loss, random_state=1, **options).w, found.w)


@pytest.mark.parametrize("loss", ["hinge", "log_loss", "squared_epsilon_insensitive"])
def test_penalised_intercept(loss):
    """intercept_scaling is a constant column."""
    X, y = problem(40, 5, loss, seed=3)
    found = solve(X + 1, y, loss, l2=0.1, fit_intercept=True, scaling=2.0)
    wanted = solve(np.column_stack([X + 1, np.full(40, 2.0)]), y, loss, l2=0.1)
    assert found.value == pytest.approx(wanted.value, rel=1e-7)
    np.testing.assert_allclose(found.w, [*wanted.w[:5], 2 * wanted.w[5]], atol=1e-3)


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "huber"])
def test_warm_start(loss):
    """From its own solution it is at once at the end, and a useless start costs little."""
    X, y = problem(300, 5, loss)
    cold = solve(X, y, loss, l2=0.05, tol=1e-6, fit_intercept=True)
    warm = solve(X, y, loss, l2=0.05, tol=1e-5, w0=cold.w, fit_intercept=True)
    assert warm.converged and (warm.n_iter <= 2 or loss == "hinge")
    far = solve(X, y, loss, l2=0.05, tol=1e-6, w0=100 * np.ones(6), fit_intercept=True)
    assert far.converged and far.value == pytest.approx(cold.value, rel=1e-5)


@pytest.mark.parametrize("loss", ["hinge", "epsilon_insensitive"])
def test_leaving_samples_out_changes_no_solution(loss, monkeypatch):
    X, y = problem(2000, 5, loss)
    short = solve(X, y, loss, l2=1e-3, tol=1e-6)
    monkeypatch.setattr(_solve_dual, "_NEVER_AT_BOUND", tuple(DUALS))
    whole = solve(X, y, loss, l2=1e-3, tol=1e-6)
    assert short.converged and whole.converged and abs(short.value - whole.value) <= 2e-6


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_hard_data(loss):
    """One sample; more features than samples; separable; columns of very different scales; all rows zeros."""
    cases = [(np.array([[2.0, -1.0]]), np.array([1.0])), (problem(6, 40, loss)), (np.array([[1.0], [-1.0]]), np.array([1.0, 0.0])),
             (problem(50, 3, loss)[0] * np.array([1e-4, 1.0, 1e2]), problem(50, 3, loss)[1]), (np.zeros((4, 2)), np.arange(4) % 2.0)]
    for X, y in cases:
        found = solve(X, y, loss, l2=0.05, tol=1e-8)
        best = least(X, y, loss, l2=0.05)
        assert found.value - best <= 1e-6 * best + 1e-9


def test_callback_sees_and_stops():
    seen = []

    def callback(solution):
        seen.append(solution)
        if len(seen) == 3:
            raise StopIteration
    X, y = problem(50, 5)
    found = solve(X, y, "log_loss", l2=0.01, tol=1e-12, callback=callback)
    assert found.n_iter == 3 and not found.converged and seen[2].gap == found.gap < seen[0].gap
    assert solve(X, y, "log_loss", l2=0.01, max_iter=2, tol=1e-12).n_iter == 2


@pytest.mark.parametrize("how", ["csc", "uint8", "float16", "rows"])
def test_other_forms_of_X(how):
    """Copied where they are not read in place; some rows of X; standardized columns are refused."""
    X, y = problem(60, 4, "squared_hinge")
    X = np.round(8 * np.abs(X))
    other = {"csc": sp.csc_matrix(X), "uint8": X.astype(np.uint8), "float16": X.astype(np.float16), "rows": np.vstack([X, X + 1])}[how]
    made = fo.LinearObjective(other, np.append(y, y) if how == "rows" else y, "squared_hinge", l2=0.5)
    made = made.rows(np.arange(60)) if how == "rows" else made
    found = _sdca_solver.sdca(made, None, np.zeros(4), tol=1e-6, max_iter=2000, callback=None, random_state=0)
    assert found.converged and found.value == pytest.approx(least(X, y, "squared_hinge", l2=0.5), rel=1e-6)
    with pytest.raises(InvalidParameterError, match="standardize"):
        solve(X, y, "squared_hinge", l2=0.5, standardize=True)


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_hinge", "huber"])
def test_acceleration_finds_the_same(loss, monkeypatch):
    """Weak l2: with and without the point ahead, with intercepts of both kinds."""
    X, y = problem(100, 5, loss)
    for options in ({}, {"fit_intercept": True}, {"fit_intercept": True, "scaling": 1.0}):
        values, tol = [], 1e-4 if loss == "hinge" else 1e-6
        for threshold in (2.0, np.inf):
            monkeypatch.setattr(_solve_dual, "_ACCELERATE_ABOVE", threshold)
            values.append(solve(X, y, loss, l2=5e-4, tol=tol, max_iter=50000, **options))
        assert values[0].converged and values[1].converged
        assert values[0].n_iter < values[1].n_iter
        assert values[0].value == pytest.approx(values[1].value, rel=1e-3 if loss == "hinge" else 1e-5)


def test_acceleration_waits_where_the_gap_grows():
    """Few samples, whose order decides how far a pass comes: at some seeds the weights ran away from the point ahead of them."""
    rng = np.random.default_rng(2)
    X = rng.integers(0, 7, (100, 60)) * (rng.random((100, 60)) < 0.6) * 1.0
    y = X @ rng.standard_normal(60)
    y = (y > y.mean()) * 1.0
    best, *_ = optimum(X, internal("squared_hinge", y), "squared_hinge", {}, l2=0.1)
    for seed in range(25):
        assert solve(X, y, "squared_hinge", l2=0.1, tol=1e-3, max_iter=300, random_state=seed).value <= best * 1.01


def test_refusals():
    X, y = problem(20, 3)
    with pytest.raises(InvalidParameterError, match="needs an l2 penalty"):
        solve(X, y, "log_loss")
    with pytest.raises(InvalidParameterError, match="'sdca'.*exponential"):
        _solver.find("sdca", fo.LinearObjective(X, y, "exponential", l2=1.0), None)
    with pytest.raises(InvalidParameterError, match="one strength for all weights"):
        solve(X, y, "log_loss", penalties.L1(0.1, weights=[1, 2, 3]), l2=0.1)
    with pytest.raises(ValueError, match="y, u and p must have one length, got 2, 1 and 2"):
        _dual.gap((0, 0.0, 0.0), np.zeros(2), np.zeros(1), np.zeros(2))
