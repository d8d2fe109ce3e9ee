"""Connectionist temporal classification: values and gradients beside all alignments one by one, extremes, invariances, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.linear_model import GeneralizedLinearEstimator, SGDClassifier
from fastopt.losses._sequences import ctc
from reference import ctc as reference

EACH = losses.CTC(reduction="none")
TOLERANCE = {np.float64: 1e-11, np.float32: 1e-5}


def batch(frames, samples, classes, length, blank=0, seed=0, scale=2.0, dtype=np.float64):
    """Labels (samples, length), none of them the blank, and scores (frames, samples, classes)."""
    rng = np.random.default_rng(seed)
    y = rng.integers(1, classes, (samples, length)) if classes > 1 else np.zeros((samples, 0), int)
    return (y + blank) % classes, rng.normal(0, scale, (frames, samples, classes)).astype(dtype)


def expected(y, p, blank=0, input_lengths=None, target_lengths=None):
    """Losses (N,) and the gradient of their sum, by the reference."""
    samples = p.shape[1]
    frames = np.full(samples, len(p)) if input_lengths is None else input_lengths
    lengths = np.full(samples, y.shape[1]) if target_lengths is None else target_lengths
    values, gradient = np.zeros(samples), np.zeros(p.shape)
    for n in range(samples):
        if frames[n] == 0:
            values[n] = np.inf if lengths[n] else 0
        else:
            values[n], gradient[:frames[n], n] = reference.log_space(p[:frames[n], n], y[n, :lengths[n]], blank)
    return values, gradient


# ---- values and gradients ----

@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("frames, classes", [(1, 1), (1, 2), (2, 2), (3, 3), (4, 4), (5, 2), (5, 4)])
def test_values_are_those_of_all_alignments(isa, frames, classes, dtype):
    for length in range(4 if classes > 1 else 1):
        for blank in {0, classes - 1}:
            y, p = batch(frames, 3, classes, length, blank, seed=length, dtype=dtype)
            wanted = [reference.enumerated(p[:, n], y[n], blank) for n in range(3)]
            found = losses.CTC(blank=blank, reduction="none").value(y, p)
            assert found.dtype == dtype and found.shape == (3,)
            np.testing.assert_allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("y", [[[1, 1, 1]], [[1, 2, 1]], [[2, 2, 1]], [[1]], [[]]], ids=str)
def test_repetitions_need_a_blank_between(isa, y):
    p = batch(5, 1, 3, 0)[1]
    np.testing.assert_allclose(EACH.value(y, p), [reference.enumerated(p[:, 0], y[0], 0)], rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_are_differences_of_values(isa, reduction):
    y, p = batch(6, 3, 4, 3, blank=1)
    y[0], y[2] = y[0, 0], [2, 3, 2]   # three times the same
    loss, lengths = losses.CTC(1, reduction=reduction), ([6, 6, 4], [2, 0, 3])
    value, gradient = loss.value_and_gradient(y, p, *lengths)
    assert np.array_equal(value, loss.value(y, p, *lengths)) and np.array_equal(gradient, loss.gradient(y, p, *lengths))
    for place in np.ndindex(p.shape):
        step = np.zeros(p.shape)
        step[place] = 1e-6
        up, down = (np.sum(loss.value(y, p + s, *lengths)) for s in (step, -step))
        assert gradient[place] == pytest.approx((up - down) / 2e-6, abs=2e-9 * max(1, np.sum(value)))


@pytest.mark.parametrize("frames, samples, classes, length", [(200, 8, 40, 30), (50, 3, 3, 20), (33, 2, 100, 15), (17, 2, 5, 7), (40, 2, 7, 16)])
def test_both_types_agree_with_sums_of_logarithms(isa, frames, samples, classes, length):
    y, p = batch(frames, samples, classes, length, dtype=np.float32)
    values, gradient = expected(y, p)
    assert np.isfinite(values).all()
    for dtype, rtol in (np.float64, 1e-11), (np.float32, 1e-5):
        value, found = EACH.value_and_gradient(y, p.astype(dtype))
        assert value.dtype == found.dtype == dtype
        np.testing.assert_allclose(value, values, rtol=rtol)
        np.testing.assert_allclose(found, gradient, rtol=0, atol=rtol)


def test_float32_is_within_1e_5_of_float64():
    y, p = batch(200, 8, 40, 30, dtype=np.float32, seed=1)
    for reduction in ("mean", "sum", "none"):
        loss = losses.CTC(reduction=reduction)
        (value, gradient), (wide, wide_gradient) = loss.value_and_gradient(y, p), loss.value_and_gradient(y, p.astype(np.float64))
        np.testing.assert_allclose(value, wide, rtol=1e-5)
        assert np.abs(gradient - wide_gradient).max() <= 1e-5 * np.abs(wide_gradient).max()


def test_reductions_are_those_of_pytorch():
    """A mean over the batch of losses over their lengths, those of length 0 over 1."""
    y, p = batch(9, 4, 5, 3)
    lengths = np.array([3, 1, 0, 2])
    each, slopes = EACH.value_and_gradient(y, p, target_lengths=lengths)
    total, same = losses.CTC(reduction="sum").value_and_gradient(y, p, target_lengths=lengths)
    mean, scaled = losses.CTC().value_and_gradient(y, p, target_lengths=lengths)
    shares = 1 / (4 * np.maximum(lengths, 1))
    assert isinstance(total, float) and isinstance(mean, float)
    assert total == pytest.approx(each.sum(), rel=1e-14) and mean == pytest.approx(shares @ each, rel=1e-14)
    assert np.array_equal(same, slopes)
    np.testing.assert_allclose(scaled, slopes * shares[:, None], rtol=1e-12, atol=1e-16)


# ---- extremes ----

@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("frames", [4, 30])
def test_scores_of_any_size(isa, dtype, frames):
    for scale in (1e-30, 1.0, 100.0, 1e4, 1e6):
        rng = np.random.default_rng(frames)
        y = batch(frames, 5, 6, 3)[0]
        p = (rng.choice([-1.0, 0.0, 1.0], (frames, 5, 6)) * scale + rng.normal(0, 1, (frames, 5, 6))).astype(dtype)
        values, gradient = expected(y, p)
        found, slopes = EACH.value_and_gradient(y, p)
        rounding = 4 * frames * scale * np.finfo(dtype).eps   # of p - largest, and of logarithms in the reference
        np.testing.assert_allclose(found, values, rtol=10 * TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])
        np.testing.assert_allclose(slopes, gradient, rtol=0, atol=10 * TOLERANCE[dtype] + rounding)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_what_is_certain_and_what_is_all_but_impossible(isa, dtype):
    y, p = np.array([[1, 2]]), np.full((3, 1, 3), -1e4, dtype)
    p[[0, 1, 2], 0, [1, 0, 2]] = 1e4
    value, gradient = EACH.value_and_gradient(y, p)
    assert value[0] == 0 and np.abs(gradient).max() <= np.finfo(dtype).eps
    value, gradient = EACH.value_and_gradient([[2, 1]], p)   # two frames at least say what they do not
    values, slopes = expected(np.array([[2, 1]]), p)
    assert value[0] == pytest.approx(values[0], rel=1e-6) and values[0] >= 4e4 - 10
    np.testing.assert_allclose(gradient, slopes, rtol=0, atol=TOLERANCE[dtype])
    largest = np.finfo(dtype).max
    value, gradient = EACH.value_and_gradient([[2, 1]], np.where(p > 0, largest, -largest).astype(dtype))
    assert 1e30 < value[0] < np.inf and np.isfinite(gradient).all() and np.abs(gradient.sum(axis=2)).max() < 1e-5


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_many_frames_neither_underflow_nor_drift(isa, dtype):
    y, p = batch(3000, 1, 4, 40, dtype=dtype)
    values, gradient = expected(y, p)
    value, found = EACH.value_and_gradient(y, p)
    np.testing.assert_allclose(value, values, rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(found, gradient, rtol=0, atol=2e-5 if dtype == np.float32 else 1e-10)


def test_targets_without_labels_are_blanks_alone(isa):
    p = batch(7, 2, 3, 0)[1]
    log_share = p - np.log(np.exp(p).sum(axis=2, keepdims=True))
    for y, lengths in (np.empty((2, 0)), None), ([[1], [2]], [0, 0]), ([], [0, 0]):
        value, gradient = EACH.value_and_gradient(y, p, target_lengths=lengths)
        np.testing.assert_allclose(value, -log_share[:, :, 0].sum(axis=0), rtol=1e-13)
        np.testing.assert_allclose(gradient, np.exp(log_share) - (np.arange(3) == 0), atol=1e-13)
        assert losses.CTC().value(y, p, target_lengths=lengths) == pytest.approx(value.mean())


@pytest.mark.parametrize("y, frames", [([[1, 2, 3]], 2), ([[1, 1]], 2), ([[2, 2, 2]], 4), ([[1]], 0)])
def test_targets_without_an_alignment(isa, y, frames):
    p = batch(6, 1, 4, 0)[1]
    for reduction in ("mean", "sum", "none"):
        for zero in (False, True):
            value, gradient = losses.CTC(zero_infinity=zero, reduction=reduction).value_and_gradient(y, p, [frames])
            assert value == (0 if zero else np.inf) and not gradient.any()
    value, gradient = losses.CTC(zero_infinity=True, reduction="sum").value_and_gradient(
        y * 2, np.repeat(p, 2, axis=1), [frames, 6])
    alone, slopes = EACH.value_and_gradient(y, p)
    assert value == alone[0] > 0 and np.array_equal(gradient[:, 1], slopes[:, 0]) and not gradient[:, 0].any()


def test_no_frames_say_nothing():
    value, gradient = EACH.value_and_gradient([[1], [2]], np.ones((3, 2, 4)), [0, 3], [0, 1])
    assert value[0] == 0 and not gradient[:, 0].any() and gradient[:, 1].any()


# ---- invariances ----

def test_the_order_of_samples_does_not_matter():
    y, p = batch(20, 6, 5, 4)
    lengths, frames = np.array([4, 0, 1, 3, 2, 4]), np.array([20, 3, 20, 7, 12, 15])
    value, gradient = EACH.value_and_gradient(y, p, frames, lengths)
    order = np.random.default_rng(0).permutation(6)
    moved, slopes = EACH.value_and_gradient(y[order], p[:, order], frames[order], lengths[order])
    assert np.array_equal(moved, value[order]) and np.array_equal(slopes, gradient[:, order])
    for n in range(6):   # alone, cut to what counts
        alone, slope = EACH.value_and_gradient(y[n:n + 1, :lengths[n]], p[:frames[n], n:n + 1])
        assert alone[0] == value[n] and np.array_equal(slope[:, 0], gradient[:frames[n], n])
        assert not gradient[frames[n]:, n].any()


def test_what_lies_behind_lengths_is_not_looked_at():
    y, p = batch(8, 3, 4, 5)
    frames, lengths = np.array([8, 5, 6]), np.array([2, 3, 0])
    value, gradient = EACH.value_and_gradient(y, p, frames, lengths)
    for n in range(3):
        y[n, lengths[n]:] = [-1, 0, 99, 2 ** 40, 1][:5 - lengths[n]]
        p[frames[n]:, n] = np.nan
    found, slopes = EACH.value_and_gradient(y, p, frames, lengths)
    assert np.array_equal(found, value) and np.array_equal(slopes, gradient)
    joined = np.concatenate([row[:length] for row, length in zip(y, lengths)])
    found, slopes = EACH.value_and_gradient(joined, p, tuple(frames), list(lengths))
    assert np.array_equal(found, value) and np.array_equal(slopes, gradient)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_log_probabilities_are_scores_too(dtype):
    y, p = batch(30, 2, 5, 6, dtype=dtype)
    log_share = p - np.log(np.exp(p).sum(axis=2, keepdims=True))
    np.testing.assert_allclose(EACH.value(y, log_share), EACH.value(y, p), rtol=TOLERANCE[dtype])
    np.testing.assert_allclose(EACH.value(y, p + 7), EACH.value(y, p), rtol=TOLERANCE[dtype])
    assert np.abs(EACH.gradient(y, p).sum(axis=2)).max() <= 20 * np.finfo(dtype).eps


def test_any_number_of_threads_gives_the_same_bits(isa, monkeypatch):
    y, p = batch(120, 13, 20, 10, dtype=np.float32)
    lengths, found, asked = np.arange(13) % 11, [], []
    for threads in (1, 2, 5):
        monkeypatch.setattr(ctc, "resolve_threads", lambda: asked.append(threads) or threads)
        found.append((*losses.CTC().value_and_gradient(y, p, 120 - np.arange(13), lengths), losses.CTC().decode(p, beam=4, return_scores=True)))
    assert asked == [1, 1, 2, 2, 5, 5]
    for value, gradient, (labels, scores) in found:
        assert value == found[0][0] and np.array_equal(gradient, found[0][1]) and np.array_equal(scores, found[0][2][1])
        assert all(map(np.array_equal, labels, found[0][2][0]))


def test_fused_instruction_sets_agree_to_the_bit(fused_isas):
    y, p = batch(40, 3, 21, 9, dtype=np.float32)
    found = []
    for name in fused_isas:
        fo.set_isa(name)
        found.append(EACH.value_and_gradient(y, p))
    assert all(np.array_equal(value, found[0][0]) and np.array_equal(gradient, found[0][1]) for value, gradient in found)


# ---- arrays ----

def unaligned(a):
    raw = np.empty(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    raw[...] = a
    return raw


@pytest.mark.parametrize("view", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], lambda a: a[::-1].copy()[::-1], unaligned,
                                  lambda a: a.astype(a.dtype.newbyteorder()), np.ndarray.tolist])
def test_any_order_and_type(view):
    y, p = batch(10, 3, 4, 3)
    value, gradient = EACH.value_and_gradient(y, p)
    lengths = view(np.array([10, 10, 10])), view(np.array([3, 3, 3]))
    found, slopes = EACH.value_and_gradient(view(y), view(p), *lengths)
    assert np.array_equal(found, value) and np.array_equal(slopes, gradient) and slopes.dtype == np.float64
    assert EACH.decode(view(p))[0].tolist() == EACH.decode(p)[0].tolist()
    p.flags.writeable = y.flags.writeable = False
    assert np.array_equal(EACH.value(y.astype(np.uint8), p), value)
    assert EACH.gradient(y, np.rint(p).astype(np.int8)).dtype == EACH.gradient(y, p.astype(np.float16)).dtype == np.float64


def test_the_gradient_goes_where_it_is_told():
    y, p = batch(10, 3, 4, 3)
    wanted = EACH.gradient(y, p)
    for out in (np.full(p.shape, np.nan), np.full((4, 3, 10), np.nan).T, np.full((20, 3, 4), np.nan)[::2]):
        assert EACH.gradient(y, p, out=out) is out and np.array_equal(out, wanted)
    moved = p.copy()
    assert EACH.value_and_gradient(y, moved, out=moved)[1] is moved and np.array_equal(moved, wanted)
    frozen = np.zeros(p.shape)
    frozen.flags.writeable = False
    for out, error, text in [(np.zeros(p.shape, np.float32), TypeError, "out must be an ndarray of float64, got float32"),
                             ([0.0], TypeError, "out must be .* got list"), (frozen, ValueError, "out must be writeable"),
                             (np.zeros((10, 3)), ValueError, r"out must have the shape of p, \(10, 3, 4\), got \(10, 3\)")]:
        with pytest.raises(error, match=text):
            EACH.gradient(y, p, out=out)


ONE = np.zeros((4, 2, 3))   # frames, samples, classes


def with_score(value, *place):
    p = ONE.copy()
    p[place] = value
    return p


BAD = [
    (([[1, 2], [1, 0]], ONE), ValueError, "y must be a label, 0 … 2 but for the blank, 0, got 0 at index 1, 1"),
    (([[1, 3], [1, 0]], ONE), ValueError, "y must be a label, 0 … 2 but for the blank, 0, got 3 at index 0, 1"),
    (([[1, 2], [-1, 2]], ONE), ValueError, "y must be a label, .* got -1 at index 1, 0"),
    (([1, 2, 5], ONE, None, [1, 2]), ValueError, "y must be a label, .* got 5 at index 2"),
    (([[1, 2 ** 40], [1, 1]], ONE), ValueError, f"y must be a label, .* got {2 ** 40} at index 0, 1"),
    (([[1.0, 2.0], [1.0, 2.0]], ONE), TypeError, "y must hold integers, got dtype float64"),
    (([["a"], ["b"]], ONE), TypeError, "y must hold integers, got dtype <U1"),
    (([[True], [True]], ONE), TypeError, "y must hold integers, got dtype bool"),
    (([[1, 2], [1]], ONE), ValueError, "y: .*inhomogeneous"),
    (([[1, 2]], ONE), ValueError, r"y must have shape \(2, S\), a row for each sample of p, or one dimension, got \(1, 2\)"),
    ((1, ONE), ValueError, r"y must have shape \(2, S\).* got \(\)"),
    (([[[1]], [[1]]], ONE), ValueError, r"y must have shape \(2, S\).* got \(2, 1, 1\)"),
    (([1, 2], ONE), ValueError, "target_lengths must be given where y has one dimension, the labels of all samples, got None"),
    (([1, 2], ONE, None, [2, 1]), ValueError, "y must hold as many labels as target_lengths add up to, 3, got 2"),
    (([[1], [2]], np.zeros((4, 2))), ValueError, r"p must have shape \(T, N, C\), at least one .* got \(4, 2\)"),
    (([[1], [2]], np.zeros((0, 2, 3))), ValueError, r"p must have shape \(T, N, C\), at least one .* got \(0, 2, 3\)"),
    ((np.zeros((0, 1), int), np.zeros((4, 0, 3))), ValueError, r"p must have shape .* got \(4, 0, 3\)"),
    (([[1], [2]], np.zeros((4, 2, 0))), ValueError, r"p must have shape .* got \(4, 2, 0\)"),
    (([[1], [2]], ONE.astype(complex)), TypeError, "p must hold real numbers, got dtype complex128"),
    (([[1], [2]], with_score(np.nan, 3, 1, 2)), ValueError, "p must be finite, raw scores, got nan at index 3, 1, 2"),
    (([[1], [2]], with_score(np.inf, 0, 0, 0)), ValueError, "p must be finite, raw scores, got inf at index 0, 0, 0"),
    (([[1], [2]], with_score(-np.inf, 2, 0, 1)), ValueError, "p must be finite, raw scores, got -inf at index 2, 0, 1"),
    (([[1], [2]], ONE, [4, 5]), ValueError, "input_lengths must be between 0 and 4, the frames of p, got 5 at index 1"),
    (([[1], [2]], ONE, [-1, 4]), ValueError, "input_lengths must be between 0 and 4, the frames of p, got -1 at index 0"),
    (([[1], [2]], ONE, [4]), ValueError, r"input_lengths must have shape \(2,\), a length for each sample of p, got \(1,\)"),
    (([[1], [2]], ONE, 4), ValueError, r"input_lengths must have shape \(2,\).* got \(\)"),
    (([[1], [2]], ONE, [4.0, 4.0]), TypeError, "input_lengths must hold integers, got dtype float64"),
    (([[1], [2]], ONE, None, [1, 2]), ValueError, "target_lengths must be between 0 and 1, the columns of y, got 2 at index 1"),
    (([[1], [2]], ONE, None, [1, -2]), ValueError, "target_lengths must be between 0 and 1, the columns of y, got -2 at index 1"),
    (([1, 2], ONE, None, [3, -1]), ValueError, "target_lengths must be between 0 and 2, the length of y, got 3 at index 0"),
    (([[1], [2]], ONE, None, [[1], [1]]), ValueError, r"target_lengths must have shape \(2,\).* got \(2, 1\)"),
    (([[1], [2]], ONE, None, ["1", "1"]), TypeError, "target_lengths must hold integers, got dtype <U1"),
]


@pytest.mark.parametrize("arguments, error, text", BAD)
@pytest.mark.parametrize("method", ["value", "gradient", "value_and_gradient"])
def test_arrays_are_refused_by_name(method, arguments, error, text):
    with pytest.raises(error, match=text):
        getattr(losses.CTC(), method)(*arguments)


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.CTC(blank=-1), ValueError, "blank must be an integer from 0 to .*, got -1"),
    (lambda: losses.CTC(blank=0.5), TypeError, "blank must be an integer.*, got 0.5"),
    (lambda: losses.CTC(blank=3).value([[1], [2]], ONE), ValueError, "blank must be a class of p, 0 … 2, got 3"),
    (lambda: losses.CTC(blank=3).decode(ONE), ValueError, "blank must be a class of p, 0 … 2, got 3"),
    (lambda: losses.CTC(zero_infinity=2), TypeError, "zero_infinity must be .*, got 2"),
    (lambda: losses.CTC(reduction="meen"), ValueError, "reduction must be one of 'mean', 'sum', 'none', got 'meen': did you mean 'mean'"),
    (lambda: losses.CTC(reduction=None), TypeError, "reduction must be one of .*, got None"),
    (lambda: losses.CTC().decode(ONE, beam=0), ValueError, "beam must be an integer from 1 to .*, got 0"),
    (lambda: losses.CTC().decode(ONE, beam=2.5), TypeError, "beam must be an integer.*, got 2.5"),
    (lambda: losses.CTC().decode(ONE, return_scores="yes"), TypeError, "return_scores must be .*, got 'yes'"),
    (lambda: losses.CTC().decode(ONE, [5, 4]), ValueError, "input_lengths must be between 0 and 4, the frames of p, got 5 at index 0"),
    (lambda: losses.CTC().decode(with_score(np.nan, 1, 1, 1)), ValueError, "p must be finite, raw scores, got nan at index 1, 1, 1"),
    (lambda: losses.CTC().decode(with_score(np.inf, 1, 1, 1), beam=2), ValueError, "p must be finite, .* got inf at index 1, 1, 1"),
    (lambda: losses.get(losses.CTC()), TypeError, "name must be a string or, without parameters, a Loss"),
    (lambda: fo.LinearObjective(np.eye(2), [0, 1], "ctc"), ValueError, "ctc is a loss with arguments of its own"),
    (lambda: fo.LinearObjective(np.eye(2), [0, 1], losses.CTC()), TypeError, "name must be a string or, without parameters, a Loss"),
    (lambda: SGDClassifier(loss="ctc").fit([[0.0], [1.0]], [0, 1]), ValueError, "loss.* must be one of"),
    (lambda: GeneralizedLinearEstimator("ctc").fit([[0.0], [1.0]], [0, 1]), ValueError, "loss.* must be"),
])
def test_parameters_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_it_is_a_value_like_other_losses():
    loss = losses.CTC(2, True, "sum")
    assert loss == losses.CTC(blank=2, zero_infinity=True, reduction="sum") == pickle.loads(pickle.dumps(loss)) == copy.deepcopy(loss)
    assert loss == eval(repr(loss), vars(losses)) and len({loss, losses.CTC(2, True, "sum"), losses.CTC()}) == 2
    assert loss.params == {"blank": 2, "zero_infinity": True, "reduction": "sum"}
    assert "ctc" not in losses.names() + losses.names(couples_outputs=True) and not isinstance(loss, losses.Loss)
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.blank = 1


# ---- decoding ----

@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("frames, classes", [(1, 1), (1, 3), (2, 2), (3, 3), (4, 4), (5, 3)])
def test_a_search_that_keeps_all_prefixes_finds_the_most_probable_labels(isa, frames, classes, dtype):
    for blank in range(classes):
        p = batch(frames, 20, classes, 0, scale=1.0, dtype=dtype, seed=blank)[1]
        loss = losses.CTC(blank=blank, reduction="none")
        labels, scores = loss.decode(p, beam=classes ** frames, return_scores=True)
        for n in range(20):
            every = reference.probabilities(p[:, n], blank)
            best = max(every, key=every.get)
            assert tuple(labels[n]) == best and labels[n].dtype == np.int64
            assert scores[n] == pytest.approx(np.log(every[best]), rel=1e-5, abs=1e-5)


def test_the_labels_of_the_best_alignment(isa):
    p = batch(12, 9, 4, 0)[1]
    lengths = np.arange(9) + 2
    labels, scores = losses.CTC(blank=2).decode(p, lengths, return_scores=True)
    log_share = p - np.log(np.exp(p).sum(axis=2, keepdims=True))
    for n, (found, length) in enumerate(zip(labels, lengths)):
        assert tuple(found) == reference.collapsed(p[:length, n].argmax(axis=1), 2)
        assert scores[n] == pytest.approx(log_share[:length, n].max(axis=1).sum(), rel=1e-12)
    assert all(map(np.array_equal, labels, losses.CTC(blank=2).decode(p, lengths)))


def test_a_narrow_search_never_says_more_than_there_is():
    p = batch(40, 3, 6, 0, scale=1.0)[1]
    best = np.full(3, -np.inf)
    for beam in (1, 2, 5, 50, 500):
        labels, scores = losses.CTC().decode(p, beam=beam, return_scores=True)
        value = [EACH.value([found], p[:, n:n + 1])[0] for n, found in enumerate(labels)]
        assert (scores <= -np.array(value) + 1e-9).all()
        best = np.maximum(best, scores)
    assert np.array_equal(best, scores)   # here the widest finds the most
    assert losses.CTC().decode(p, [0, 0, 0], beam=3)[0].size == 0
