"""Losses of images: values against NumPy and SciPy, gradients against differences, shapes, invariances, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.losses._images import _base as images_base
from reference import images as reference
from reference.differences import central

VARIATIONS = [losses.TotalVariation(isotropic, eps) for isotropic in (False, True) for eps in (0.0, 1e-6, 0.5)]
SIMILARITIES = [losses.SSIM(), losses.SSIM(255.0), losses.SSIM(window=7, sigma=0.8), losses.SSIM(2.0, window=1), losses.SSIM(window=3, sigma=5.0)]
PLANES = [losses.SSIM(reduction="none"), losses.TotalVariation(reduction="none"), losses.TotalVariation(True, reduction="none")]


def plane(shape, seed=0, scale=1.0):
    return np.random.default_rng(seed).random(shape) * scale


def call(loss, method, y, p, **more):
    return getattr(loss, method)(*((y, p) if loss.name == "ssim" else (p,)), **more)


@pytest.mark.parametrize("shape", [(11, 11), (11, 30), (17, 11), (40, 23), (33, 64)])
@pytest.mark.parametrize("loss", SIMILARITIES, ids=repr)
def test_similarity_is_that_of_filtered_images(loss, shape, isa):
    for seed, scale in ((0, 1.0), (1, 255.0)):
        y, p = plane(shape, seed, scale), plane(shape, seed + 10, scale)
        p = 0.5 * (p + y)
        wanted = reference.ssim(y, p, loss.data_range, loss.window, loss.sigma)
        assert loss.value(y, p) == pytest.approx(wanted, rel=1e-12, abs=1e-12)
        assert loss.value_and_gradient(y, p)[0] == loss.value(y, p)
        assert loss.value(y, y) == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (8, 8), (13, 37)])
@pytest.mark.parametrize("loss", VARIATIONS, ids=repr)
def test_total_variation_is_that_of_differences(loss, shape, isa):
    p = plane(shape, scale=3.0)
    assert loss.value(p) == pytest.approx(reference.total_variation(p, loss.isotropic, loss.eps), rel=1e-12, abs=1e-14)
    assert loss.value(np.full(shape, 7.0)) == 0 and not loss.gradient(np.full(shape, 7.0)).any()


@pytest.mark.parametrize("loss", [*SIMILARITIES, *VARIATIONS], ids=repr)
def test_gradients_are_differences_of_values(loss):
    y, p = plane((13, 14), 0), plane((13, 14), 1)
    gradient = call(loss, "gradient", y, p)
    np.testing.assert_allclose(gradient, central(lambda x: call(loss, "value", y, x), p, 1e-6), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("kind", [losses.SSIM, losses.TotalVariation])
def test_channels_and_images(kind, reduction):
    y, p = plane((4, 3, 12, 15), 0), plane((4, 3, 12, 15), 1)
    single, loss, w = kind(), kind(reduction=reduction), np.array([0.5, 0.0, 2.0, 1.0])
    each = np.array([np.mean([call(single, "value", y[n, c], p[n, c]) for c in range(3)]) for n in range(4)])
    slopes = np.array([[call(single, "gradient", y[n, c], p[n, c]) / 3 for c in range(3)] for n in range(4)])
    if kind is losses.TotalVariation:   # a sum over channels
        each, slopes = 3 * each, 3 * slopes
    for weight in (None, w):
        shares = np.ones(4) if weight is None else weight
        if reduction == "mean":
            shares = shares / shares.sum()
        value, gradient = call(loss, "value_and_gradient", y, p, sample_weight=weight)
        np.testing.assert_allclose(value, shares * each if reduction == "none" else shares @ each, rtol=1e-12)
        np.testing.assert_allclose(gradient, slopes * shares[:, None, None, None], rtol=1e-10, atol=1e-15)
        assert np.array_equal(gradient, call(loss, "gradient", y, p, sample_weight=weight))
    value, gradient = call(loss, "value_and_gradient", y[0], p[0])
    assert np.ravel(value) == pytest.approx(each[0], rel=1e-12) and gradient.shape == (3, 12, 15)
    np.testing.assert_allclose(gradient, slopes[0], rtol=1e-10, atol=1e-15)


def test_similarity_of_images_far_from_0():
    """Variances are no differences of squares: a mean of 1000 changes nothing of what the shapes say."""
    y, p = plane((20, 20), 0), plane((20, 20), 1)
    wanted = losses.SSIM().value(y + 1000, p + 1000)
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 2e-3)):
        found = losses.SSIM().value((y + 1000).astype(dtype), (p + 1000).astype(dtype))
        assert found == pytest.approx(wanted, abs=tolerance)
    assert wanted == pytest.approx(reference.ssim(y + 1000, p + 1000), abs=1e-9)


@pytest.mark.parametrize("loss", PLANES, ids=repr)
def test_float32_is_near_float64(loss, isa):
    y, p = plane((2, 3, 40, 50), 0).astype(np.float32), plane((2, 3, 40, 50), 1).astype(np.float32)
    value, gradient = call(loss, "value_and_gradient", y, p)
    wide, exact = call(loss, "value_and_gradient", y.astype(float), p.astype(float))
    assert value.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(value, wide, rtol=1e-5)
    np.testing.assert_allclose(gradient, exact, rtol=0, atol=2e-5 * np.abs(exact).max())


@pytest.mark.parametrize("loss", PLANES, ids=repr)
def test_turned_images_and_swapped_ones(loss):
    y, p = plane((16, 19), 0), plane((16, 19), 1)
    value, gradient = call(loss, "value_and_gradient", y, p)
    turned, slopes = call(loss, "value_and_gradient", y.T, p.T)
    assert turned == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slopes.T, gradient, rtol=1e-9, atol=1e-14)
    if loss.name == "ssim":
        assert loss.value(p, y) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("loss", PLANES, ids=repr)
def test_any_number_of_threads_gives_the_same_bits(loss, monkeypatch):
    y, p = plane((3, 2, 60, 70), 0), plane((3, 2, 60, 70), 1)
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(images_base, "resolve_threads", lambda: threads)
        found.append(call(loss, "value_and_gradient", y, p))
    assert all(np.array_equal(value, found[0][0]) and np.array_equal(gradient, found[0][1]) for value, gradient in found)


@pytest.mark.parametrize("loss", PLANES, ids=repr)
def test_instruction_sets_agree_to_the_bit(loss, fused_isas):
    y, p = plane((2, 30, 41), 0).astype(np.float32), plane((2, 30, 41), 1).astype(np.float32)
    found = []
    for name in fused_isas:
        fo.set_isa(name)
        found.append(call(loss, "value_and_gradient", y, p))
    assert all(np.array_equal(value, found[0][0]) and np.array_equal(gradient, found[0][1]) for value, gradient in found)


@pytest.mark.parametrize("loss", PLANES, ids=repr)
def test_any_order_and_type(loss):
    y, p = plane((2, 12, 13), 0), plane((2, 12, 13), 1)
    value, gradient = call(loss, "value_and_gradient", y, p)
    for view in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=2)[..., ::2], np.ndarray.tolist):
        again, slopes = call(loss, "value_and_gradient", view(y), view(p))
        assert np.array_equal(again, value) and np.array_equal(slopes, gradient)
    y.flags.writeable = p.flags.writeable = False
    assert np.array_equal(call(loss, "value", y, p), value)


def layers(n=None, seed=0):
    rng, lead = np.random.default_rng(seed), () if n is None else (n,)
    return [rng.normal(size=(*lead, c, h, w)) for c, h, w in ((3, 5, 4), (4, 2, 3), (2, 6, 6))]


WEIGHTS = [1.0, 0.0, 0.3], [0.5, 2.0, 0.0]


def test_content_and_style_are_those_of_the_paper():
    content, p, loss = layers(seed=0), layers(seed=1), losses.ContentStyle(*WEIGHTS)
    painting = [np.random.default_rng(2).normal(size=(len(each), 7, 8)) for each in p]
    grams = [loss.gram(each) for each in painting]
    np.testing.assert_allclose(grams[0], np.einsum("ihw,jhw->ij", painting[0], painting[0]) / 56, rtol=1e-13)
    value, gradients = loss.value_and_gradient(content, grams, p)
    assert value == pytest.approx(reference.content_style(content, grams, p, *WEIGHTS), rel=1e-13) == loss.value(content, grams, p)
    for i, gradient in enumerate(gradients):
        def at(x, i=i):
            return reference.content_style(content, grams, [*p[:i], x, *p[i + 1:]], *WEIGHTS)
        np.testing.assert_allclose(gradient, central(at, p[i]), rtol=1e-6, atol=1e-8)
    skipped = loss.value([content[0], None, content[2]], [*grams[:2], None], p)
    assert skipped == value
    lopsided = [gram + np.triu(np.ones_like(gram)) for gram in grams]   # any matrix may stand for a style
    wanted = central(lambda x: reference.content_style(content, lopsided, [x, *p[1:]], *WEIGHTS), p[0])
    np.testing.assert_allclose(loss.gradient(content, lopsided, p)[0], wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_content_and_style_of_several_images(reduction):
    content, p = layers(3, seed=0), layers(3, seed=1)
    one, loss, w = losses.ContentStyle(*WEIGHTS), losses.ContentStyle(*WEIGHTS, reduction), np.array([1.0, 0.0, 3.0])
    grams = [loss.gram(each) for each in layers(3, seed=2)]
    assert [gram.shape for gram in grams] == [(3, 3, 3), (3, 4, 4), (3, 2, 2)]
    each = [one.value_and_gradient([f[i] for f in content], [g[i] for g in grams], [f[i] for f in p]) for i in range(3)]
    shares = w / w.sum() if reduction == "mean" else w
    value, gradients = loss.value_and_gradient(content, grams, p, sample_weight=w)
    values = shares * [value for value, _ in each]
    np.testing.assert_allclose(value, values if reduction == "none" else values.sum(), rtol=1e-13)
    for layer, gradient in enumerate(gradients):
        np.testing.assert_allclose(gradient, [s * slopes[layer] for s, (_, slopes) in zip(shares, each)], rtol=1e-11, atol=1e-14)
    narrow = loss.value_and_gradient(*([f.astype(np.float32) for f in group] for group in (content, grams, p)), sample_weight=w)
    np.testing.assert_allclose(narrow[0], value, rtol=1e-5)
    assert all(g.dtype == np.float32 for g in narrow[1])


SQUARE = np.ones((12, 12))
BAD = SQUARE.copy()
BAD[3, 4] = np.nan


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.SSIM().value(SQUARE, np.ones((10, 12))), ValueError, r"y must have the shape of p, \(10, 12\), got \(12, 12\)"),
    (lambda: losses.SSIM().value(np.ones((10, 12)), np.ones((10, 12))), ValueError, "p must have 11 pixels along each side.*, got 10 by 12"),
    (lambda: losses.SSIM().value(SQUARE, BAD), ValueError, "p must be finite, got nan at index 0, 0, 3, 4"),
    (lambda: losses.SSIM().gradient(BAD, SQUARE), ValueError, "y must be finite, got nan"),
    (lambda: losses.SSIM().value(SQUARE, np.ones(12)), ValueError, r"p must have shape \(H, W\), .* got \(12,\)"),
    (lambda: losses.SSIM().value([["a"]], [["a"]]), TypeError, "p must hold real numbers"),
    (lambda: losses.SSIM(window=4), ValueError, "window must be odd, got 4"),
    (lambda: losses.SSIM(data_range=0), ValueError, "data_range must be"),
    (lambda: losses.SSIM(sigma=-1), ValueError, "sigma must be"),
    (lambda: losses.TotalVariation().value(BAD), ValueError, "p must be finite"),
    (lambda: losses.TotalVariation().value(np.ones((0, 3))), ValueError, "p must have shape"),
    (lambda: losses.TotalVariation().value(SQUARE, sample_weight=[1.0, 2.0]), ValueError, r"sample_weight must have shape \(1,\)"),
    (lambda: losses.TotalVariation().value(SQUARE, sample_weight=[0.0]), ValueError, "sample_weight must not be all 0"),
    (lambda: losses.TotalVariation(eps=-1), ValueError, "eps must be"),
    (lambda: losses.TotalVariation(reduction="max"), ValueError, "reduction must be one of"),
    (lambda: losses.ContentStyle([1.0], []), ValueError, "content_weights and style_weights must have as many weights.*, got 1 and 0"),
    (lambda: losses.ContentStyle([-1.0], [1.0]), ValueError, r"content_weights\[0\] must be"),
    (lambda: losses.ContentStyle([1.0], [1.0]).value([], [], []), ValueError, "content must hold 1 layers"),
    (lambda: losses.ContentStyle([1.0], [1.0]).value([None], [np.eye(1)], [[[[1.0]]]]), ValueError, r"content\[0\] must be given"),
    (lambda: losses.ContentStyle([1.0], [1.0]).value([[[[1.0]]]], [None], [[[[1.0]]]]), ValueError, r"style\[0\] must be given"),
    (lambda: losses.ContentStyle([1.0], [1.0]).value([[[[1.0]]]], [np.eye(2)], [[[[1.0]]]]), ValueError, r"style\[0\] must have shape \(1, 1\)"),
    (lambda: losses.ContentStyle([1.0], [1.0]).value([[[1.0]]], [np.eye(1)], [[[[1.0]]]]), ValueError, r"content\[0\] must have the shape of p\[0\]"),
    (lambda: losses.ContentStyle([1.0], [1.0]).value([[[[1.0]]]], [np.eye(1)], [[[[np.inf]]]]), ValueError, r"p\[0\] must be finite"),
    (lambda: losses.ContentStyle([1.0], [1.0]).gram(np.ones((3, 3))), ValueError, "features must have shape"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("loss", [*PLANES, losses.ContentStyle([1.0, 2.0], [0.0, 1.0])], ids=repr)
def test_they_are_values_with_names(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss.name not in losses.names() and len({loss, copy.deepcopy(loss)}) == 1
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.reduction = "sum"
