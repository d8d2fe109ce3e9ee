"""The cross-entropy of a softmax, a loss of all predictions of a sample: exact values, arguments, and who takes it."""
import copy
import pickle

import numpy as np
import pytest
import scipy.optimize
import scipy.special

import fastopt as fo
from fastopt import _core, losses, penalties
from fastopt._solvers.auto import solve
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import GeneralizedLinearEstimator, SGDClassifier, SGDRegressor
from reference.losses import exact_multinomial

LOSS = losses.Multinomial()
SIZES = [0.0, 1e-30, 1e-8, 0.5, 1.0, 30.0, 500.0, 1e4, 1e30]


def data(n, k, dtype=np.float64, scale=3.0):
    rng = np.random.default_rng(n + k)
    return rng.integers(0, k, n), rng.normal(0, scale, (n, k)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 2, 3, 16, 17, 100])
def test_exact_values_near_and_far(k, dtype):
    rng = np.random.default_rng(k)
    p = rng.choice(SIZES, (60, k)) * rng.choice([-1.0, 1.0], (60, k))
    p = np.concatenate([p, p[:10] * 0 + 1e30, rng.normal(0, 1, (30, k))]).astype(dtype)
    y = rng.integers(0, k, len(p))
    exact = [exact_multinomial(*sample) for sample in zip(y, p)]
    values, gradients, shares = (np.array(a) for a in zip(*exact))
    eps, below = np.finfo(dtype).eps, p.max(axis=1, keepdims=True) - p
    for isa in _core.available_isas():
        _core.set_isa(isa)
        # rounding of the sum over classes, and of the difference of predictions
        size = np.abs(values) + np.log(k) + below[np.arange(len(p)), y]
        assert (np.abs(LOSS.pointwise(y, p) - values) <= (4 + k) * eps * np.maximum(size, 1e-3)).all()
        got = np.array([LOSS.gradient(y[i:i + 1], p[i:i + 1])[0] for i in range(len(p))])
        assert got.dtype == dtype and (np.abs(got - gradients) <= (4 + k) * eps).all()
        assert (np.abs(LOSS.predict(p) - shares) <= (8 + k + below) * eps * shares + np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n, k", [(1, 3), (5, 1), (4097, 3), (50_000, 7), (3, 5000)])
def test_means_are_those_of_scipys_log_softmax(n, k, dtype):
    y, p = data(n, k, dtype)
    weight = np.random.default_rng(0).choice([0.0, 0.5, 2.0], n)
    weight[0] = 1
    wide = p.astype(np.float64)
    each = -scipy.special.log_softmax(wide, axis=1)[np.arange(n), y]
    slopes = scipy.special.softmax(wide, axis=1) - (y[:, None] == np.arange(k))
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    for s in (None, weight):
        share = (np.ones(n) if s is None else s) / (n if s is None else s.sum())
        value, gradient = LOSS.value_and_gradient(y, p, s)
        assert value == LOSS.value(y, p, s) == pytest.approx(share @ each, rel=rtol)
        assert gradient.shape == p.shape and gradient.dtype == dtype and np.array_equal(gradient, LOSS.gradient(y, p, s))
        np.testing.assert_allclose(gradient, share[:, None] * slopes, rtol=10 * rtol, atol=rtol * share.max())
    values = LOSS.pointwise(y, p)
    assert values.shape == (n,) and values.dtype == dtype
    np.testing.assert_allclose(values, each, rtol=10 * rtol, atol=10 * rtol)
    np.testing.assert_allclose(LOSS.predict(p), scipy.special.softmax(wide, axis=1), rtol=10 * rtol, atol=rtol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 2, 3, 17, 100])
@pytest.mark.parametrize("smoothing", [1e-3, 0.1, 0.875])
def test_label_smoothing_is_a_mixture_of_targets(smoothing, k, dtype, isa):
    """Against the cross-entropy of soft targets: y with 1 − smoothing, and all classes alike."""
    y, p = data(200, k, dtype)
    loss, wide = losses.Multinomial(label_smoothing=smoothing), p.astype(np.float64)
    soft = (1 - smoothing) * (y[:, None] == np.arange(k)) + smoothing / k
    each = -(soft * scipy.special.log_softmax(wide, axis=1)).sum(axis=1)
    rtol = 1e-13 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(loss.pointwise(y, p), each, rtol=10 * rtol, atol=10 * rtol)
    value, gradient = loss.value_and_gradient(y, p)
    assert value == pytest.approx(each.mean(), rel=10 * rtol)
    np.testing.assert_allclose(gradient, (scipy.special.softmax(wide, axis=1) - soft) / 200, atol=rtol / 20)
    assert losses.check_gradient(loss, y[:9], wide[:9]).passed


def test_label_smoothing_is_learnt_by_solvers():
    """The minimum is that of SciPy, and unlike without smoothing it is finite for separable classes."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.repeat(np.arange(3), 20)
    X[np.arange(60), y] += 8
    soft = 0.8 * (y[:, None] == np.arange(3)) + 0.2 / 3

    def value(w):
        W = w.reshape(3, 3)
        return -(soft * scipy.special.log_softmax(X @ W.T, axis=1)).sum(axis=1).mean() + 0.5e-3 * w @ w
    best = scipy.optimize.minimize(value, np.zeros(9), tol=1e-12)
    objective = fo.LinearObjective(X, y, losses.Multinomial(label_smoothing=0.2), l2=1e-3)
    for solver in ("lbfgs", "newton-cholesky", "newton-cg"):
        found = solve(objective, None, solver, tol=1e-9)
        assert found.value == pytest.approx(best.fun, rel=1e-7) and np.abs(np.ravel(found.w) - best.x).max() < 1e-3
    fitted = GeneralizedLinearEstimator(losses.Multinomial(label_smoothing=0.2), penalty=penalties.L2(1e-3)).fit(X, y)
    np.testing.assert_allclose(fitted.predict_proba(X), scipy.special.softmax(X @ fitted.coef_.T + fitted.intercept_, axis=1), rtol=1e-12)
    assert fitted.score(X, y) == 1 and fitted.predict_proba(X).max() < 0.95


def test_label_smoothing_of_two_classes_is_a_log_loss_of_soft_targets():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), np.repeat([0, 1], 25)
    X[y == 1] += 3
    model = GeneralizedLinearEstimator(losses.Multinomial(label_smoothing=0.2), penalty=penalties.L2(1e-2), tol=1e-10).fit(X, y)
    soft = np.where(y == 1, 0.9, 0.1)

    def value(w):
        p = X @ w[:3] + w[3]
        return (np.logaddexp(0, p) - soft * p).mean() + 0.5e-2 * w[:3] @ w[:3]
    best = scipy.optimize.minimize(value, np.zeros(4), tol=1e-12).x
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), best, atol=1e-4)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, np.nan])
def test_label_smoothing_is_refused_by_name(smoothing):
    with pytest.raises(InvalidParameterError, match="label_smoothing must be"):
        losses.Multinomial(label_smoothing=smoothing)


def test_any_number_of_threads_gives_the_same_bits():
    y, p = data(200_000, 5)
    found = []
    try:
        for threads in (1, 2, 4):
            fo.set_num_threads(threads)
            found.append(LOSS.value_and_gradient(y, p))
    finally:
        fo.set_num_threads(None)
    assert all(value == found[0][0] and np.array_equal(gradient, found[0][1]) for value, gradient in found)


def test_it_is_the_loss_of_an_objective():
    rng = np.random.default_rng(0)
    X, (y, _) = rng.normal(size=(300, 4)), data(300, 3)
    objective = fo.LinearObjective(X, y, "multinomial", fit_intercept=True)
    assert objective.loss == LOSS and objective.loss.couples_outputs and objective.n_outputs == 3
    w = rng.normal(size=objective.n_params)
    p = objective.predictions(w)
    value, gradient = objective.value_and_gradient(w)
    assert value == pytest.approx(LOSS.value(y, p), rel=1e-14)
    slopes = LOSS.gradient(y, p)
    np.testing.assert_allclose(gradient, np.concatenate([(slopes.T @ X).ravel(), slopes.sum(axis=0)]), rtol=1e-12, atol=1e-14)
    same = fo.LinearObjective(X, y, LOSS, fit_intercept=True)
    assert same.value(w) == value and np.array_equal(solve(same).w, solve(objective).w)


def test_it_is_a_value_like_the_others():
    assert losses.get("multinomial") == LOSS == pickle.loads(pickle.dumps(LOSS)) == copy.deepcopy(LOSS)
    assert losses.names(couples_outputs=True)[0] == "multinomial" and "multinomial" not in losses.names()
    assert (LOSS.convex, LOSS.smooth, LOSS.curvature, LOSS.target) == (True, True, 0.5, "class")
    assert repr(LOSS) == "Multinomial(label_smoothing=0.0, ignore_index=None, class_weight=None)"
    assert LOSS.spec[0] == len(losses.names()) and not any(losses.get(name).couples_outputs for name in losses.names())
    assert LOSS != "multinomial"


def test_the_curvature_is_the_largest_there_is():
    p = np.zeros((1, 2))
    direction = np.array([[1.0, -1.0]]) / np.sqrt(2)
    step = 1e-4
    second = (LOSS.gradient([0], p + step * direction) - LOSS.gradient([0], p - step * direction)) / (2 * step)
    assert (second * direction).sum() == pytest.approx(LOSS.curvature, rel=1e-6)


@pytest.mark.parametrize("view", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], lambda a: a[::-1].copy()[::-1],
                                  lambda a: a.astype(a.dtype.newbyteorder()), np.ndarray.tolist])
def test_any_order_and_type(view):
    y, p = data(50, 4)
    value, gradient = LOSS.value_and_gradient(y, p)
    assert LOSS.value(view(y), view(p)) == value and np.array_equal(LOSS.gradient(view(y), view(p)), gradient)
    assert LOSS.value(y.astype(np.int8), p) == LOSS.value(y.astype(np.float32), p) == value
    out = np.empty((4, 50)).T
    assert LOSS.gradient(y, p, out=out) is out and np.array_equal(out, gradient)
    moved = p.copy()
    assert LOSS.gradient(y, moved, out=moved) is moved and np.array_equal(moved, gradient)
    p.flags.writeable = y.flags.writeable = False
    assert LOSS.value(y, p) == value and LOSS.predict(p).shape == (50, 4)


@pytest.mark.parametrize("y, p, weight, error, text", [
    ([0, 1], [1.0, 2.0], None, ValueError, r"p must have shape \(n, k\), a prediction for each class, got \(2,\)"),
    ([0], [[1.0, 2.0], [0.0, 1.0]], None, ValueError, r"y must have shape \(2,\), the number of a class .* got \(1,\)"),
    ([[0, 1, 0]], [[1.0, 2.0]], None, ValueError, r"y must have the shape of p, \(1, 2\), got \(1, 3\)"),
    ([0, 2], [[1.0, 2.0], [0.0, 1.0]], None, ValueError, "y must be the number of a class, 0 … 1, got 2.0 at index 1"),
    ([0, -1], [[1.0, 2.0], [0.0, 1.0]], None, ValueError, "y must be the number of a class, 0 … 1, got -1.0 at index 1"),
    ([0.5, 0], [[1.0, 2.0], [0.0, 1.0]], None, ValueError, "y must be the number of a class, 0 … 1, got 0.5 at index 0"),
    ([0, np.nan], [[1.0, 2.0], [0.0, 1.0]], None, ValueError, "y must be the number of a class, 0 … 1, got nan at index 1"),
    (["a", "b"], [[1.0, 2.0], [0.0, 1.0]], None, TypeError, "y must hold real numbers"),
    ([0, 1], [[1.0, 2.0], [0.0, np.nan]], None, ValueError, "p must be finite, got nan at index 1, 1"),
    ([0, 1], [[1.0, np.inf], [0.0, 1.0]], None, ValueError, "p must be finite, got inf at index 0, 1"),
    ([], np.empty((0, 3)), None, ValueError, r"p must hold at least one prediction, got shape \(0, 3\)"),
    ([0, 1], [[1.0, 2.0], [0.0, 1.0]], [1.0], ValueError, r"sample_weight must have shape \(2,\), got \(1,\)"),
    ([0, 1], [[1.0, 2.0], [0.0, 1.0]], np.ones((2, 2)), ValueError, r"sample_weight must have shape \(2,\), got \(2, 2\)"),
    ([0, 1], [[1.0, 2.0], [0.0, 1.0]], [1.0, -1.0], ValueError, "sample_weight must be finite and at least 0, got -1.0 at index 1"),
    ([0, 1], [[1.0, 2.0], [0.0, 1.0]], [0.0, 0.0], ValueError, "sample_weight must not be all 0"),
])
@pytest.mark.parametrize("method", ["value", "gradient", "value_and_gradient"])
def test_arrays_are_refused_by_name(method, y, p, weight, error, text):
    with pytest.raises(error, match=text):
        getattr(LOSS, method)(y, p, weight)


def test_predict_refuses_what_is_no_row_of_predictions():
    with pytest.raises(ValueError, match=r"p must have shape \(n, k\)"):
        LOSS.predict([0.0, 1.0])
    with pytest.raises(ValueError, match="p must be finite"):
        LOSS.predict([[0.0, np.nan]])
    assert LOSS.predict(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("loss", ["multinomial", LOSS], ids=repr)
def test_sgd_takes_it_for_classes_alone(loss):
    X, (y, _) = np.random.default_rng(0).normal(size=(30, 2)), data(30, 3)
    with pytest.raises(ValueError, match="loss"):
        SGDRegressor(loss=loss).fit(X, y)
    by_name, of_old = (SGDClassifier(random_state=0, **how).fit(X, y) for how in ({"loss": loss}, {"loss": "log_loss", "multi_class": "multinomial"}))
    assert np.array_equal(by_name.coef_, of_old.coef_)
    np.testing.assert_allclose(by_name.predict_proba(X), of_old.predict_proba(X), rtol=1e-12)


def test_solvers_of_one_output_refuse_it():
    X, (y, _) = np.random.default_rng(0).normal(size=(30, 2)), data(30, 3)
    objective = fo.LinearObjective(X, y, LOSS, l2=0.1)
    for solver in ("sdca", "svrg", "interior-point"):
        with pytest.raises(InvalidParameterError, match="multinomial"):
            solve(objective, solver=solver)


def test_the_general_estimator_takes_it_as_it_takes_its_name():
    X, (y, _) = np.random.default_rng(0).normal(size=(200, 3)), data(200, 3)
    named, given = (GeneralizedLinearEstimator(loss).fit(X, y) for loss in ("multinomial", LOSS))
    assert np.array_equal(named.coef_, given.coef_) and np.array_equal(named.predict_proba(X), given.predict_proba(X))
