"""Losses of pairs of embeddings: values and gradients against plain NumPy and central differences, what changes nothing, arguments."""
import copy
import pickle

import numpy as np
import pytest
import scipy.special

from fastopt import losses
from fastopt._core import tables as _core
from reference.differences import central


def cosines(a, b, normalize):
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) if normalize else x for x in (a, b)]
    return unit[0] @ unit[1].T


def info_nce(a, b, temperature, normalize, symmetric=True):
    s, i = cosines(a, b, normalize) / temperature, np.arange(len(a))
    found = [-scipy.special.log_softmax(each, axis=1)[i, i].mean() for each in ((s, s.T) if symmetric else (s,))]
    return np.mean(found)


def nt_xent(a, b, temperature, normalize):
    n, z = len(a), np.concatenate([a, b])
    s = cosines(z, z, normalize) / temperature
    return np.mean([np.log(sum(np.exp(s[i, j]) for j in range(2 * n) if j != i)) - s[i, (i + n) % (2 * n)] for i in range(2 * n)])


def siglip(a, b, temperature, normalize, bias=-10.0):
    s = cosines(a, b, normalize) / temperature + bias
    return np.logaddexp(0, -np.where(np.eye(len(a)), 1, -1) * s).sum() / len(a)


CASES = [(losses.InfoNCE(0.2), info_nce), (losses.InfoNCE(0.5, symmetric=False), info_nce), (losses.InfoNCE(2.0, normalize=False), info_nce),
         (losses.NTXent(), nt_xent), (losses.NTXent(0.1), nt_xent), (losses.NTXent(3.0, normalize=False), nt_xent),
         (losses.SigLIP(), siglip), (losses.SigLIP(0.5, bias=-1.0), siglip), (losses.SigLIP(2.0, bias=0.5, normalize=False), siglip)]
EACH = [losses.InfoNCE(), losses.NTXent(), losses.SigLIP()]


def embeddings(n=7, d=5, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d)) + 0.1
    return a, 0.7 * a + 0.5 * rng.normal(size=(n, d))


@pytest.mark.parametrize("n, d", [(2, 1), (2, 3), (7, 5), (40, 16)])
@pytest.mark.parametrize("loss, plain", CASES, ids=repr)
def test_values_are_those_of_the_formula(loss, plain, n, d, isa):
    a, b = embeddings(n, d)
    value = loss.value(a, b)
    assert value == pytest.approx(plain(a, b, **loss.params), rel=1e-12)
    assert loss.value_and_gradient(a, b)[0] == value
    other = loss.value(a, b, temperature=0.9)
    assert other == pytest.approx(plain(a, b, **{**loss.params, "temperature": 0.9}), rel=1e-12)


@pytest.mark.parametrize("loss, plain", CASES, ids=repr)
def test_gradients_are_derivatives_in_every_input(loss, plain):
    a, b = embeddings()
    value, (in_a, in_b, in_temperature) = loss.value_and_gradient(a, b, temperature=0.7)
    params = {**loss.params, "temperature": 0.7}
    np.testing.assert_allclose(in_a, central(lambda x: plain(x, b, **params), a), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(in_b, central(lambda x: plain(a, x, **params), b), rtol=1e-6, atol=1e-9)
    wanted = central(lambda t: plain(a, b, **{**params, "temperature": float(t)}), np.array(0.7))
    assert in_temperature == pytest.approx(float(wanted), rel=1e-6)
    for got, wanted in zip(loss.gradient(a, b, temperature=0.7), (in_a, in_b, in_temperature)):
        np.testing.assert_array_equal(got, wanted)
    assert len(loss.gradient(a, b)) == 2


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_what_changes_nothing(loss):
    a, b = embeddings(9)
    value, (in_a, in_b) = loss.value_and_gradient(a, b)
    order = np.random.default_rng(1).permutation(9)
    again, (of_a, of_b) = loss.value_and_gradient(a[order], b[order])
    assert again == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(of_a, in_a[order], rtol=1e-9, atol=1e-12)
    swapped, (of_b, of_a) = loss.value_and_gradient(b, a)
    assert swapped == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(of_a, in_a, rtol=1e-9, atol=1e-12)
    assert loss.value(a * 1e3, b * np.arange(1, 10)[:, None]) == pytest.approx(value, rel=1e-12)   # on the sphere
    np.testing.assert_allclose((in_a * a).sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_float32_is_near_float64(loss):
    a, b = (x.astype(np.float32) for x in embeddings(60, 32))
    value, gradients = loss.value_and_gradient(a, b)
    wide, exact = loss.value_and_gradient(a.astype(float), b.astype(float))
    assert value == pytest.approx(wide, rel=1e-5)
    for got, wanted in zip(gradients, exact):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_inputs_of_any_order_and_type_are_left_as_they_are(loss):
    a, b = embeddings()
    value, gradients = loss.value_and_gradient(a, b)
    before = a.copy(), b.copy()
    for view in (np.asfortranarray, lambda x: np.repeat(x, 2, axis=0)[::2], np.ndarray.tolist):
        again, others = loss.value_and_gradient(view(a), view(b))
        assert again == value and all(np.array_equal(x, y) for x, y in zip(gradients, others))
    a.flags.writeable = b.flags.writeable = False
    assert loss.value(a, b) == value
    np.testing.assert_array_equal((a, b), before)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_extremes_are_finite(loss):
    a, b = embeddings()
    a[2] = 0   # no direction
    for factor in (1.0, 1e100, 1e-100):
        value, (in_a, in_b) = loss.value_and_gradient(a * factor, b, temperature=1e-3)[0], loss.gradient(a * factor, b)
        assert np.isfinite(value) and np.isfinite(in_a).all() and np.isfinite(in_b).all() and not in_a[2].any()


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_they_are_values_with_names(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss.name not in losses.names() and len({loss, copy.deepcopy(loss)}) == 1
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.temperature = 2.0


@pytest.mark.parametrize("a, b, more, error, text", [
    (np.ones(3), np.ones(3), {}, ValueError, r"a must have shape \(n, d\), got \(3,\)"),
    (np.ones((1, 3)), np.ones((1, 3)), {}, ValueError, "a must have shape"),
    (np.ones((3, 0)), np.ones((3, 0)), {}, ValueError, "a must have shape"),
    (np.ones((3, 2)), np.ones((2, 3)), {}, ValueError, r"b must have the shape of a, \(3, 2\), got \(2, 3\)"),
    ([["x"]] * 2, np.ones((2, 1)), {}, TypeError, "a must hold real numbers"),
    ([[1.0], [np.nan]], np.ones((2, 1)), {}, ValueError, "a must be finite, got nan at index 1, 0"),
    (np.ones((2, 1)), [[np.inf], [1.0]], {}, ValueError, "b must be finite, got inf at index 0, 0"),
    (np.ones((2, 1)), np.ones((2, 1)), {"temperature": 0}, ValueError, "temperature must be a finite number above 0, got 0"),
])
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_arguments_are_refused_by_name(loss, a, b, more, error, text):
    with pytest.raises(error, match=text):
        loss.value_and_gradient(a, b, **more)


@pytest.mark.parametrize("make", [lambda: losses.InfoNCE(0), lambda: losses.NTXent(-1), lambda: losses.SigLIP(np.nan),
                                  lambda: losses.SigLIP(bias=np.inf), lambda: losses.InfoNCE(symmetric=2), lambda: losses.NTXent(normalize=None)])
def test_parameters_are_refused(make):
    with pytest.raises((TypeError, ValueError), match="must be"):
        make()


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_any_instruction_set_is_as_near(loss):
    a, b = embeddings(50, 8)
    found = []
    for isa in _core.available_isas():
        _core.set_isa(isa)
        found.append(loss.value(a, b))
    np.testing.assert_allclose(found, found[0], rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_similarities_that_overflow_are_refused(dtype):
    a = np.full((3, 4), np.sqrt(np.finfo(dtype).max), dtype)
    with pytest.raises(ValueError, match="similarities of a and b must be finite"):
        losses.InfoNCE(normalize=False).value(a, a)


@pytest.mark.parametrize("n", [2, 7, 300, 1025])
@pytest.mark.parametrize("symmetric", [True, False])
def test_many_rows_and_columns(isa, n, symmetric):
    a, b = np.random.default_rng(n).normal(size=(2, n, 5)) * 3
    similarity = a @ b.T
    rows = scipy.special.logsumexp(similarity, axis=1) - np.diagonal(similarity)
    columns = scipy.special.logsumexp(similarity, axis=0) - np.diagonal(similarity)
    slope = (scipy.special.softmax(similarity, axis=1) - np.eye(n)) / n
    if symmetric:
        slope = (slope + (scipy.special.softmax(similarity, axis=0) - np.eye(n)) / n) / 2
    loss = losses.InfoNCE(temperature=1.0, symmetric=symmetric, normalize=False)
    value, (in_a, in_b) = loss.value_and_gradient(a, b)
    np.testing.assert_allclose(value, (rows + columns).mean() / 2 if symmetric else rows.mean(), rtol=1e-12)
    np.testing.assert_allclose(in_a, slope @ b, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(in_b, slope.T @ a, rtol=1e-9, atol=1e-13)
    single = loss.value_and_gradient(a.astype(np.float32), b.astype(np.float32))
    np.testing.assert_allclose(single[0], value, rtol=1e-5)
