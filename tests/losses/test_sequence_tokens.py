"""The cross-entropy of tokens and their perplexity: beside plain NumPy, masks beside shorter data, extremes, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.losses._sequences import tokens as module
from reference.differences import central
from reference.sequences import cross_entropies

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def batch(samples=3, steps=5, classes=4, seed=0, scale=2.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, (samples, steps)), rng.normal(0, scale, (samples, steps, classes)).astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 7), (3, 5, 4), (6, 40, 33)])
def test_values_and_reductions(isa, shape, smoothing, dtype):
    y, p = batch(*shape, dtype=dtype)
    rng = np.random.default_rng(1)
    weight, lengths = rng.integers(0, 4, shape[:2]).astype(float), rng.integers(0, shape[1] + 1, shape[0])
    weight[0, 0], lengths[0] = 1, shape[1]
    wanted = weight * cross_entropies(y, p, smoothing) * (np.arange(shape[1]) < lengths[:, None])
    total = weight[np.arange(shape[1]) < lengths[:, None]].sum()
    close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    for reduction, expected in ("none", wanted), ("sum", wanted.sum()), ("mean", wanted.sum() / total):
        loss = losses.SequenceCrossEntropy(smoothing, reduction=reduction)
        value, gradient = loss.value_and_gradient(y, p, lengths, sample_weight=weight)
        np.testing.assert_allclose(value, expected, **close)
        assert np.array_equal(value, loss.value(y, p, lengths, sample_weight=weight))
        assert gradient.dtype == dtype and np.array_equal(gradient, loss.gradient(y, p, lengths, sample_weight=weight))
    mean = cross_entropies(y, p, smoothing).mean()
    assert losses.SequenceCrossEntropy(smoothing).value(y, p) == pytest.approx(mean, rel=TOLERANCE[dtype], abs=TOLERANCE[dtype])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_gradients_are_differences_of_values(reduction, smoothing, scale):
    y, p = batch(scale=scale)
    y[0, 1] = -100
    more = {"lengths": [5, 0, 3], "mask": y % 2 == 0, "sample_weight": [1.0, 2.0, 0.5]}
    loss = losses.SequenceCrossEntropy(smoothing, -100, reduction)
    found = loss.gradient(y, p, **more)
    np.testing.assert_allclose(found, central(lambda q: np.sum(loss.value(y, q, **more)), p), rtol=1e-6, atol=1e-8 * scale)
    assert not found[1].any() and not found[0, 1].any() and not found[2, 3:].any()


def test_float32_is_within_1e_5_of_float64():
    y, p = batch(8, 50, 100, dtype=np.float32)
    loss = losses.SequenceCrossEntropy(0.1)
    (value, gradient), (wide, wide_gradient) = loss.value_and_gradient(y, p), loss.value_and_gradient(y, p.astype(np.float64))
    assert value == pytest.approx(wide, rel=1e-5)
    assert np.abs(gradient - wide_gradient).max() <= 1e-5 * np.abs(wide_gradient).max()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_scores_of_any_size(isa, dtype):
    p = np.array([[[1e4, 0, -1e4], [0, 1e4, 1e4]]], dtype)
    value, gradient = losses.SequenceCrossEntropy(reduction="none").value_and_gradient([[2, 0]], p)
    np.testing.assert_allclose(value, [[2e4, 1e4 + np.log(2)]], rtol=1e-6)
    np.testing.assert_allclose(gradient, [[[1, 0, -1], [-1, 0.5, 0.5]]], atol=1e-6)
    largest = np.finfo(dtype).max
    value, gradient = losses.SequenceCrossEntropy().value_and_gradient([[0]], np.array([[[-largest, largest]]], dtype))
    assert value == np.inf and np.array_equal(gradient[0, 0], [-1, 1])


# ---- what counts ----

def test_what_does_not_count_is_as_if_it_were_not_there():
    y, p = batch(4, 6, 5)
    lengths, mask = np.array([6, 2, 0, 4]), np.random.default_rng(0).random((4, 6)) < 0.7
    counted = mask & (np.arange(6) < lengths[:, None])
    marked = np.where(counted, y, -7)
    p[~counted], hidden = np.nan, np.where(counted, y, 2 ** 40)
    loss = losses.SequenceCrossEntropy(0.1)
    value, gradient = loss.value_and_gradient(hidden, p, lengths, mask)
    assert value == pytest.approx(cross_entropies(y[counted][None], p[counted][None], 0.1).mean(), rel=1e-13)
    assert not gradient[~counted].any() and gradient[counted].any()
    shorter, slopes = loss.value_and_gradient(y[counted][None], p[counted][None])
    assert shorter == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(slopes[0], gradient[counted], rtol=1e-14)
    for found in (losses.SequenceCrossEntropy(0.1, -7).value_and_gradient(marked, p), loss.value_and_gradient(hidden, p, mask=counted),
                  loss.value_and_gradient(np.where(counted, y, 0), p, sample_weight=counted.astype(float))):
        assert found[0] == pytest.approx(value, rel=1e-14)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-14)
    kept = [0, 1, 3]   # the third has no token that counts
    without, slopes = loss.value_and_gradient(hidden[kept], p[kept], lengths[kept], mask[kept])
    assert without == pytest.approx(value, rel=1e-14) and np.array_equal(slopes, gradient[kept])


def test_no_tokens():
    y, p = batch()
    for reduction, wanted in ("sum", 0.0), ("none", np.zeros((3, 5))):
        value, gradient = losses.SequenceCrossEntropy(reduction=reduction).value_and_gradient(y, p, lengths=[0, 0, 0])
        assert np.array_equal(value, wanted) and not gradient.any()
    for call in (lambda: losses.SequenceCrossEntropy().value(y, p, lengths=[0, 0, 0]), lambda: losses.perplexity(y, p, mask=np.zeros((3, 5), bool))):
        with pytest.raises(ValueError, match="y must have at least one token that counts, for a mean, got none"):
            call()


def test_weights_and_order():
    y, p = batch(5, 4, 6)
    weight = np.array([1.0, 2.0, 0.0, 1.0, 3.0])
    loss = losses.SequenceCrossEntropy()
    value, gradient = loss.value_and_gradient(y, p, sample_weight=weight)
    assert loss.value(np.repeat(y, weight.astype(int), axis=0), np.repeat(p, weight.astype(int), axis=0)) == pytest.approx(value, rel=1e-14)
    assert loss.value(y, p, sample_weight=np.repeat(weight[:, None], 4, axis=1)) == value
    order = np.random.default_rng(0).permutation(5)
    moved, slopes = loss.value_and_gradient(y[order], p[order], sample_weight=weight[order])
    assert moved == pytest.approx(value, rel=1e-14) and np.array_equal(slopes, gradient[order])


def test_perplexity():
    y, p = batch()
    y[0, 0] = -1
    counted = y >= 0
    assert losses.perplexity(y, p, ignore_index=-1) == pytest.approx(np.exp(cross_entropies(y[counted][None], p[counted][None]).mean()), rel=1e-12)
    assert losses.perplexity(np.zeros((1, 2), int), np.zeros((1, 2, 50))) == pytest.approx(50, rel=1e-12)
    assert losses.perplexity([[0]], [[[-1e5, 1e5]]]) == np.inf
    assert losses.perplexity([[0, 1]], [[[1e5, 0], [0, 1e5]]]) == 1


# ---- threads, arrays, arguments ----

def test_any_number_of_threads_gives_the_same_bits(isa, monkeypatch):
    y, p = batch(20, 100, 40, dtype=np.float32)
    found, asked = [], []
    for threads in (1, 2, 5):
        monkeypatch.setattr(module, "resolve_threads", lambda: asked.append(threads) or threads)
        found.append((*losses.SequenceCrossEntropy(0.1).value_and_gradient(y, p, 100 - np.arange(20)), losses.SequenceCrossEntropy().value(y, p)))
    assert asked == [1, 1, 2, 2, 5, 5]
    assert all(value == found[0][0] and np.array_equal(gradient, found[0][1]) and alone == found[0][2] for value, gradient, alone in found)


def test_fused_instruction_sets_agree_to_the_bit(fused_isas):
    y, p = batch(3, 12, 21, dtype=np.float32)
    found = []
    for name in fused_isas:
        fo.set_isa(name)
        found.append(losses.SequenceCrossEntropy(0.1).value_and_gradient(y, p))
    assert all(value == found[0][0] and np.array_equal(gradient, found[0][1]) for value, gradient in found)


@pytest.mark.parametrize("view", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], lambda a: a[::-1].copy()[::-1], np.ndarray.tolist])
def test_any_order_and_type(view):
    y, p = batch()
    loss, mask = losses.SequenceCrossEntropy(), y > 0
    value, gradient = loss.value_and_gradient(y, p, mask=mask, sample_weight=np.ones((3, 5)))
    found, slopes = loss.value_and_gradient(view(y), view(p), mask=view(mask), sample_weight=view(np.ones((3, 5))))
    assert found == value and np.array_equal(slopes, gradient)
    p.flags.writeable = y.flags.writeable = False
    out = np.full((3, 5, 8), np.nan)[:, :, ::2]
    assert loss.gradient(y.astype(np.uint8), p, mask=mask, out=out) is out
    np.testing.assert_allclose(out, gradient, rtol=1e-14)
    moved = p.copy()
    assert loss.gradient(y, moved, mask=mask, out=moved) is moved
    np.testing.assert_allclose(moved, gradient, rtol=1e-14)


def test_it_is_a_value_like_other_losses():
    loss = losses.SequenceCrossEntropy(0.1, -100, "sum")
    assert loss == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss.params == {"label_smoothing": 0.1, "ignore_index": -100, "reduction": "sum"} and not isinstance(loss, losses.Loss)


ONE = np.zeros((2, 3, 4))
BROKEN = ONE.copy()
BROKEN[1, 2, 3] = np.inf
LABELS = np.zeros((2, 3), int)


@pytest.mark.parametrize("arguments, error, text", [
    (([[0, 1, 4], [0, 0, 0]], ONE), ValueError, "y must be the number of a class, 0 … 3, where it counts, got 4 at index 0, 2"),
    (([[0, 1, 1], [0, -1, 0]], ONE), ValueError, "y must be the number of a class, .* got -1 at index 1, 1"),
    (([[0, 1, 1], [0, -1, 0]], ONE, None, np.ones((2, 3), bool)), ValueError, "y must be the number of a class, .* got -1 at index 1, 1"),
    (([[0, 1, 1], [0, 2 ** 40, 0]], ONE), ValueError, f"y must be the number of a class, .* got {2 ** 40} at index 1, 1"),
    ((LABELS * 1.0, ONE), TypeError, "y must hold integers, got dtype float64"),
    ((LABELS[:, :2], ONE), ValueError, r"y must have shape \(2, 3\), the class of each token of p, got \(2, 2\)"),
    ((LABELS, ONE[0]), ValueError, r"p must have shape \(N, T, C\), at least one sample, token and class, got \(3, 4\)"),
    ((np.zeros((2, 0), int), ONE[:, :0]), ValueError, r"p must have shape \(N, T, C\), .* got \(2, 0, 4\)"),
    ((LABELS, BROKEN), ValueError, "p must be finite, raw scores, got inf at index 1, 2, 3"),
    ((LABELS, BROKEN, [3, 2]), None, ""),
    ((LABELS, ONE, [3, 4]), ValueError, "lengths must be between 0 and 3, the tokens of p, got 4 at index 1"),
    ((LABELS, ONE, [3]), ValueError, r"lengths must have shape \(2,\), .* got \(1,\)"),
    ((LABELS, ONE, None, LABELS), TypeError, "mask must hold bools, got dtype int64"),
    ((LABELS, ONE, None, np.ones(3, bool)), ValueError, r"mask must have shape \(2, 3\), one for each token, got \(3,\)"),
    ((LABELS, ONE, None, None, [1.0, 2.0, 3.0]), ValueError, r"sample_weight must have shape \(2, 3\) or \(2,\), .* got \(3,\)"),
    ((LABELS, ONE, None, None, [1.0, -2.0]), ValueError, "sample_weight must be finite and at least 0, got -2.0 at index 1, 0"),
    ((LABELS, ONE, None, None, [np.nan, 2.0]), ValueError, "sample_weight must be finite and at least 0, got nan at index 0, 0"),
    ((LABELS, ONE, None, None, [0.0, 0.0]), ValueError, "sample_weight must not be all 0"),
])
def test_arrays_are_refused_by_name(arguments, error, text):
    for method in ("value", "gradient", "value_and_gradient"):
        if error is None:
            getattr(losses.SequenceCrossEntropy(), method)(*arguments)
            continue
        with pytest.raises(error, match=text):
            getattr(losses.SequenceCrossEntropy(), method)(*arguments)


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.SequenceCrossEntropy(1.0), ValueError, "label_smoothing must be .*, got 1.0"),
    (lambda: losses.SequenceCrossEntropy(ignore_index=1.5), TypeError, "ignore_index must be an integer.*, got 1.5"),
    (lambda: losses.SequenceCrossEntropy(reduction="all"), ValueError, "reduction must be one of 'mean', 'sum', 'none', got 'all'"),
])
def test_parameters_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
