"""What LinearObjective promises beside its numbers: parameters and views, what is read how often, lines, parts of the rows, plain
refusals of bad input."""
import threading

import numpy as np
import pytest
import scipy.sparse as sp
from test_objective import LAYOUTS, laid_out, point, problem

import fastopt as fo
from fastopt import losses


@pytest.fixture
def objective():
    return problem(losses.LogLoss(), 300, 6, l2=0.1, intercept=True)[0]


@pytest.mark.parametrize("k, intercept", [(1, False), (1, True), (4, True)])
def test_split(k, intercept):
    objective, _ = problem(losses.LogLoss() if k == 1 else "multinomial", 50, 3, k=k, intercept=intercept)
    w = np.arange(float(objective.n_params))
    coef, b = objective.split(w)
    assert (objective.n_samples, objective.n_features, objective.n_outputs) == (50, 3, k)
    np.testing.assert_array_equal(coef, np.arange(3.0 * k).reshape(k, 3))
    assert np.shares_memory(coef, w)
    assert b is None if not intercept else b.tolist() == list(range(3 * k, 4 * k))


def test_x_is_read_no_more_than_it_must(objective):
    w, v = point(objective), point(objective, 2)
    objective.value_and_gradient(w)
    assert objective.passes == 1
    objective.value_and_gradient(w), objective.value(w.copy()), objective.gradient(w), objective.predictions(w)
    assert objective.passes == 1
    objective.hessp(w, v)
    assert objective.passes == 2
    objective.value(v)
    objective.gradient(v)
    assert objective.passes == 4   # products, then the gradient alone
    line = objective.line(v, w)
    assert objective.passes == 5
    line(0.5), line(1.0)
    accepted = line.accept(0.5)
    objective.value(accepted)
    assert objective.passes == 5
    objective.gradient(accepted)
    assert objective.passes == 6


def test_l2_may_change(objective):
    w = point(objective)
    value, gradient = objective.value_and_gradient(w)
    objective.l2 = 0.5
    coef = np.append(w[:-1], 0)
    assert objective.value(w) == pytest.approx(value + 0.2 * coef @ coef)
    np.testing.assert_allclose(objective.gradient(w), gradient + 0.4 * coef)
    assert objective.passes == 1
    with pytest.raises(ValueError, match="l2 must be a finite number at least 0, got -1"):
        objective.l2 = -1
    assert objective.l2 == 0.5


def test_forms_of_weights(objective):
    w = point(objective)
    wanted = objective.gradient(w)
    doubled = np.repeat(w, 2)[::2]
    w.flags.writeable = False
    out = np.empty(objective.n_params)
    for form in (w, w.tolist(), doubled, w.astype(">f8")):
        np.testing.assert_array_equal(objective.gradient(form), wanted)
    assert objective.gradient(w, out) is out
    np.testing.assert_array_equal(out, wanted)
    changed = np.array(w)
    objective.gradient(changed)
    changed += 1   # in place: not the same point any more
    assert not np.array_equal(objective.gradient(changed), wanted)
    wanted[:] = 0   # the caller's own
    assert objective.gradient(w).any()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("k", [1, 3])
def test_lines(layout, k):
    objective, exact = problem(losses.LogLoss() if k == 1 else "multinomial", 5000, 9, layout, k=k, l2=0.1, intercept=True, weights=True)
    w, v = point(objective), point(objective, 2)
    line = objective.line(w, v)
    for step in (0.0, 0.25, -2.0):
        value, slope = line(step)
        assert value == pytest.approx(exact.value(w + step * v), rel=1e-12)
        assert slope == pytest.approx(exact.gradient(w + step * v) @ v, rel=1e-9, abs=1e-12)
    ahead = line.accept(0.25)
    np.testing.assert_array_equal(ahead, w + 0.25 * v)
    np.testing.assert_allclose(objective.gradient(ahead), exact.gradient(w + 0.25 * v), rtol=1e-9, atol=1e-12)
    for use in (lambda: line(1.0), lambda: line.accept(1.0)):
        with pytest.raises(ValueError, match="the objective has left the point where this line starts"):
            use()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("k, standardize", [(1, False), (1, True), (3, True)])
def test_rows(layout, k, standardize):
    loss = losses.Huber() if k == 1 else "multinomial"
    objective, exact = problem(loss, 200, 23, layout, k=k, l2=0.1, intercept=True, weights=True, standardize=standardize)
    rows = np.random.default_rng(0).integers(0, 200, 60)
    part = objective.rows(rows)
    again = part.rows(np.arange(0, 60, 3))
    times = np.linspace(0, 2, 60)
    for small, chosen, s in ((part, rows, 1), (again, rows[::3], 1), (objective.rows(rows, times), rows, times)):
        exact_part = type(exact)(exact.X[chosen], exact.y[chosen], *exact.loss[:2], k, exact.loss[2], 0.1, True, exact.s[chosen] * s)
        w = point(objective)
        assert small.n_samples == len(chosen) and small.n_outputs == k
        assert small.value(w) == pytest.approx(exact_part.value(w))
        np.testing.assert_allclose(small.gradient(w), exact_part.gradient(w), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rows, message", [
    ([], "rows must be integers"), ([0.5], "rows must be integers"), ([[1]], "rows must be integers"),
    ([-1], r"rows must lie in 0 … 299, got -1 … -1"), ([300], "rows must lie in 0 … 299")])
def test_rows_refuses(objective, rows, message):
    with pytest.raises(ValueError, match=message):
        objective.rows(rows)
    with pytest.raises(ValueError, match=r"sample_weight must have shape \(2,\), got \(3,\)"):
        objective.rows([0, 1], np.ones(3))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_standardized_columns(layout):
    objective, _ = problem(losses.SquaredError(), 400, 5, layout, standardize=True, intercept=True, weights=True)
    w = point(objective)
    coef, b = objective.unstandardized(w)
    plain, _ = problem(losses.SquaredError(), 400, 5, layout, intercept=True, weights=True)
    np.testing.assert_allclose(plain.predictions(np.append(coef, b)), objective.predictions(w), rtol=1e-9, atol=1e-10)
    assert objective.mean_.shape == objective.scale_.shape == (5,) and plain.mean_ is None


@pytest.mark.parametrize("layout", ["C", "F", "csr32", "csc32"])
def test_columns_that_do_not_vary_or_lie_far_away(layout):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.full(200, 0.1), np.zeros(200), rng.normal(0, 1, 200), 1e8 + rng.normal(0, 1, 200), 1e-8 * rng.random(200)])
    objective = fo.LinearObjective(laid_out(X, layout), rng.random(200), "squared_error", standardize=True)
    assert objective.scale_[:2].tolist() == [1, 1]
    np.testing.assert_allclose(objective.scale_[2:], X[:, 2:].std(axis=0), rtol=1e-6)
    Z = (X - X.mean(axis=0)) / objective.scale_
    np.testing.assert_allclose(objective.predictions(np.ones(5))[:, 0], Z.sum(axis=1), atol=1e-5)


@pytest.mark.parametrize("loss, steepest", [("squared_error", 1), ("log_loss", 0.25), ("multinomial", 0.5), ("poisson", np.inf)])
@pytest.mark.parametrize("layout", ["C", "csc32"])
@pytest.mark.parametrize("d", [1, 2, 30])
def test_curvature_bound(loss, steepest, layout, d):
    k = 3 if loss == "multinomial" else 1
    objective, exact = problem(loss if k > 1 else losses.get(loss), 300, d, layout, k=k, intercept=d > 1, weights=True)
    X = np.column_stack([exact.X, np.ones(300)]) if d > 1 else exact.X
    largest = np.linalg.eigvalsh(X.T @ (exact.s[:, None] * X))[-1] / exact.s.sum()
    assert objective.curvature_bound() == pytest.approx(steepest * largest, rel=0.03)
    assert objective.curvature_bound() >= steepest * largest * (1 - 1e-9)


_RNG = np.random.default_rng(3)
#: what Lanczos iterations have no way in, or no room
CURVED = {"zeros": np.zeros((50, 40)), "zeros, one column": np.zeros((50, 1)), "zeros, one row": np.zeros((1, 40)), "one number": np.ones((1, 1)),
          "one row": _RNG.normal(size=(1, 40)), "two rows": _RNG.normal(size=(2, 40)), "two by two": _RNG.normal(size=(2, 2)),
          "one column": _RNG.normal(size=(50, 1)), "two columns": _RNG.normal(size=(50, 2)), "12": _RNG.normal(size=(50, 12)),
          "13": _RNG.normal(size=(50, 13)), "a column 40 times": np.repeat(_RNG.normal(size=(50, 1)), 40, axis=1),
          "one value": np.eye(50, 40)[:, [39, *range(39)]] * np.eye(40)[0], "orthogonal": np.linalg.qr(_RNG.normal(size=(50, 40)))[0],
          "years": _RNG.integers(1990, 2025, (50, 40)).astype(float), "tiny": 1e-100 * _RNG.normal(size=(50, 40)),
          "huge": 1e100 * _RNG.normal(size=(50, 40)), "spread": _RNG.normal(size=(50, 40)) * np.logspace(-12, 12, 40)}


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("layout", ["C", "csc32", "csr"])
@pytest.mark.parametrize("key", CURVED)
def test_curvature_bound_of_nasty_data(key, layout, fit_intercept):
    X = CURVED[key]
    given = {"C": np.asarray, "csc32": sp.csc_array, "csr": sp.csr_array}[layout](X)
    for weights in (None, np.arange(len(X)) % 3 + 0.5):
        s = np.ones(len(X)) if weights is None else weights
        full = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
        largest = np.linalg.svd(full * np.sqrt(s / s.sum())[:, None], compute_uv=False)[0] ** 2
        found = fo.LinearObjective(given, np.zeros(len(X)), "squared_error", fit_intercept=fit_intercept,
                                   sample_weight=weights).curvature_bound()
        assert largest * (1 - 1e-9) <= found <= largest * 1.03


def test_curvature_bound_beyond_the_type_is_infinite():
    for d in (3, 30):
        assert fo.LinearObjective(np.full((5, d), 1e30, np.float32), np.zeros(5)).curvature_bound() == np.inf


@pytest.mark.parametrize("loss", [losses.get(name) for name in losses.names()], ids=lambda loss: loss.name)
def test_losses_know_their_curvature(loss):
    """Second derivatives on a grid stay within it, and come near it; they are negative only if the loss is not convex."""
    y = 0.0 if loss.target != "positive" else 1.0
    p = np.linspace(-30, 30, 6001)
    slopes = np.array([loss.gradient([y], [one])[0] for one in p])
    second = np.diff(slopes) / np.diff(p)
    assert second.max() <= loss.curvature * (1 + 1e-9)
    assert loss.convex == bool(second.min() >= -1e-12)
    assert loss.smooth == bool(np.abs(np.diff(slopes))[2600:3400].max() < 0.9)   # kinks lie near 0, where no slope is steep
    if np.isfinite(loss.curvature):
        assert second.max() >= 0.99 * loss.curvature


X, Y = np.random.default_rng(0).random((20, 3)), np.arange(20) % 2


@pytest.mark.parametrize("X, y, options, error, message", [
    (X.astype(int), Y, {}, TypeError, "X must hold float16, int8, uint8, float32 or float64 numbers, got int64"),
    (sp.csr_matrix(X).astype(np.int8), Y, {}, TypeError, "X must hold float32 or float64 numbers, got int8"),
    (sp.coo_matrix(X), Y, {}, TypeError, "X must be an ndarray or a CSR matrix"),
    (X[0], Y, {}, ValueError, "X must have 2 dimensions"),
    (X[:0], Y[:0], {}, ValueError, "X must have at least one row"),
    (X, Y[:-1], {}, ValueError, r"y must have shape \(20,\) or \(20, k\), got \(19,\)"),
    (X, Y + 1j, {}, TypeError, "y must hold real numbers, got dtype complex128"),
    (X, Y + 1, {}, ValueError, "y must be between 0 and 1 for loss='log_loss', got 2 at index 1"),
    (X, np.where(Y, np.nan, 0), {"loss": "squared_error"}, ValueError, "y must be finite for loss='squared_error', got nan at index 1"),
    (X, Y - 0.5, {"loss": "multinomial"}, ValueError, "y must hold the numbers 0 … k − 1 of classes"),
    (X, Y, {"loss": "logloss"}, ValueError, "did you mean 'log_loss'"),
    (X, Y, {"l2": -1}, ValueError, "l2 must be a finite number at least 0, got -1"),
    (X, Y, {"l2": None}, ValueError, "l2 must be a finite number.*, got None"),
    (X, Y, {"fit_intercept": 1}, ValueError, "fit_intercept must be True or False, got 1"),
    (X, Y, {"standardize": "yes"}, ValueError, "standardize must be True or False, got 'yes'"),
    (X, Y, {"sample_weight": np.ones(19)}, ValueError, r"sample_weight must have shape \(20,\), got \(19,\)"),
    (X, Y, {"sample_weight": -np.ones(20)}, ValueError, "sample_weight must be finite and at least 0"),
    (X, Y, {"sample_weight": np.zeros(20)}, ValueError, "sample_weight must be finite and at least 0, and not all 0"),
    (X, Y, {"sample_weight": ["a"] * 20}, TypeError, "sample_weight must hold real numbers"),
    (X, Y, {"n_threads": 0}, ValueError, "n_threads must be a positive number"),
    (np.where(X > 0.9, np.nan, X), Y, {"standardize": True}, ValueError, "X must be finite for standardize=True"),
])
def test_bad_arguments(X, y, options, error, message):
    with pytest.raises(error, match=message):
        fo.LinearObjective(X, y, **options)


def test_bad_weights_of_a_call(objective):
    w = point(objective)
    wanted = objective.gradient(w)
    for call in (objective.value, objective.gradient, objective.predictions, lambda w: objective.hessp(np.zeros(7), w),
                 lambda w: objective.line(np.zeros(7), w), objective.split):
        for bad in (np.zeros(6), np.zeros((7, 1)), 1.0):
            with pytest.raises(ValueError, match=r"must have shape \(7,\), got"):
                call(bad)
    for out in (np.empty(6), np.empty(7, np.float32), np.empty(14)[::2], [0.0] * 7):
        with pytest.raises((ValueError, TypeError), match="out"):
            objective.gradient(w, out)
    np.testing.assert_array_equal(objective.gradient(w), wanted)


def test_values_that_are_not_finite_come_out(objective):
    assert np.isnan(objective.value(np.full(7, np.nan)))
    assert np.isfinite(objective.value(point(objective)))


def test_python_threads_share_an_objective():
    objective, exact = problem(losses.LogLoss(), 3000, 20)
    points = [point(objective, seed) for seed in range(8)]
    wanted, found = [exact.gradient(w) for w in points], {}

    def work(i):
        for _ in range(20):
            found[i] = objective.value_and_gradient(points[i])[1]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        np.testing.assert_allclose(found[i], wanted[i], rtol=1e-9, atol=1e-12)
