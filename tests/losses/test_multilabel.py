"""Losses of rows of labels, against their formulas in NumPy and mpmath."""
import copy
import pickle

import mpmath as mp
import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.linear_model import GeneralizedLinearEstimator, SGDClassifier
from reference.differences import central

CASES = [losses.Tversky(), losses.Tversky(0.25, 0.75, 0.0), losses.Tversky(0.0, 2.0, 0.5), losses.Dice(), losses.Dice(0.0), losses.Dice(2.0, True),
         losses.MultilabelCrossEntropy(), losses.MultilabelCrossEntropy(3.0), losses.MultilabelCrossEntropy([0.5, 1, 2, 3, 0, 1, 1])]


def data(n=20, k=7, dtype=np.float64):
    rng = np.random.default_rng(n)
    return (rng.random((n, k)) < 0.4).astype(dtype), rng.normal(0, 2, (n, k)).astype(dtype)


def exact(loss, y, p):
    """The loss of a row, in mpmath."""
    with mp.workdps(300):
        y, share = [mp.mpf(float(a)) for a in y], [1 / (1 + mp.exp(-mp.mpf(float(a)))) for a in p]
        others = [1 / (1 + mp.exp(mp.mpf(float(a)))) for a in p]
        together = sum(a * b for a, b in zip(y, share))
        if isinstance(loss, losses.Tversky):
            extra, missed = sum((1 - a) * b for a, b in zip(y, share)), sum(a * b for a, b in zip(y, others))
            return float(1 - (together + loss.params["smooth"]) / (together + loss.alpha * extra + loss.beta * missed + loss.params["smooth"]))
        if isinstance(loss, losses.Dice):
            power = 2 if loss.squared else 1
            below = sum(a**power for a in share) + sum(a**power for a in y)
            return float(1 - (2 * together + loss.params["smooth"]) / (below + loss.params["smooth"]))
        weight = np.broadcast_to(loss.pos_weight, len(y))
        return float(-sum(mp.mpf(float(w)) * a * mp.log(b) + (1 - a) * mp.log(c) for w, a, b, c in zip(weight, y, share, others)) / len(y))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_exact_near_and_far(loss, dtype, isa):
    y, p = data(dtype=dtype)
    y[0], p[1] = 0, -40
    p[2:6] *= 15
    p[6:8] = np.where(y[6:8] == 1, 50, -50)   # all but right
    if loss == losses.Dice(0.0) or loss == losses.Tversky(0.25, 0.75, 0.0):
        y[1, 0] = 1
    want = np.array([exact(loss, *row) for row in zip(y, p)])
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    got, gradient = loss.value_and_gradient(y, p, reduction="none")
    np.testing.assert_allclose(got, want, rtol=rtol, atol=1e-30)
    assert gradient.dtype == dtype and loss.value(y, p) == pytest.approx(want.mean(), rel=rtol)
    if dtype == np.float64:
        near = np.abs(p).max(axis=1) < 8
        slopes = central(lambda q: loss.value(y, q, reduction="sum"), p)
        np.testing.assert_allclose(gradient[near], slopes[near], atol=2e-8)
        np.testing.assert_allclose(gradient, slopes, atol=1e-6)


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_weights_reductions_and_order(loss):
    y, p = data()
    s = np.random.default_rng(0).integers(0, 3, 20).astype(float)
    each = loss.pointwise(y, p)
    value, gradient = loss.value_and_gradient(y, p, s)
    assert each.shape == (20,) and value == pytest.approx(s @ each / s.sum(), rel=1e-13)
    np.testing.assert_allclose(gradient, loss.gradient(y, p, reduction="none") * (s / s.sum())[:, None], rtol=1e-12, atol=1e-18)
    np.testing.assert_allclose(loss.value(y, p, s, reduction="none"), s * each, rtol=1e-14)
    order = np.random.default_rng(1).permutation(20)
    np.testing.assert_allclose(loss.pointwise(y[order], p[order]), each[order], rtol=1e-14)
    p.flags.writeable = y.flags.writeable = False
    np.testing.assert_array_equal(loss.gradient(np.asfortranarray(y), np.repeat(p, 2, axis=1)[:, ::2], s), gradient)
    out = np.empty_like(p)
    assert loss.gradient(y, p, s, out=out) is out and np.array_equal(out, gradient)


@pytest.mark.parametrize("loss", [losses.Tversky(), losses.Dice(squared=True), losses.MultilabelCrossEntropy(2.0)], ids=repr)
def test_long_rows_keep_float32_and_threads_change_no_bit(loss):
    y, p = data(6, 100_000, np.float32)
    found = []
    for threads in (1, 2, 4):
        fo.set_num_threads(threads)
        found.append(loss.value_and_gradient(y, p, reduction="none"))
    assert all(np.array_equal(a, found[0][0]) and np.array_equal(b, found[0][1]) for a, b in found)
    np.testing.assert_allclose(found[0][0], loss.pointwise(y, p.astype(np.float64)), rtol=2e-6)


def test_dice_is_tversky_at_half_and_nothing_to_find_is_no_loss():
    y, p = data()
    np.testing.assert_allclose(losses.Dice(2.0).pointwise(y, p), losses.Tversky(0.5, 0.5, 1.0).pointwise(y, p), rtol=1e-14)
    value, gradient = losses.Dice(0.0).value_and_gradient(np.zeros((1, 3)), np.full((1, 3), -1e4))
    assert value == 0 and not gradient.any()


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_they_are_values_that_objectives_do_not_take(loss):
    assert loss == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss) and hash(loss) == hash(copy.copy(loss))
    assert loss.name not in losses.names() + losses.names(couples_outputs=True)
    y, p = data()
    np.testing.assert_allclose(loss.predict(p), 1 / (1 + np.exp(-p)), rtol=1e-12)
    with pytest.raises(ValueError, match="loss must be one that models learn"):
        fo.LinearObjective(p, y, loss)
    for estimator in (GeneralizedLinearEstimator, SGDClassifier):
        with pytest.raises(ValueError, match="loss of .* must be"):
            estimator(loss).fit(p, y[:, 0])


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_refused_by_name(loss):
    y, p = data()
    nan = np.where(y == 1, np.nan, y)
    for wrong, text in ((y[:, :3], "y must have the shape of p"), (y * 2, "y must be"), (y - 1, "y must be"), (nan, "y must be")):
        with pytest.raises(ValueError, match=text):
            loss.value(wrong, p)
    with pytest.raises(ValueError, match="p must have shape"):
        loss.value(y[0], p[0])
    with pytest.raises(ValueError, match="p must be finite, got inf at index 0, 0"):
        loss.gradient(y, np.where(np.eye(20, 7) == 1, np.inf, p))
    with pytest.raises(ValueError, match="sample_weight must have shape"):
        loss.value(y, p, np.ones((20, 7)))


@pytest.mark.parametrize("make, text", [
    (lambda: losses.Tversky(alpha=-1), "alpha must"), (lambda: losses.Tversky(beta=np.inf), "beta must"),
    (lambda: losses.Dice(smooth=-1), "smooth must"), (lambda: losses.Dice(squared=2), "squared must"),
    (lambda: losses.MultilabelCrossEntropy(-1.0), "pos_weight must"),
    (lambda: losses.MultilabelCrossEntropy([1.0, 2.0]).value(*data()), "pos_weight must have 7 weights"),
    (lambda: losses.MultilabelCrossEntropy().value(data()[0] / 2, data()[1]), "y must be a class, 0 or 1, got 0.5")])
def test_parameters_are_refused_by_name(make, text):
    with pytest.raises(ValueError, match=text):
        make()
