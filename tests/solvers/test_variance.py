"""SAG, SAGA, SVRG and Katyusha: the kernels against plain loops, step by step, and what solvers find against SciPy."""
import numpy as np
import pytest
import scipy.sparse as sp

import fastopt as fo
from fastopt import losses, penalties
from fastopt._core import tables as _core
from fastopt._samples import order as _samples
from fastopt._solvers import registry as _solver
from fastopt._solvers.stochastic import _saga as _variance, saga as _solve_variance
from fastopt.exceptions import InvalidParameterError
from reference.chains import objective, optimum, variance
from reference.losses import PLAIN

METHODS = ["sag", "saga", "svrg", "katyusha"]
SIZES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 65, 129]
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-3}
PULLS = {"none": {}, "l2": {"l2": 0.3}, "l1": {"l1": 0.02}, "elasticnet": {"l2": 0.2, "l1": 0.02},
         "positive": {"l2": 0.2, "l1": 0.01, "positive": True}, "nonnegative": {"positive": True}}
#: parameters and targets of the losses with a continuous derivative
SMOOTH = {name: {} for name in ("squared_error", "log_cosh", "poisson", "gamma", "log_loss", "squared_hinge", "smooth_hinge",
                                "modified_huber", "exponential")}
SMOOTH.update(huber={"delta": 0.7}, squared_epsilon_insensitive={"epsilon": 0.2}, tweedie={"power": 1.5})


def problem(n, d, loss="log_loss", dtype=np.float64, sparse=False, seed=0):
    """X and public targets; a row of zeros, a repeated row and an empty column among them where there is room."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) / np.sqrt(d)
    if sparse:
        X *= rng.random((n, d)) < 0.4
    if n > 4:
        X[3], X[1] = 0, X[2]
    p = X @ rng.standard_normal(d) + 0.3 * rng.standard_normal(n)
    kind = _core.LOSS_TARGETS[loss]
    y = p if kind == "real" else np.exp(p) if kind in ("positive", "nonnegative") else (p > 0).astype(float)
    return X.astype(dtype), y.astype(dtype)


def internal(loss, y):
    return 2.0 * y - 1 if _core.LOSS_TARGETS[loss] == "sign" else y.astype(float)


def kernel(X, y, loss, kind, *, lr, epochs=3, start=None, memory=None, weight=None, index=np.int32, seed=5, mix=1.0,
           mixed=None, **pulls):
    """(w, b) after some epochs of the compiled loop, from the same start as the reference's."""
    if sp.issparse(X):
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    matrix = _core.Matrix(X)
    targets = internal(loss, y).astype(X.dtype)
    samples = _samples.Samples(matrix, targets, 1, 0, weight, None, True, seed)
    spec = losses.get(loss, **SMOOTH[loss]).spec
    run = _variance.SagaChains(matrix, samples, spec, 1, kind, l2=pulls.get("l2", 0), l1=pulls.get("l1", 0),
                               positive=pulls.get("positive", False), fit_intercept=pulls.get("intercept", False))
    run.lr = lr
    dense, scale = X.toarray() if sp.issparse(X) else X, np.ones(len(y)) if weight is None else weight
    memory = np.zeros(len(y)) if memory is None else memory
    run.memory[0], run.mix = memory, mix
    if mixed is not None:
        run.start[0] = mixed
    run.place(start[None], [0.0], (dense.T @ (scale * memory))[None] / len(y), [scale @ memory / len(y)])
    run.run(epochs)
    w, b, *_ = run.weights()
    return w[0], b[0]


def compare(X, y, loss="log_loss", kind="saga", *, lr=0.1, epochs=3, memory=False, tolerance=1e-10, **options):
    rng = np.random.default_rng(1)
    n, d = X.shape
    start = np.abs(rng.standard_normal(d))
    options["memory"] = rng.standard_normal(n) if memory else None
    ahead = {"mixed": rng.standard_normal(n), "mix": 0.3} if kind == "katyusha" else {}
    got = kernel(X, y, loss, kind, lr=lr, epochs=epochs, start=start, **options, **ahead)
    dense = (X.toarray() if sp.issparse(X) else X).astype(float)
    options.pop("index", None)
    seed = options.pop("seed", 5)
    want = variance(dense, internal(loss, y), loss, SMOOTH[loss], kind,
                    [_samples.shuffled(n, seed, e + 1) for e in range(epochs)], lr, w=start, start=ahead.get("mixed"),
                    mix=ahead.get("mix", 1.0), **options)
    np.testing.assert_allclose(got[0], want[0], rtol=0, atol=tolerance * (1 + np.abs(want[0]).max()))
    np.testing.assert_allclose(got[1], want[1], rtol=0, atol=tolerance * (1 + abs(want[1])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", SIZES)
def test_dense_sizes(isa, d, dtype):
    X, y = problem(31, d, dtype=dtype, seed=d)
    compare(X, y, l2=0.1, intercept=True, tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 5, 40])
def test_csr_sizes(isa, d, dtype, index):
    X, y = problem(31, d, dtype=dtype, sparse=True, seed=d)
    compare(sp.csr_matrix(X), y, l2=0.1, intercept=True, tolerance=TOLERANCE[dtype], index=index)


@pytest.mark.parametrize("pull", PULLS)
@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("sparse", [False, True])
def test_every_method_and_pull(kind, pull, sparse):
    """From remembered derivatives far from the truth, so that the mean gradient drags untouched columns through 0."""
    X, y = problem(60, 12, sparse=sparse)
    X[:, 3] *= np.arange(60) % 30 == 7   # touched twice an epoch
    compare(sp.csr_matrix(X) if sparse else X, y, kind=kind, memory=True, intercept=True, **PULLS[pull])


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("sparse", [False, True])
def test_every_loss_with_weights(loss, sparse):
    X, y = problem(40, 6, loss, sparse=sparse)
    weight = np.random.default_rng(2).random(40) * (np.arange(40) % 5 > 0)
    compare(sp.csr_matrix(X) if sparse else X, y, loss, lr=0.02, weight=weight, l2=0.1, tolerance=1e-9)


@pytest.mark.parametrize("l1", [0.0, 0.003])
def test_long_absence(l1):
    """A column is touched after more steps than the table of powers has."""
    X, y = problem(6000, 3, sparse=True)
    X[:, 1] *= np.arange(6000) == 17
    compare(sp.csr_matrix(X), y, lr=0.05, epochs=2, l2=0.01, l1=l1, memory=True)


@pytest.mark.parametrize("how", ["fortran", "strided", "reversed"])
def test_strided_rows(how):
    X, y = problem(50, 9)
    wanted = kernel(X, y, "log_loss", "saga", lr=0.1, start=np.zeros(9), l2=0.1)
    other = {"fortran": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=1)[:, ::2], "reversed": X[::-1].copy()[::-1]}[how]
    other.flags.writeable = False
    np.testing.assert_array_equal(kernel(other, y, "log_loss", "saga", lr=0.1, start=np.zeros(9), l2=0.1)[0], wanted[0])


def test_instruction_sets_agree(other_isa):
    for sparse in (False, True):
        X, y = problem(80, 37, dtype=np.float32, sparse=sparse)
        X = sp.csr_matrix(X) if sparse else X
        options = dict(lr=0.1, start=np.zeros(37), l2=0.1, l1=0.01, intercept=True)
        found = []
        for name in (other_isa, fo.available_isas()[0]):
            fo.set_isa(name)
            found.append(kernel(X, y, "log_loss", "saga", **options)[0])
        np.testing.assert_allclose(*found, **({"rtol": 1e-4, "atol": 1e-6} if other_isa == "base" else {"rtol": 0}))


# ---- solvers ----
def solve(X, y, loss, method, penalty=None, *, l2=0.0, w0=None, tol=1e-9, max_iter=4000, random_state=0, callback=None, **options):
    made = fo.LinearObjective(X, y, losses.get(loss, **SMOOTH[loss]), l2=l2, **options)
    w0 = np.zeros(made.n_params) if w0 is None else w0
    return _solver.find(method, made, penalty)(made, penalty, w0, tol=tol, max_iter=max_iter, callback=callback,
                                               random_state=random_state)


PENALTIES = {"none": (None, {}), "l2": (penalties.L2(0.05), {"l2": 0.05}), "l1": (penalties.L1(0.01), {"l1": 0.01}),
             "elasticnet": (penalties.ElasticNet(0.05, 0.4), {"l2": 0.03, "l1": 0.02}),
             "nonnegative": (penalties.NonNegative(), {"positive": True})}


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("method", ["one", "katyusha"])
def test_optimum(method, loss, penalty):
    method = METHODS[len(loss + penalty) % 3] if method == "one" else method
    X, y = problem(50, 5, loss)
    made, terms = PENALTIES[penalty]
    terms = {**terms, "l2": terms.get("l2", 0) + 0.02}
    found = solve(X, y, loss, method, made, l2=0.02, tol=1e-6, fit_intercept=True)
    best, *_ = optimum(X, internal(loss, y), loss, SMOOTH[loss], intercept=True, **terms)
    terms.pop("positive", None)
    value = objective(X, internal(loss, y), loss, SMOOTH[loss], found.w[:5], found.w[5], **terms)
    assert found.converged and found.solver == method and found.violation <= 1e-6
    assert value == pytest.approx(found.value, rel=1e-12)
    assert value - best <= 1e-6 * abs(best)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.repeats(4)
def test_data_sets(method, sparse, dtype):
    """Weights, several outputs, rows of a part; dense as CSR; the same order by the same seed, whatever the threads."""
    X, y = problem(200, 9, dtype=dtype, sparse=True)
    Y = np.stack([y, 1 - y, (np.arange(200) % 3 == 0)], axis=1)
    weight = np.arange(200) % 4
    options = dict(l2=0.02, sample_weight=weight, fit_intercept=True, tol=1e-9 if dtype == np.float64 else 1e-5, max_iter=300)
    X_used = sp.csr_matrix(X) if sparse else X
    found = solve(X_used, Y, "log_loss", method, n_threads=1, **options)
    for j in range(3):
        best, *_ = optimum(X.astype(float), Y[:, j].astype(float), "log_loss", {}, weight=weight, l2=0.02, intercept=True)
        value = objective(X, Y[:, j], "log_loss", {}, found.w[9 * j:9 * j + 9], found.w[27 + j], weight=weight, l2=0.02)
        assert value - best <= (1e-6 if dtype == np.float64 else 1e-4) * best
    same = solve(X_used, Y, "log_loss", method, n_threads=2, **options)
    np.testing.assert_array_equal(found.w, same.w)
    assert not np.array_equal(solve(X_used, Y, "log_loss", method, random_state=1, **options).w, found.w)


def test_momentum_where_the_condition_is_bad():
    """Columns of scales from 1 to 1/50 and next to no l2: katyusha is near the minimum where svrg is far from it."""
    X, y = problem(300, 8)
    X *= np.geomspace(1, 0.02, 8)
    best, *_ = optimum(X, y, "log_loss", {}, l2=1e-6, intercept=True)
    far, near = (solve(X, y, "log_loss", method, l2=1e-6, fit_intercept=True, tol=0, max_iter=300).value / best - 1
                 for method in ("svrg", "katyusha"))
    assert 0 <= near < 0.1 * far


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_momentum_stays_at_the_minimum(dtype):
    X, y = problem(100, 5, dtype=dtype)
    found = solve(X, y, "log_loss", "katyusha", penalties.L1(0.02), l2=0.1, tol=0, max_iter=400)
    best, *_ = optimum(X.astype(float), y.astype(float), "log_loss", {}, l2=0.1, l1=0.02)
    assert found.value == pytest.approx(best, rel=1e-6 if dtype == np.float32 else 1e-12)
    assert found.violation < (1e-6 if dtype == np.float32 else 1e-12)


def test_rows_of_a_part():
    X, y = problem(60, 4)
    whole = fo.LinearObjective(X, y, "log_loss", l2=0.05)
    rows = np.arange(59, 20, -1)
    part = whole.rows(rows)
    found = _solve_variance.saga(part, None, np.zeros(4), tol=1e-9, max_iter=2000, callback=None, random_state=0)
    best, *_ = optimum(X[rows], y[rows], "log_loss", {}, l2=0.05)
    assert found.value - best <= 1e-9
    with pytest.raises(InvalidParameterError, match="takes each row once"):
        _solve_variance.saga(whole.rows(np.array([1, 1, 2])), None, np.zeros(4), tol=1, max_iter=1, callback=None,
                             random_state=0)


@pytest.mark.parametrize("method", METHODS)
def test_one_sample(method):
    X, y = np.array([[2.0, -1.0]]), np.array([1.0])
    found = solve(X, y, "log_loss", method, l2=0.1)
    assert found.converged
    assert found.value == pytest.approx(optimum(X, y, "log_loss", {}, l2=0.1)[0], rel=1e-9)


def test_no_rows_but_zeros():
    found = solve(np.zeros((5, 2)), np.arange(5) % 2, "log_loss", "saga", l2=0.1)
    assert found.converged and found.n_iter == 0 and (found.w == 0).all()


def test_callback_sees_and_stops():
    seen = []

    def callback(solution):
        seen.append(solution.value)
        if len(seen) == 3:
            raise StopIteration
    X, y = problem(50, 5)
    found = solve(X, y, "log_loss", "saga", l2=0.01, callback=callback)
    assert len(seen) == found.n_iter == 3 and not found.converged and seen[-1] == found.value and seen[0] > seen[2]


def test_max_iter():
    X, y = problem(50, 5)
    found = solve(X, y, "log_loss", "sag", l2=0.01, max_iter=2)
    assert found.n_iter == 2 and not found.converged and "max_iter" in found.message
    assert found.violation == pytest.approx(np.abs(fo.LinearObjective(X, y, l2=0.01).gradient(found.w)).max())


def test_unbounded_curvature_at_a_far_start():
    """exp at a start far off: the step found there is good enough to come back."""
    X, y = problem(50, 3, "poisson")
    found = solve(X, y, "poisson", "saga", l2=0.1, w0=np.full(3, 3.0), tol=1e-7, max_iter=3000)
    assert found.converged
    assert found.value == pytest.approx(optimum(X, y, "poisson", {}, l2=0.1)[0], rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_refusals(method):
    X, y = problem(20, 3)
    with pytest.raises(InvalidParameterError, match=f"solver '{method}'.*hinge"):
        _solver.find(method, fo.LinearObjective(X, y, "hinge"), None)
    with pytest.raises(InvalidParameterError, match="one strength for all weights"):
        solve(X, y, "log_loss", method, penalties.L1(0.1, weights=[1, 2, 3]))
    with pytest.raises(InvalidParameterError, match="random_state"):
        solve(X, y, "log_loss", method, random_state="a")


def test_derivatives_that_the_reference_uses():
    """PLAIN's derivative is that of its value: a guard of the oracle."""
    for loss, params in SMOOTH.items():
        y, p = np.array([1.0, 1.0]), np.array([0.3, -1.4])
        up, down = (PLAIN[loss](y, p + s, **params)[0] for s in (1e-6, -1e-6))
        np.testing.assert_allclose((up - down) / 2e-6, PLAIN[loss](y, p, **params)[1], atol=1e-6)
