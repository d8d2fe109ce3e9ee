"""Weights of classes, labels that do not count, and soft targets of the cross-entropy, against plain NumPy."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.linear_model import GeneralizedLinearEstimator, SGDClassifier
from reference.row_losses import PLAIN_ROWS

RNG = np.random.default_rng(0)
Y, P = RNG.integers(0, 4, 60), RNG.normal(0, 2, (60, 4))
WEIGHTS = np.array([0.5, 2.0, 0.0, 3.0])
S = RNG.random(60)


def plain(y, p, factor, divisor, smoothing=0.0):
    each, slopes = PLAIN_ROWS["multinomial"](y, p, smoothing)
    return factor * each, factor[:, None] * slopes / divisor


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("s", [None, S])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("ignore_index", [None, -100, 1])
@pytest.mark.parametrize("given", [None, WEIGHTS, {1: 2.0, 3: 0.25}, "balanced"], ids=str)
def test_the_mean_is_divided_by_the_weights_that_count(given, ignore_index, smoothing, s, dtype):
    loss = losses.Multinomial(smoothing, ignore_index, given)
    y = np.where(RNG.random(60) < 0.3, -100, Y) if ignore_index == -100 else Y
    counts = y != ignore_index
    of_class = {"balanced": lambda: counts.sum() / (4 * np.maximum(np.bincount(y[counts], minlength=4), 1)), "None": lambda: np.ones(4),
                str(WEIGHTS): lambda: WEIGHTS}.get(str(given), lambda: np.array([1, 2, 1, 0.25]))()
    label = np.where(counts, y, 0)
    factor = np.where(counts, of_class[label], 0) * (1 if s is None else s)
    each, slopes = plain(label, P, factor, factor.sum(), smoothing)
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    p = P.astype(dtype)
    value, gradient = loss.value_and_gradient(y, p, s)
    assert value == loss.value(y, p, s) == pytest.approx(each.sum() / factor.sum(), rel=rtol)
    np.testing.assert_allclose(gradient, slopes, rtol=10 * rtol, atol=rtol)
    assert not gradient[~counts].any()
    np.testing.assert_allclose(loss.value(y, p, s, reduction="none"), each, rtol=10 * rtol, atol=10 * rtol)
    assert loss.value(y, p, s, reduction="sum") == pytest.approx(each.sum(), rel=rtol)


def test_rows_that_do_not_count_are_as_if_absent():
    loss = losses.Multinomial(ignore_index=-100, class_weight=WEIGHTS)
    y = Y.copy()
    y[::3] = -100
    few = np.arange(60) % 3 != 0
    assert loss.value(y, P) == pytest.approx(loss.value(Y[few], P[few]), rel=1e-13)
    np.testing.assert_allclose(loss.gradient(y, P)[few], loss.gradient(Y[few], P[few]), rtol=1e-12)
    np.testing.assert_array_equal(loss.pointwise(y, P) == 0, ~few | (y == 2))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_soft_targets(smoothing, dtype, isa):
    t = RNG.random((60, 4)) * (RNG.random((60, 4)) < 0.8) + 1e-3
    t /= t.sum(axis=1, keepdims=True)
    share = np.exp(P) / np.exp(P).sum(axis=1, keepdims=True)
    soft = (1 - smoothing) * t + smoothing / 4
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    loss = losses.SoftmaxCrossEntropy(smoothing)
    value, gradient = loss.value_and_gradient(t.astype(dtype), P.astype(dtype), S)
    each = -(soft * np.log(share)).sum(axis=1)
    assert value == pytest.approx(S @ each / S.sum(), rel=rtol)
    np.testing.assert_allclose(gradient, (share - soft) * (S / S.sum())[:, None], atol=rtol)
    np.testing.assert_allclose(loss.pointwise(t, P.astype(dtype)), each, rtol=10 * rtol)
    hot = (Y[:, None] == np.arange(4)).astype(float)
    assert loss.value(hot, P) == pytest.approx(loss.value(Y, P), rel=1e-13)
    divergence = losses.KLDivergence().pointwise(t, P)
    np.testing.assert_allclose(losses.Multinomial().pointwise(t, P) - divergence, -(t * np.log(np.where(t > 0, t, 1))).sum(axis=1), atol=1e-12)


def test_weights_of_the_focal_loss_do_not_count_in_its_mean():
    loss, one = losses.SoftmaxFocal(2.0, WEIGHTS), losses.SoftmaxFocal(2.0)
    each = WEIGHTS[Y] * one.pointwise(Y, P)
    np.testing.assert_allclose(loss.pointwise(Y, P), each, rtol=1e-14)
    assert loss.value(Y, P) == pytest.approx(each.mean()) and loss.value(Y, P, S) == pytest.approx(S @ each / S.sum())
    np.testing.assert_allclose(loss.gradient(Y, P), WEIGHTS[Y][:, None] * one.gradient(Y, P), rtol=1e-13)
    assert losses.SoftmaxFocal(2.0, 0.25).value(Y, P) == pytest.approx(0.25 * one.value(Y, P))


@pytest.mark.parametrize("loss", [losses.Multinomial(0.1, -100, WEIGHTS), losses.Multinomial(class_weight={3: 1, 0: 2.5}),
                                  losses.Multinomial(class_weight="balanced"), losses.SoftmaxFocal(1.0, [1, 2])])
def test_they_are_values(loss):
    assert loss == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss) and hash(loss) == hash(copy.copy(loss))
    assert repr(loss).startswith(type(loss).__name__)


def test_the_alias_is_the_class():
    assert losses.SoftmaxCrossEntropy is losses.Multinomial and losses.get("cross_entropy", ignore_index=-100) == losses.Multinomial(0.0, -100)


@pytest.mark.parametrize("make, text", [
    (lambda: losses.Multinomial(class_weight="equal"), "class_weight must be 'balanced'"),
    (lambda: losses.Multinomial(class_weight=[[1.0]]), r"class_weight must have shape \(k,\)"),
    (lambda: losses.Multinomial(class_weight=[1.0, -1.0]), r"class_weight\[1\] must"),
    (lambda: losses.Multinomial(class_weight={-1: 1.0}), "a class of class_weight must"),
    (lambda: losses.Multinomial(class_weight={0: np.nan}), r"class_weight\[0\] must"),
    (lambda: losses.Multinomial(ignore_index=0.5), "ignore_index must"),
    (lambda: losses.SoftmaxFocal(alpha=[1, -1]), r"alpha\[1\] must"),
    (lambda: losses.Multinomial(class_weight=[1.0, 1.0]).value(Y, P), "class_weight must have 4 weights, one for each column of p, got 2"),
    (lambda: losses.Multinomial(class_weight={7: 1.0}).value(Y, P), "class_weight must be of the classes 0 … 3, got class 7"),
    (lambda: losses.Multinomial(ignore_index=-100).value(np.full(60, -100), P), "y must hold a class that counts"),
    (lambda: losses.Multinomial(ignore_index=-100).value(Y - 1, P), "y must be the number of a class, 0 … 3, got -1.0"),
    (lambda: losses.Multinomial(class_weight=WEIGHTS).value(np.where(Y == 0, np.inf, Y), P), "y must be the number of a class"),
    (lambda: losses.Multinomial(class_weight=WEIGHTS).value(P, P), "y must hold the numbers of classes with class_weight"),
    (lambda: losses.Multinomial().value(np.full((60, 4), 0.3), P), "y must hold rows whose sum is 1, got the sum 1.2 in row 0"),
    (lambda: losses.Multinomial().value(np.full((60, 2), 0.5), P), r"y must have the shape of p, \(60, 4\), got \(60, 2\)"),
    (lambda: losses.Multinomial().value(np.tile([1.5, -0.5, 0, 0], (60, 1)), P), "y must be finite and at least 0, got -0.5"),
    (lambda: losses.class_balanced_weights([3, 0]), "counts must"), (lambda: losses.class_balanced_weights([3], beta=1), "beta must"),
    (lambda: fo.LinearObjective(P, Y, losses.Multinomial(ignore_index=-100)), "loss must be one that models learn"),
    (lambda: fo.LinearObjective(P, Y, losses.SoftmaxFocal(alpha=[1, 2, 3, 4])), "loss must be one that models learn"),
    (lambda: GeneralizedLinearEstimator(losses.Multinomial(class_weight=WEIGHTS)).fit(P, Y), "loss of .* without weights of classes"),
    (lambda: SGDClassifier(losses.Multinomial(class_weight="balanced")).fit(P, Y), "loss of .* without weights of classes")])
def test_refused_by_name(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_class_balanced_weights_are_those_of_effective_numbers():
    counts, beta = np.array([5000, 100, 3]), 0.999
    effective = np.array([sum(beta**i for i in range(n)) for n in counts])
    want = 1 / effective
    np.testing.assert_allclose(losses.class_balanced_weights(counts), want * 3 / want.sum(), rtol=1e-10)
    np.testing.assert_array_equal(losses.class_balanced_weights(counts, beta=0), 1)
    np.testing.assert_allclose(losses.class_balanced_weights(counts, beta=1 - 1e-12), 3 / counts / (1 / counts).sum(), rtol=1e-6)
