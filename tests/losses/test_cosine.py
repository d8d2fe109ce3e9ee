"""The cosine of rows: values against NumPy, gradients against differences, extremes, invariances, arguments."""
import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt.losses._pairs import _embeddings
from reference.differences import central

EACH = losses.CosineSimilarity("none")


def vectors(*shape, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=shape)
    return y, 0.5 * y + rng.normal(size=shape)


def plain(y, p):
    return -(y * p).sum(axis=-1) / np.linalg.norm(y, axis=-1) / np.linalg.norm(p, axis=-1)


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 1), (4, 7), (2, 3, 8), (9, 33), (700, 20)])
def test_values_are_those_of_the_formula(shape, isa):
    y, p = vectors(*shape)
    value = EACH.value(y, p)
    assert value.shape == shape[:-1]
    np.testing.assert_allclose(value, plain(y, p), rtol=1e-13)
    assert losses.CosineSimilarity().value(y, p) == pytest.approx(plain(y, p).mean(), rel=1e-13)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_are_differences_of_values(reduction):
    (y, p), loss, w = vectors(5, 6), losses.CosineSimilarity(reduction), np.random.default_rng(1).random(5)
    value, gradients = loss.value_and_gradient(y, p, w)
    assert np.array_equal(value, loss.value(y, p, w)) and all(map(np.array_equal, gradients, loss.gradient(y, p, w)))
    np.testing.assert_allclose(gradients[0], central(lambda x: np.sum(loss.value(x, p, w)), y), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(gradients[1], central(lambda x: np.sum(loss.value(y, x, w)), p), rtol=1e-6, atol=1e-9)
    shares = w / w.sum() if reduction == "mean" else w
    np.testing.assert_allclose(value, shares * plain(y, p) if reduction == "none" else shares @ plain(y, p), rtol=1e-12)


def test_neither_large_nor_small_vectors_overflow(isa):
    y, p = vectors(4, 9)
    value, gradients = EACH.value_and_gradient(y, p)
    for size in (1e-300, 1e-150, 1e150, 1e300):
        found, slopes = EACH.value_and_gradient(size * y, p)
        np.testing.assert_allclose(found, value, rtol=1e-13)
        np.testing.assert_allclose(slopes[1], gradients[1], rtol=1e-11)
        np.testing.assert_allclose(slopes[0] * size, gradients[0], rtol=1e-11)
    for size in (np.float32(1e-38), np.float32(1e37)):
        np.testing.assert_allclose(EACH.value(size * y.astype(np.float32), p.astype(np.float32)), value, rtol=1e-5)


def test_zeros_have_no_direction():
    y, p = vectors(3, 4)
    y[0], p[1] = 0, 0
    value, (in_y, in_p) = EACH.value_and_gradient(y, p)
    assert not value[:2].any() and not in_y[:2].any() and not in_p[:2].any() and value[2] and in_p[2].any()
    assert EACH.value(np.full((1, 3), 5e-324), np.full((1, 3), 1.0)) == pytest.approx(-1, rel=1e-14)   # the least there is has one


def test_what_changes_nothing():
    y, p = vectors(8, 5)
    mean, w, order = losses.CosineSimilarity(), np.arange(8.0), np.random.default_rng(1).permutation(8)
    value, (in_y, in_p) = mean.value_and_gradient(y, p, w)
    again, (of_y, of_p) = mean.value_and_gradient(y[order], p[order], w[order])
    assert again == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(of_p, in_p[order], rtol=1e-13)
    swapped, (of_p, of_y) = mean.value_and_gradient(p, y, w)
    assert swapped == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(of_y, in_y, rtol=1e-9, atol=1e-14)
    assert mean.value(y[1:], p[1:], w[1:]) == pytest.approx(value, rel=1e-13)
    assert mean.value(y, p, [1, 2] + [1] * 6) == pytest.approx(mean.value(y[[0, 1, 1, *range(2, 8)]], p[[0, 1, 1, *range(2, 8)]]), rel=1e-13)


def test_float32_threads_and_instruction_sets(monkeypatch):
    y, p = (x.astype(np.float32) for x in vectors(5000, 30))
    wide, exact = EACH.value_and_gradient(y.astype(float), p.astype(float))
    for isa in fo.available_isas():
        fo.set_isa(isa)
        found = []
        for threads in (1, 2, 5):
            monkeypatch.setattr(_embeddings, "resolve_threads", lambda: threads)
            found.append((*EACH.value_and_gradient(y, p), losses.CosineSimilarity().value(y, p)))
        for value, gradients, mean in found:
            assert mean == found[0][2] and np.array_equal(value, found[0][0]) and all(map(np.array_equal, gradients, found[0][1]))
        np.testing.assert_allclose(found[0][0], wide, atol=1e-6)
        for got, wanted in zip(found[0][1], exact):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, wanted, atol=1e-6 * np.abs(wanted).max())


def test_any_order_and_type():
    y, p = vectors(6, 4)
    value, gradients = EACH.value_and_gradient(y, p)
    for view in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], np.ndarray.tolist):
        again, others = EACH.value_and_gradient(view(y), view(p))
        assert np.array_equal(again, value) and all(map(np.array_equal, others, gradients))
    y.flags.writeable = p.flags.writeable = False
    assert np.array_equal(EACH.value(y, p), value)


@pytest.mark.parametrize("call, error, text", [
    (lambda: EACH.value(1.0, 1.0), ValueError, r"p must have shape \(…, d\)"),
    (lambda: EACH.value(np.ones((2, 0)), np.ones((2, 0))), ValueError, "p must have shape"),
    (lambda: EACH.value(np.ones((2, 3)), np.ones((3, 3))), ValueError, r"y must have the shape of p, \(3, 3\), got \(2, 3\)"),
    (lambda: EACH.value([[1.0]], [[np.nan]]), ValueError, "p must be finite, got nan at index 0, 0"),
    (lambda: EACH.value([[np.inf]], [[1.0]]), ValueError, "y must be finite, got inf at index 0, 0"),
    (lambda: EACH.value([["a"]], [[1.0]]), TypeError, "y must hold real numbers"),
    (lambda: EACH.value([[1.0]], [[1.0]], [1.0, 2.0]), ValueError, r"sample_weight must have shape \(1,\)"),
    (lambda: EACH.value([[1.0]], [[1.0]], [-1.0]), ValueError, "sample_weight must be finite and at least 0"),
    (lambda: losses.CosineSimilarity().value([[1.0]], [[1.0]], [0.0]), ValueError, "sample_weight must not be all 0"),
    (lambda: losses.CosineSimilarity("all"), ValueError, "reduction must be one of"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_it_is_a_value_with_a_name():
    assert pickle.loads(pickle.dumps(EACH)) == EACH == copy.deepcopy(EACH) == eval(repr(EACH), vars(losses))
    assert EACH.name not in losses.names() and losses.CosineSimilarity() != EACH
