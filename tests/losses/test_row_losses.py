"""The losses of all predictions of a row, by the list of them: exact values and derivatives, objectives, mini-batches, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from reference.row_losses import EXACT_ROWS, KINKED_ROWS, PLAIN_ROWS, ROW_CASES, exact_row, row_targets

NAMES = losses.names(couples_outputs=True)
CASES = [(name, params) for name in NAMES for params in ROW_CASES.get(name, [{}])]
CLASSES = [name for name in NAMES if losses.get(name).target == "class"]
SIZES = [0.0, 2.0**-20, 0.5, 1.0, 3.0, 30.0, 500.0]


def outputs(params, k):
    return params.get("n_levels", k)


def rows(name, k, n=10, extremes=True):
    """Targets, predictions near and far in eighths and off any kink, directions."""
    rng = np.random.default_rng(k)
    loss = losses.get(name)
    p = np.round(rng.normal(0, 2, (n, k)) * 8) / 8 + np.arange(k) / 1024 + 1 / 4096
    if extremes and name != "generalized_kl":
        p[: n // 2] = rng.choice(SIZES, (n // 2, k)) * rng.choice([-1.0, 1.0], (n // 2, k)) + np.arange(k) / 1024
    return row_targets(loss.target, n, k, rng), p, rng.normal(0, 1, (n, k))


def second(loss, y, p, q):
    """The second derivatives' product with q, by an objective whose predictions are its weights."""
    n, k = p.shape
    found = np.empty_like(p)
    for i in range(n):
        label = np.array([y[i], k - 1]) if loss.target == "class" else y[i:i + 1]   # the last class says how many there are
        weight = [1.0, 0.0] if loss.target == "class" else None
        X = np.ones((len(label), 1), p.dtype)
        objective = fo.LinearObjective(X, label, loss, sample_weight=weight)
        found[i] = objective.hessp(p[i].astype(np.float64), q[i].astype(np.float64))
    return found


def test_every_loss_has_its_reference():
    assert set(EXACT_ROWS) == set(PLAIN_ROWS) == set(NAMES)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [2, 3, 7])
@pytest.mark.parametrize("name, params", CASES, ids=str)
def test_values_and_derivatives_are_exact(name, params, k, dtype):
    k, loss = outputs(params, k), losses.get(name, **params)
    y, p, q = rows(name, k)
    y = y if loss.target == "class" else y.astype(dtype)
    p, q = p.astype(dtype), q.astype(dtype)
    wide = y.astype(np.float64) / y.sum(axis=1, keepdims=True, dtype=np.float64) if loss.target == "shares" else y
    values, gradients, products = (np.array(part) for part in zip(*(exact_row(name, *row, params) for row in zip(wide, p, q))))
    eps, spread = np.finfo(dtype).eps, 1 + np.abs(p).max(axis=1)
    for isa in fo.available_isas():
        fo.set_isa(isa)
        bound = (8 + k) * eps * (spread if name != "softmax_focal" else 1 + values)
        assert (np.abs(loss.pointwise(y, p) - values) <= bound * np.maximum(1, spread if name == "generalized_kl" else 1)).all()
        got = np.array([loss.gradient(y[i:i + 1], p[i:i + 1])[0] for i in range(len(p))])
        scale = np.abs(gradients).max(axis=1, keepdims=True) + np.abs(p).max(axis=1, keepdims=True) * (name == "sparsemax") + 1
        assert got.dtype == dtype and (np.abs(got - gradients) <= (16 + k) * eps * scale).all()
        curved = np.abs(products).max() + 1
        assert np.abs(second(loss, y, p, q) - products).max() <= (64 + 8 * k) * eps * curved * np.abs(q).max()


@pytest.mark.parametrize("name, params", CASES, ids=str)
def test_gradients_and_second_derivatives_are_those_of_differences(name, params, isa):
    k, loss = outputs(params, 4), losses.get(name, **params)
    y, p, q = rows(name, k, extremes=False)
    assert losses.check_gradient(loss, y, p).passed
    if name in KINKED_ROWS:
        return
    step = 1e-5
    slopes = [len(p) * loss.gradient(y, p + sign * step * q) for sign in (1, -1)]
    np.testing.assert_allclose(second(loss, y, p, q), (slopes[0] - slopes[1]) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n, k", [(1, 3), (5, 5), (4097, 3), (30_000, 7)])
@pytest.mark.parametrize("name", NAMES)
def test_means_are_those_of_plain_numpy(name, n, k, dtype):
    params = {"low": 0.1, "high": 0.9, "n_levels": k} if name == "quantile_levels" else ROW_CASES.get(name, [{}])[0]
    loss, rng = losses.get(name, **params), np.random.default_rng(n)
    y, p = row_targets(loss.target, n, k, rng), rng.normal(0, 2, (n, k)).astype(dtype)
    weight = rng.choice([0.0, 0.5, 2.0], n)
    weight[0] = 1
    each, slopes = PLAIN_ROWS[name](y, p.astype(np.float64), **params)
    rtol = 1e-12 if dtype == np.float64 else 2e-5
    for s in (None, weight):
        share = (np.ones(n) if s is None else s) / (n if s is None else s.sum())
        value, gradient = loss.value_and_gradient(y, p, s)
        assert value == loss.value(y, p, s) == pytest.approx(share @ each, rel=10 * rtol)
        assert gradient.shape == p.shape and gradient.dtype == dtype and np.array_equal(gradient, loss.gradient(y, p, s))
        off = np.abs(gradient - share[:, None] * slopes) > 10 * rtol * share.max() * (1 + np.abs(slopes).max())
        assert off.mean() <= (1e-3 if name in KINKED_ROWS and dtype == np.float32 else 0)   # float32 may round across a kink
    values = loss.pointwise(y, p)
    assert values.shape == (n,) and values.dtype == dtype
    np.testing.assert_allclose(values, each, rtol=10 * rtol, atol=10 * rtol)


@pytest.mark.parametrize("name", NAMES)
def test_weights_permutations_and_threads(name):
    loss, rng = losses.get(name), np.random.default_rng(0)
    k = 9
    y, p = row_targets(loss.target, 40, k, rng), rng.normal(size=(40, k))
    weight = rng.integers(0, 3, 40).astype(float)
    twice = np.repeat(np.arange(40), weight.astype(int))
    value, gradient = loss.value_and_gradient(y, p, weight)
    assert value == pytest.approx(loss.value(y[twice], p[twice]), rel=1e-13)
    assert not gradient[weight == 0].any()
    order = rng.permutation(40)
    np.testing.assert_allclose(loss.gradient(y[order], p[order], weight[order]), gradient[order], rtol=1e-13)
    y, p = row_targets(loss.target, 40_000, k, rng), rng.normal(size=(40_000, k))
    found = []
    for threads in (1, 2, 4):
        fo.set_num_threads(threads)
        found.append(loss.value_and_gradient(y, p))
    assert all(value == found[0][0] and np.array_equal(gradient, found[0][1]) for value, gradient in found)


@pytest.mark.parametrize("name", NAMES)
def test_any_order_and_type(name):
    loss, rng = losses.get(name), np.random.default_rng(1)
    y, p = row_targets(loss.target, 50, 9, rng), rng.normal(size=(50, 9))
    value, gradient = loss.value_and_gradient(y, p)
    p.flags.writeable = y.flags.writeable = False
    for view in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], lambda a: a.astype(a.dtype.newbyteorder()), np.ndarray.tolist):
        assert loss.value(view(y), view(p)) == value and np.array_equal(loss.gradient(view(y), view(p)), gradient)
    moved = p.copy()
    assert loss.gradient(y, moved, out=moved) is moved and np.array_equal(moved, gradient)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_value_and_refuses_by_name(name):
    loss = losses.get(name)
    assert loss == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss) and loss.couples_outputs and loss.name == name
    y, p = row_targets(loss.target, 3, 9, np.random.default_rng(0)), np.zeros((3, 9))
    with pytest.raises(ValueError, match="p must have shape"):
        loss.value(y, p[0])
    with pytest.raises(ValueError, match="y must have"):
        loss.value(y[:2], p)
    with pytest.raises(ValueError, match="sample_weight must have shape"):
        loss.value(y, p, np.ones((3, 9)))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="p must be finite"):
            loss.gradient(y, np.where(np.eye(3, 9) == 1, bad, p))
        with pytest.raises(ValueError, match="y must be"):
            loss.value(y * bad, p)
    with pytest.raises(AttributeError):
        loss.name = "other"


def test_targets_outside_their_domain_are_refused():
    for name in CLASSES:
        for bad in (-1, 9, 0.5):
            with pytest.raises(ValueError, match="y must be the number of a class, 0 … 8"):
                losses.get(name).value([bad], np.zeros((1, 9)))
    with pytest.raises(ValueError, match="y must hold rows whose sum is 1, got the sum 1.5 in row 1"):
        losses.KLDivergence().value([[0.5, 0.5], [0.5, 1.0]], np.zeros((2, 2)))
    for loss in (losses.KLDivergence(), losses.GeneralizedKL()):
        with pytest.raises(ValueError, match="y must be finite and at least 0, got -0.5 at index 0, 1"):
            loss.value([[1.5, -0.5]], np.zeros((1, 2)))
    with pytest.raises(ValueError, match="a prediction for each level"):
        losses.QuantileLevels().value([0.0], np.zeros((1, 3)))


@pytest.mark.parametrize("make, text", [
    (lambda: losses.SoftmaxFocal(gamma=-1), "gamma must"), (lambda: losses.SoftmaxFocal(alpha=-0.5), "alpha must"),
    (lambda: losses.SoftmaxPoly(epsilon=-2), "epsilon must"), (lambda: losses.QuantileLevels(low=0.5, high=0.25), "high must"),
    (lambda: losses.QuantileLevels(low=0.0), "low must"),
    (lambda: losses.QuantileLevels(high=1.0), "high must"), (lambda: losses.QuantileLevels(n_levels=0), "n_levels must")])
def test_parameters_are_refused_by_name(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_predictions_say_what_they_mean():
    p = np.array([[0.0, 0.5, -2.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(losses.Sparsemax().predict(p), [[0.25, 0.75, 0], [1, 0, 0], [1 / 3] * 3], atol=1e-15)
    rng = np.random.default_rng(0)
    far = rng.normal(0, 1, (500, 8)) * 10.0 ** rng.integers(-3, 4, (500, 1))
    share = losses.Sparsemax().predict(far)
    y = np.zeros(500, int)
    np.testing.assert_allclose(share, PLAIN_ROWS["sparsemax"](y, far)[1] + (np.arange(8) == 0), atol=1e-12)
    assert (share >= 0).all() and losses.Sparsemax().predict(np.empty((0, 3))).shape == (0, 3)
    for name in ("multinomial", "softmax_focal", "softmax_poly", "kl_divergence"):
        np.testing.assert_allclose(losses.get(name).predict(p).sum(axis=1), 1)
    for name in ("crammer_singer", "weston_watkins"):
        np.testing.assert_array_equal(losses.get(name).predict(p), [1, 0, 0])
    t = losses.QuantileLevels(n_levels=8).predict(far)
    assert (np.diff(t, axis=1) >= 0).all() and np.array_equal(t[:, 0], far[:, 0])


@pytest.mark.parametrize("name", [name for name in NAMES if losses.get(name).curvature < np.inf])
def test_no_second_derivative_is_larger_than_the_curvature(name):
    for params in ROW_CASES.get(name, [{}]):
        loss, rng = losses.get(name, **params), np.random.default_rng(0)
        for k in (2, 3, 5):
            y, p = row_targets(loss.target, 30, k, rng), rng.normal(size=(30, k))
            for i in range(30):
                H = np.array([second(loss, y[i:i + 1], p[i:i + 1], e[None])[0] for e in np.eye(k)])
                assert np.linalg.eigvalsh(H).max() <= loss.curvature * (1 + 1e-12)
                if loss.convex:
                    assert np.linalg.eigvalsh(H).min() >= -1e-12


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name, params", CASES, ids=str)
def test_nothing_is_nan_at_the_ends_of_the_range(name, params, dtype, isa):
    """Losses beyond all numbers are infinite; slopes and products are numbers, but for those of exp(p)."""
    k, loss, rng = outputs(params, 4), losses.get(name, **params), np.random.default_rng(0)
    most = np.finfo(dtype).max
    p = rng.choice([0.0, 1.0, 1e30, most / 8, most], (400, k)) * rng.choice([-1.0, 1.0], (400, k))
    p = (p if name != "generalized_kl" else np.minimum(p, 80.0)).astype(dtype)
    p = p if name != "quantile_levels" else p / 8   # whose sums of p are the quantiles
    y = row_targets(loss.target, 400, k, rng)
    values, gradient = loss.value_and_gradient(y, p, reduction="none")
    assert not np.isnan(values).any() and (values >= 0).all() and np.isfinite(gradient).all()
    assert np.isfinite(second(loss, y[:60], p[:60], np.ones((60, k)))).all()
    assert not np.isnan(loss.predict(p)).any()
