"""Minus log likelihoods of probabilities: against SciPy, at the cut, arguments; and the squared error of logarithms by its names."""
import copy
import pickle

import numpy as np
import pytest
import scipy.special

import fastopt as fo
from fastopt import losses
from fastopt.linear_model import GeneralizedLinearEstimator, SGDClassifier
from reference.differences import central

EACH = losses.NLL(reduction="none")
OF_SHARES = losses.BinaryCrossEntropy(from_probabilities=True)


def test_binary_probabilities(isa):
    rng = np.random.default_rng(0)
    for dtype, rtol in ((np.float64, 1e-13), (np.float32, 2e-6)):
        y, p = rng.random((50, 3)).astype(dtype), rng.random((50, 3)).astype(dtype)
        for weight in (1.0, 3.0):
            wanted = -weight * scipy.special.xlogy(y, p) - scipy.special.xlog1py(1 - y, -p)
            value, gradient = losses.NLL(weight, reduction="none").value_and_gradient(y, p)
            assert value.dtype == gradient.dtype == dtype
            np.testing.assert_allclose(value, wanted, rtol=rtol, atol=rtol)
            np.testing.assert_allclose(gradient, (1 - y) / (1 - p) - weight * y / p, rtol=10 * rtol, atol=10 * rtol)
    raw = rng.normal(size=20)
    y = (raw + rng.normal(size=20) > 0).astype(float)
    assert losses.NLL(2.0).value(y, scipy.special.expit(raw)) == pytest.approx(losses.BinaryCrossEntropy(2.0).value(y, raw), rel=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_probabilities_of_classes(reduction):
    rng = np.random.default_rng(0)
    raw, y, w = rng.normal(size=(9, 4)), rng.integers(0, 4, 9), rng.random(9)
    p, loss = scipy.special.softmax(raw, axis=1), losses.NLL(reduction=reduction)
    value, gradient = loss.value_and_gradient(y, p, w)
    shares = w / w.sum() if reduction == "mean" else w
    each = -shares * np.log(p[np.arange(9), y])
    np.testing.assert_allclose(value, each if reduction == "none" else each.sum(), rtol=1e-13)
    np.testing.assert_allclose(gradient, central(lambda x: np.sum(loss.value(y, x, w)), p), rtol=1e-6, atol=1e-8)
    assert losses.NLL().value(y, p) == pytest.approx(losses.Multinomial().value(y, raw), rel=1e-12)
    assert np.array_equal(loss.value(y, p, w), value) and np.array_equal(loss.gradient(y, p, w), gradient)


def test_probabilities_are_cut():
    value, gradient = EACH.value_and_gradient([1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(value[:2], -np.log(1e-7), rtol=1e-8)
    np.testing.assert_allclose(value[2:], 1e-7, rtol=1e-6)
    np.testing.assert_allclose(gradient, [-1e7, 1e7, -1, 1], rtol=1e-6)
    assert losses.NLL(eps=0.25).value([1.0], [0.1]) == pytest.approx(np.log(4), rel=1e-14)
    assert losses.NLL().value([0], [[0.0, 1.0]]) == pytest.approx(-np.log(1e-7), rel=1e-14)


def test_binary_cross_entropy_of_probabilities():
    rng = np.random.default_rng(0)
    y, p, w = rng.random(9), rng.random(9), rng.random(9)
    loss = losses.BinaryCrossEntropy(3.0, from_probabilities=True)
    each = -3 * y * np.log(p) - (1 - y) * np.log(1 - p)
    np.testing.assert_allclose(loss.pointwise(y, p), each, rtol=1e-13)
    value, gradient = loss.value_and_gradient(y, p, w)
    assert value == loss.value(y, p, w) == pytest.approx(np.average(each, weights=w), rel=1e-13)
    np.testing.assert_allclose(gradient, central(lambda x: loss.value(y, x, w), p, 1e-7), rtol=1e-6)
    assert loss == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss) == eval(repr(loss), vars(losses)) != losses.BinaryCrossEntropy(3.0)
    assert loss.params == {"pos_weight": 3.0, "from_probabilities": True}
    np.testing.assert_array_equal(loss.predict(p), p)
    raw = np.log(p / (1 - p))
    assert losses.BinaryCrossEntropy(3.0).value(y, raw, w) == pytest.approx(value, rel=1e-12)
    out = np.empty(9)
    assert loss.gradient(y, p, w, out=out) is out and np.array_equal(out, gradient)


@pytest.mark.parametrize("call, error, text", [
    (lambda: OF_SHARES.value([1.0, 0.0], [0.5, 1.5]), ValueError, "p must be a probability.* 1.5 at index 1"),
    (lambda: OF_SHARES.value([1.0, 2.0], [0.5, 0.5]), ValueError, "y must be between 0 and 1, got 2.0"),
    (lambda: fo.LinearObjective(np.eye(2), [0, 1], OF_SHARES).value(np.zeros(2)), ValueError,
     "without weights of classes, ignore_index and from_probabilities"),
    (lambda: SGDClassifier(loss=OF_SHARES).fit(np.eye(2), [0, 1]), ValueError,
     "without weights of classes, ignore_index and from_probabilities"),
    (lambda: GeneralizedLinearEstimator(OF_SHARES).fit(np.eye(2), [0, 1]), ValueError, "without weights of classes, .* from_probabilities"),
    (lambda: losses.BinaryCrossEntropy(from_probabilities=1.5), TypeError, "from_probabilities must be"),
    (lambda: EACH.value([0.0, 1.0], [0.5, 1.5]), ValueError, "p must be a probability, between 0 and 1, got 1.5 at index 1"),
    (lambda: EACH.value([0.0], [-0.1]), ValueError, "p must be a probability.*, got -0.1 at index 0"),
    (lambda: EACH.value([0.0], [np.nan]), ValueError, "p must be a probability.*, got nan"),
    (lambda: EACH.value([2.0], [0.5]), ValueError, "y must be between 0 and 1, got 2.0 at index 0"),
    (lambda: EACH.value([0, 2], [[0.5, 0.5]] * 2), ValueError, "y must be the number of a class, 0 … 1, got .* at index 1"),
    (lambda: EACH.value([0], [[0.5, 0.5]] * 2), ValueError, r"y must have shape \(2,\), a class for each row of p"),
    (lambda: EACH.value([[0.0]], [0.5]), ValueError, r"y must have the shape of p, \(1,\), got \(1, 1\)"),
    (lambda: EACH.value([], []), ValueError, "p must hold at least one prediction"),
    (lambda: EACH.value(["a"], [0.5]), TypeError, "y must hold real numbers"),
    (lambda: EACH.value([1.0], [0.5], [-1.0]), ValueError, "sample_weight must be finite and at least 0"),
    (lambda: losses.NLL(eps=0.5), ValueError, "eps must be"),
    (lambda: losses.NLL(pos_weight=0), ValueError, "pos_weight must be"),
    (lambda: losses.NLL(reduction="no"), ValueError, "reduction must be one of"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_it_is_a_value_with_a_name():
    assert pickle.loads(pickle.dumps(EACH)) == EACH == copy.deepcopy(EACH) == eval(repr(EACH), vars(losses))
    assert EACH.params == {"pos_weight": 1.0, "eps": 1e-7, "reduction": "none"}


def test_squared_logarithmic_errors():
    rng = np.random.default_rng(0)
    y, m = rng.gamma(1.0, 5.0, 30), rng.gamma(1.0, 5.0, 30)
    loss = losses.get("msle")
    assert loss == losses.MeanSquaredLogError() == losses.get("mean_squared_logarithmic_error")
    assert loss.value(y, np.log1p(m)) == pytest.approx(((np.log1p(m) - np.log1p(y)) ** 2).mean(), rel=1e-13)
    np.testing.assert_allclose(loss.predict(np.log1p(m)), m, rtol=1e-12)
