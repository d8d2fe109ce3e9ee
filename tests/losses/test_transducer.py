"""The transducer: values and gradients beside all paths one by one, extremes, invariances, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.losses._sequences import transducer as module
from reference import transducer as reference
from reference.differences import central

EACH = losses.Transducer(reduction="none")
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def batch(samples, frames, length, classes, blank=0, seed=0, scale=2.0, dtype=np.float64):
    """Labels (samples, length), none of them the blank, and scores (samples, frames, length + 1, classes)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(1, classes, (samples, length)) if classes > 1 else np.zeros((samples, 0), int)
    return (y + blank) % classes, rng.normal(0, scale, (samples, frames, length + 1, classes)).astype(dtype)


def expected(y, p, blank=0, input_lengths=None, target_lengths=None):
    """Losses (N,) and the gradient of their sum, by the reference."""
    n = len(p)
    frames = np.full(n, p.shape[1]) if input_lengths is None else input_lengths
    lengths = np.full(n, y.shape[1]) if target_lengths is None else target_lengths
    values, gradient = np.zeros(n), np.zeros(p.shape)
    for i in range(n):
        values[i], gradient[i, :frames[i]] = reference.log_space(p[i, :frames[i]], y[i, :lengths[i]], blank)
    return values, gradient


# ---- values and gradients ----

@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("frames, length, classes", [(1, 0, 1), (1, 0, 3), (1, 1, 2), (1, 3, 4), (2, 2, 3), (4, 1, 2), (3, 3, 5), (5, 4, 3)])
def test_values_are_those_of_all_paths(isa, frames, length, classes, dtype):
    for blank in {0, classes - 1}:
        y, p = batch(3, frames, length, classes, blank, dtype=dtype)
        wanted = [reference.enumerated(p[i], y[i], blank) for i in range(3)]
        found = losses.Transducer(blank, "none").value(y, p)
        assert found.dtype == dtype and found.shape == (3,)
        np.testing.assert_allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_both_references_agree():
    y, p = batch(4, 4, 3, 4)
    for i in range(4):
        assert reference.log_space(p[i], y[i], 0)[0] == pytest.approx(reference.enumerated(p[i], y[i], 0), rel=1e-13)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_gradients_are_differences_of_values(isa, reduction, scale):
    y, p = batch(3, 4, 3, 4, blank=1, scale=scale)
    loss, lengths, weight = losses.Transducer(1, reduction), ([4, 4, 2], [2, 0, 3]), [1.0, 2.0, 0.5]
    value, gradient = loss.value_and_gradient(y, p, *lengths, weight)
    assert np.array_equal(value, loss.value(y, p, *lengths, weight)) and np.array_equal(gradient, loss.gradient(y, p, *lengths, weight))
    wanted = central(lambda q: np.sum(loss.value(y, q, *lengths, weight)), p)
    np.testing.assert_allclose(gradient, wanted, rtol=0, atol=4e-9 * max(1, np.sum(value)))


@pytest.mark.parametrize("frames, length, classes", [(60, 30, 40), (17, 15, 5), (9, 16, 7), (33, 1, 100), (2, 40, 3)])
def test_both_types_agree_with_sums_of_logarithms(isa, frames, length, classes):
    y, p = batch(3, frames, length, classes, dtype=np.float32)
    values, gradient = expected(y, p)
    for dtype, rtol in (np.float64, 1e-11), (np.float32, 1e-5):
        value, found = EACH.value_and_gradient(y, p.astype(dtype))
        assert value.dtype == found.dtype == dtype
        np.testing.assert_allclose(value, values, rtol=rtol)
        np.testing.assert_allclose(found, gradient, rtol=0, atol=rtol)


def test_reductions():
    y, p = batch(4, 5, 3, 4)
    each, slopes = EACH.value_and_gradient(y, p)
    weight = np.array([1.0, 0.0, 3.0, 0.5])
    total, same = losses.Transducer(reduction="sum").value_and_gradient(y, p)
    mean, scaled = losses.Transducer().value_and_gradient(y, p, sample_weight=weight)
    assert total == pytest.approx(each.sum(), rel=1e-14) and np.array_equal(same, slopes)
    assert losses.Transducer().value(y, p) == pytest.approx(each.mean(), rel=1e-14)
    assert mean == pytest.approx(weight @ each / weight.sum(), rel=1e-14)
    np.testing.assert_allclose(scaled, slopes * (weight / weight.sum())[:, None, None, None], rtol=1e-12, atol=1e-17)
    np.testing.assert_allclose(EACH.value(y, p, sample_weight=weight), weight * each, rtol=1e-14)
    kept = losses.Transducer().value_and_gradient(np.delete(y, 1, 0), np.delete(p, 1, 0), sample_weight=weight[weight > 0])
    assert kept[0] == pytest.approx(mean, rel=1e-14)
    np.testing.assert_allclose(kept[1], np.delete(scaled, 1, 0), rtol=1e-13, atol=1e-17)
    twice = losses.Transducer().value(np.repeat(y, 2, axis=0), np.repeat(p, 2, axis=0))
    assert twice == pytest.approx(each.mean(), rel=1e-14)


# ---- extremes ----

@pytest.mark.parametrize("dtype", TOLERANCE)
def test_scores_of_any_size(isa, dtype):
    for scale in (1e-30, 1.0, 100.0, 1e4, 1e6):
        rng = np.random.default_rng(0)
        y = batch(4, 7, 5, 6)[0]
        p = (rng.choice([-1.0, 0.0, 1.0], (4, 7, 6, 6)) * scale + rng.normal(0, 1, (4, 7, 6, 6))).astype(dtype)
        values, gradient = expected(y, p)
        found, slopes = EACH.value_and_gradient(y, p)
        rounding = 50 * scale * np.finfo(dtype).eps   # of p - largest, and of logarithms in the reference
        np.testing.assert_allclose(found, values, rtol=10 * TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])
        np.testing.assert_allclose(slopes, gradient, rtol=0, atol=10 * TOLERANCE[dtype] + rounding)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_what_is_certain_and_what_is_all_but_impossible(isa, dtype):
    p = np.full((1, 2, 2, 3), -1e4, dtype)
    p[0, 0, 0, 1] = p[0, 0, 1, 0] = p[0, 1, 1, 0] = p[0, 1, 0, 0] = 1e4   # the label in the first frame
    value, gradient = EACH.value_and_gradient([[1]], p)
    assert value[0] == 0 and np.abs(gradient).max() <= np.finfo(dtype).eps
    value, gradient = EACH.value_and_gradient([[2]], p)
    assert value[0] == pytest.approx(expected(np.array([[2]]), p)[0][0], rel=1e-6) and value[0] > 1e4
    largest = np.finfo(dtype).max
    value, gradient = EACH.value_and_gradient([[2]], np.where(p > 0, largest, -largest).astype(dtype))
    assert 1e30 < value[0] < np.inf and np.isfinite(gradient).all() and np.abs(gradient.sum(axis=3)).max() < 1e-5


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_many_frames_neither_underflow_nor_drift(isa, dtype):
    y, p = batch(1, 1000, 20, 4, dtype=dtype)
    values, gradient = expected(y, p)
    value, found = EACH.value_and_gradient(y, p)
    np.testing.assert_allclose(value, values, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(found, gradient, rtol=0, atol=2e-5 if dtype == np.float32 else 1e-10)


def test_no_labels_are_blanks_alone():
    p = batch(2, 5, 2, 3)[1]
    log_share = p - np.log(np.exp(p).sum(axis=3, keepdims=True))
    for y, lengths in (np.empty((2, 0)), None), ([[1], [2]], [0, 0]), ([], [0, 0]):
        value, gradient = EACH.value_and_gradient(y, p, target_lengths=lengths)
        np.testing.assert_allclose(value, -log_share[:, :, 0, 0].sum(axis=1), rtol=1e-13)
        np.testing.assert_allclose(gradient[:, :, 0], np.exp(log_share[:, :, 0]) - (np.arange(3) == 0), atol=1e-13)
        assert not gradient[:, :, 1:].any()


# ---- invariances ----

def test_each_sample_is_for_itself_and_cut_to_what_counts():
    y, p = batch(6, 9, 4, 5)
    frames, lengths = np.array([9, 3, 9, 7, 1, 5]), np.array([4, 0, 1, 3, 2, 4])
    value, gradient = EACH.value_and_gradient(y, p, frames, lengths)
    order = np.random.default_rng(0).permutation(6)
    moved, slopes = EACH.value_and_gradient(y[order], p[order], frames[order], lengths[order])
    assert np.array_equal(moved, value[order]) and np.array_equal(slopes, gradient[order])
    for i in range(6):
        alone, slope = EACH.value_and_gradient(y[i:i + 1, :lengths[i]], p[i:i + 1, :frames[i], :lengths[i] + 1])
        assert alone[0] == value[i] and np.array_equal(slope[0], gradient[i, :frames[i], :lengths[i] + 1])
        assert not gradient[i, frames[i]:].any() and not gradient[i, :, lengths[i] + 1:].any()


def test_what_lies_behind_lengths_is_not_looked_at():
    y, p = batch(3, 8, 5, 4)
    frames, lengths = np.array([8, 5, 6]), np.array([2, 5, 0])
    value, gradient = EACH.value_and_gradient(y, p, frames, lengths)
    for i in range(3):
        y[i, lengths[i]:] = [-1, 0, 99, 2 ** 40, 1][:5 - lengths[i]]
        p[i, frames[i]:], p[i, :, lengths[i] + 1:] = np.nan, np.inf
    found, slopes = EACH.value_and_gradient(y, p, frames, lengths)
    assert np.array_equal(found, value) and np.array_equal(slopes, gradient)
    joined = np.concatenate([row[:length] for row, length in zip(y, lengths)])
    found, slopes = EACH.value_and_gradient(joined, p, tuple(frames), list(lengths))
    assert np.array_equal(found, value) and np.array_equal(slopes, gradient)


def test_log_probabilities_are_scores_too():
    y, p = batch(2, 6, 3, 5)
    log_share = p - np.log(np.exp(p).sum(axis=3, keepdims=True))
    np.testing.assert_allclose(EACH.value(y, log_share), EACH.value(y, p), rtol=1e-12)
    np.testing.assert_allclose(EACH.value(y, p + 7), EACH.value(y, p), rtol=1e-12)
    assert np.abs(EACH.gradient(y, p).sum(axis=3)).max() <= 1e-14


def test_any_number_of_threads_gives_the_same_bits(isa, monkeypatch):
    y, p = batch(7, 40, 20, 20, dtype=np.float32)
    found, asked = [], []
    for threads in (1, 2, 5):
        monkeypatch.setattr(module, "resolve_threads", lambda: asked.append(threads) or threads)
        found.append(losses.Transducer().value_and_gradient(y, p, 40 - np.arange(7), 20 - np.arange(7)))
    assert asked == [1, 2, 5]
    assert all(value == found[0][0] and np.array_equal(gradient, found[0][1]) for value, gradient in found)


def test_fused_instruction_sets_agree_to_the_bit(fused_isas):
    y, p = batch(3, 12, 9, 21, dtype=np.float32)
    found = []
    for name in fused_isas:
        fo.set_isa(name)
        found.append(EACH.value_and_gradient(y, p))
    assert all(np.array_equal(value, found[0][0]) and np.array_equal(gradient, found[0][1]) for value, gradient in found)


# ---- arrays ----

@pytest.mark.parametrize("view", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], lambda a: a[::-1].copy()[::-1],
                                  lambda a: a.astype(a.dtype.newbyteorder()), np.ndarray.tolist])
def test_any_order_and_type(view):
    y, p = batch(3, 5, 3, 4)
    value, gradient = EACH.value_and_gradient(y, p)
    found, slopes = EACH.value_and_gradient(view(y), view(p), view(np.full(3, 5)), view(np.full(3, 3)), view(np.ones(3)))
    assert np.array_equal(found, value) and np.array_equal(slopes, gradient) and slopes.dtype == np.float64
    p.flags.writeable = y.flags.writeable = False
    assert np.array_equal(EACH.value(y.astype(np.uint8), p), value)


def test_the_gradient_goes_where_it_is_told():
    y, p = batch(3, 5, 3, 4)
    wanted = EACH.gradient(y, p)
    for out in (np.full(p.shape, np.nan), np.full((4, 4, 5, 3), np.nan).T, np.full((6, 5, 4, 4), np.nan)[::2]):
        assert EACH.gradient(y, p, out=out) is out and np.array_equal(out, wanted)
    moved = p.copy()
    assert EACH.value_and_gradient(y, moved, out=moved)[1] is moved and np.array_equal(moved, wanted)
    with pytest.raises(TypeError, match="out must be an ndarray of float64, got float32"):
        EACH.gradient(y, p, out=np.zeros(p.shape, np.float32))


def test_it_is_a_value_like_other_losses():
    loss = losses.Transducer(2, "sum")
    assert loss == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss.params == {"blank": 2, "reduction": "sum"} and not isinstance(loss, losses.Loss)


ONE = np.zeros((2, 4, 3, 5))   # samples, frames, places, classes
BROKEN = ONE.copy()
BROKEN[1, 3, 2, 4] = np.nan


@pytest.mark.parametrize("arguments, error, text", [
    (([[1, 2], [1, 0]], ONE), ValueError, "y must be a label, 0 … 4 but for the blank, 0, got 0 at index 1, 1"),
    (([[1, 2], [1, 5]], ONE), ValueError, "y must be a label, 0 … 4 .* got 5 at index 1, 1"),
    (([[1, 2], [1, -1]], ONE), ValueError, "y must be a label, 0 … 4 .* got -1 at index 1, 1"),
    (([[1.0], [2.0]], ONE), TypeError, "y must hold integers, got dtype float64"),
    (([[1], [2]], ONE[0]), ValueError, r"p must have shape \(N, T, U \+ 1, C\), .* got \(4, 3, 5\)"),
    (([[1], [2]], ONE[:, :0]), ValueError, r"p must have shape .* got \(2, 0, 3, 5\)"),
    (([[1, 2, 3], [1, 2, 3]], ONE), ValueError, "p must have U \\+ 1 >= 4 places, .* got 3"),
    (([[1], [2]], BROKEN, [4, 4], [1, 1]), None, ""),
    (([[1, 1], [2, 1]], BROKEN), ValueError, "p must be finite, raw scores, got nan at index 1, 3, 2, 4"),
    (([[1], [2]], ONE, [4, 0]), ValueError, "input_lengths must be between 1 and 4, the frames of p, got 0 at index 1"),
    (([[1], [2]], ONE, [5, 4]), ValueError, "input_lengths must be between 1 and 4, the frames of p, got 5 at index 0"),
    (([[1], [2]], ONE, None, [1, 2]), ValueError, "target_lengths must be between 0 and 1, the columns of y, got 2 at index 1"),
    (([1, 2], ONE), ValueError, "target_lengths must be given"),
    (([[1], [2]], ONE, None, None, [1.0]), ValueError, r"sample_weight must have shape \(2,\), one for each sample of p, got \(1,\)"),
    (([[1], [2]], ONE, None, None, [1.0, -1.0]), ValueError, "sample_weight must be finite and at least 0, got -1.0 at index 1"),
    (([[1], [2]], ONE, None, None, [0.0, 0.0]), ValueError, "sample_weight must not be all 0"),
])
def test_arrays_are_refused_by_name(arguments, error, text):
    for method in ("value", "gradient", "value_and_gradient"):
        if error is None:
            getattr(losses.Transducer(), method)(*arguments)
            continue
        with pytest.raises(error, match=text):
            getattr(losses.Transducer(), method)(*arguments)


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.Transducer(blank=-1), ValueError, "blank must be an integer from 0 to .*, got -1"),
    (lambda: losses.Transducer(blank=5).value([[1], [2]], ONE), ValueError, "blank must be a class of p, 0 … 4, got 5"),
    (lambda: losses.Transducer(reduction="men"), ValueError, "reduction must be one of 'mean', 'sum', 'none', got 'men'"),
])
def test_parameters_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
