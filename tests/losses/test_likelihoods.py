"""Likelihoods whose scale and shape are learnt: values against SciPy and mpmath, gradients, extremes, invariances, arguments."""
import copy
import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt import losses
from fastopt._core.tables import LIKELIHOOD_NAMES
from fastopt.losses import _likelihood_base
from reference import likelihoods as reference
from reference.differences import central

ROOT = Path(__file__).parents[2]
CLASSES = [losses.GaussianNLL, losses.LaplaceNLL, losses.StudentTNLL, losses.NegativeBinomialNLL, losses.AdaptiveRobust]
EACH = [kind(reduction="none") for kind in CLASSES]
NAMES = {loss.name: 2 if isinstance(loss, losses.ShapedLoss) else 1 for loss in EACH}   # how many are learnt beside p


def sample(loss, shape=(50,), dtype=np.float64, seed=0, size=1.0):
    """Targets, predictions, and what is learnt of each sample."""
    rng = np.random.default_rng(seed)
    p = rng.normal(0, size, shape)
    y = rng.poisson(np.exp(np.clip(p, -2, 2))) if loss.name == "negative_binomial_nll" else p + rng.standard_t(2, shape)
    return [np.asarray(a, dtype) for a in (y, p, *(rng.normal(0, size, shape) for _ in range(NAMES[loss.name])))]


def constant(loss):
    return np.log(2 * np.pi) / 2 if loss.name == "gaussian_nll" and not loss.full else 0.0


def test_each_kernel_has_a_class():
    assert [kind._kind for kind in (*CLASSES, losses.NLL)] == list(range(len(LIKELIHOOD_NAMES)))
    assert set(reference.EXACT) == set(NAMES)


@pytest.mark.parametrize("loss", [*(loss for loss in EACH if loss.name in reference.SCIPY), losses.GaussianNLL(True, "none")], ids=repr)
def test_values_are_those_of_scipy(loss, isa):
    for size in (0.3, 1.0, 2.0):
        y, *learnt = sample(loss, (500,), size=size)
        wanted = reference.SCIPY[loss.name](y, *learnt) - constant(loss)
        np.testing.assert_allclose(loss.value(y, *learnt), wanted, rtol=1e-12, atol=2e-12)
        np.testing.assert_allclose(type(loss)(**{**loss.params, "reduction": "sum"}).value(y, *learnt), wanted.sum(), rtol=1e-12)


#: targets and what is learnt, near and far
FAR = {"gaussian_nll": [(0, 1e-8, 0), (3, 3, -140), (0, 1e5, 5), (0, 1, -20), (1e10, 0, 30), (0, 1, 140)],
       "laplace_nll": [(0, 1e-8, 0), (3, 2, -140), (0, 1e5, 5), (0, 1, -20), (1e10, 0, 30), (0, 1, 140)],
       "student_t_nll": [(0, 1, 0, 30), (0, 2, 1, 100), (0, 1e-9, 0, -30), (0, 1e100, 0, 2), (1, 5, -3, 4.2), (0, 1e-5, 10, 7), (0, 3, 0, -2)],
       "negative_binomial_nll": [(0, 0, 0), (5, 1, -20), (5, 1, -40), (3, 2, 20), (0, -50, 1), (1000, 7, -3), (1e6, 13, 0.5), (7, 2, 2.08),
                                 (8, 2, -2.08), (0, 40, -5), (2, 100, 1)],
       "adaptive_robust": [(0, 1, 0, 0), (0, 1e-6, 0, 3), (0, 100, 0, -10), (0, 50, 1, 10), (0, 3, 0, 25), (0, 3, 0, -25), (0, 1e6, -2, 1),
                           (2, 1, 0.5, -0.3), (0, 1e100, 0, -5), (0, 1.0, 0, 8.01), (0, 0, 0, -33), (0, 2, 0, 45)]}


@pytest.mark.parametrize("name", FAR)
def test_exact_values_near_and_far(name, isa):
    loss = next(loss for loss in EACH if loss.name == name)
    for y, *learnt in FAR[name]:
        wanted, slopes = reference.exact(name, y, *learnt, digits=30 if name == "adaptive_robust" else 120)
        value, gradient = loss.value_and_gradient([y], [learnt[0]], *([x] for x in learnt[1:]))
        terms = (1 + y) * (1 + abs(np.log(1 + y)) + abs(learnt[0])) if name == "negative_binomial_nll" else 1 + abs(learnt[1])
        assert value[0] + constant(loss) == pytest.approx(wanted, rel=2e-13, abs=2e-14 * terms), (y, learnt)
        for got, slope in zip(gradient, slopes):
            assert got[0] == pytest.approx(slope, rel=2e-9 if name == "adaptive_robust" else 1e-11, abs=1e-10 + 1e-14 * (1 + y)), (y, learnt)


@pytest.mark.parametrize("loss", EACH, ids=repr)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_are_differences_of_values(loss, reduction):
    loss = type(loss)(reduction=reduction)
    y, *learnt = sample(loss, (4, 3))
    w = np.random.default_rng(1).random(y.shape)
    value, gradients = loss.value_and_gradient(y, *learnt, sample_weight=w)
    assert np.array_equal(value, loss.value(y, *learnt, sample_weight=w))
    assert all(map(np.array_equal, gradients, loss.gradient(y, *learnt, sample_weight=w)))
    for i, gradient in enumerate(gradients):
        def total(x, i=i):
            return np.sum(loss.value(y, *learnt[:i], x, *learnt[i + 1:], sample_weight=w))
        np.testing.assert_allclose(gradient, central(total, learnt[i], 1e-5), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("loss", EACH, ids=repr)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (4, 1), (1, 3), (1, 1), (4, 3)])
def test_scales_and_shapes_are_spread_like_arrays_of_numpy(loss, shape):
    loss = type(loss)(reduction="sum")
    y, p, *_ = sample(loss, (4, 3))
    learnt = [np.random.default_rng(i).normal(size=shape) for i in range(NAMES[loss.name])]
    whole = [np.broadcast_to(x, p.shape) for x in learnt]
    value, gradients = loss.value_and_gradient(y, p, *learnt)
    wanted, each = loss.value_and_gradient(y, p, *whole)
    assert value == pytest.approx(wanted, rel=1e-13)
    np.testing.assert_allclose(gradients[0], each[0], rtol=1e-13)
    for got, full in zip(gradients[1:], each[1:]):
        assert got.shape == shape
        full = full.sum(axis=tuple(range(2 - len(shape))))
        for axis, size in enumerate(shape):
            full = full.sum(axis=axis, keepdims=True) if size == 1 else full
        np.testing.assert_allclose(got, full, rtol=1e-11, atol=1e-12)


def test_the_table_is_what_its_script_writes_and_the_integral():
    spec = importlib.util.spec_from_file_location("make_robust_table", ROOT / "csrc" / "likelihoods" / "make_robust_table.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    header = (ROOT / "csrc" / "likelihoods" / "robust_table.h").read_text(encoding="utf-8")
    numbers = np.array(header[header.index("= {") + 3:].translate(str.maketrans("{},;", "    ")).split("#")[0].split(), float)
    np.testing.assert_allclose(numbers.reshape(-1, script.COEFFICIENTS), script.rows(), rtol=0, atol=2e-12)
    assert header.startswith(script.HEAD % (script.FIRST, script.LAST - script.FIRST, script.COEFFICIENTS))
    robust = losses.AdaptiveRobust()
    for latent in (-40.0, -31.99, -20.5, -9.0, -3.3, -1.0, -0.01, 0.0, 0.7, 1.9999, 2.0001, 5.5, 11.0, 21.25, 37.99, 45.0):
        assert robust.value([0.0], [0.0], 0.0, latent) == pytest.approx(float(reference.log_z(latent)), abs=1e-13)
        slope = robust.gradient([0.0], [0.0], 0.0, latent)[2]
        step = 1e-5
        assert slope == pytest.approx(float(reference.log_z(latent + step) - reference.log_z(latent - step)) / (2 * step), abs=1e-9)


def test_alpha_goes_from_0_to_2():
    robust = losses.AdaptiveRobust(reduction="none")
    np.testing.assert_allclose(robust.alpha([-1000.0, 0.0, 1000.0]), [0, 1, 2])
    assert isinstance(robust.alpha(1.0), float)
    z = np.linspace(-3, 3, 7)
    np.testing.assert_allclose(robust.value(0 * z, z, 0.0, 800.0), z**2 / 2 + np.log(2 * np.pi) / 2, rtol=1e-12)
    np.testing.assert_allclose(robust.value(0 * z, z, 0.0, -800.0), np.log1p(z**2 / 2) + np.log(np.pi * 2**0.5), rtol=1e-12)
    robust = losses.AdaptiveRobust()
    for latent in (-1.2, 0.4, 3.0):   # it is GeneralRobust and the normalizer
        wanted = losses.GeneralRobust(robust.alpha(latent), np.exp(0.3)).value(0 * z, z) + 0.3 + float(reference.log_z(latent))
        assert robust.value(0 * z, z, 0.3, latent) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_float32_is_near_float64(loss, isa):
    y, *learnt = sample(loss, (300,), np.float32)
    value, gradients = loss.value_and_gradient(y, *learnt)
    wide, exact = loss.value_and_gradient(*(a.astype(float) for a in (y, *learnt)))
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, wide, rtol=1e-5, atol=1e-5)
    for got, wanted in zip(gradients, exact):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5 * (1 + np.abs(wanted).max()) ** 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_whatever_is_learnt_may_be_anything(loss, dtype, isa):
    """No nan, whatever an optimizer makes of it: scales are cut at exp(±150), exp(±30) in float32."""
    far = np.array([-1e30, -800.0, -90.0, 0.0, 90.0, 800.0, 1e30], dtype)
    y, s, shape = (a.ravel() for a in np.meshgrid([0.0, 2.0], far, far))
    learnt = (s, shape)[:NAMES[loss.name]]
    with np.errstate(over="ignore"):
        value, gradients = loss.value_and_gradient(y.astype(dtype), np.zeros(len(y), dtype), *(a.astype(dtype) for a in learnt))
    assert not np.isnan(value).any() and not any(np.isnan(g).any() for g in gradients)


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_what_changes_nothing(loss):
    mean = type(loss)()
    y, *learnt = sample(loss, (9,))
    order = np.random.default_rng(1).permutation(9)
    value, gradients = mean.value_and_gradient(y, *learnt)
    again, others = mean.value_and_gradient(y[order], *(x[order] for x in learnt))
    assert again == pytest.approx(value, rel=1e-13)
    for got, wanted in zip(others, gradients):
        np.testing.assert_allclose(got, wanted[order], rtol=1e-13)
    twice = np.append(np.arange(9), 0)
    doubled = mean.value(y[twice], *(x[twice] for x in learnt))
    assert mean.value(y, *learnt, sample_weight=1 + (np.arange(9) == 0)) == pytest.approx(doubled, rel=1e-13)
    absent = mean.value_and_gradient(y, *learnt, sample_weight=(np.arange(9) > 2))
    fewer = mean.value_and_gradient(y[3:], *(x[3:] for x in learnt))
    assert absent[0] == pytest.approx(fewer[0], rel=1e-13)
    for got, wanted in zip(absent[1], fewer[1]):
        np.testing.assert_allclose(got[3:], wanted, rtol=1e-12)
        assert not got[:3].any()
    none, total = type(loss)(reduction="none"), type(loss)(reduction="sum")
    w = np.arange(9.0)
    assert none.value(y, *learnt, sample_weight=w).sum() == pytest.approx(total.value(y, *learnt, sample_weight=w), rel=1e-13)
    assert all(map(np.array_equal, none.gradient(y, *learnt, sample_weight=w), total.gradient(y, *learnt, sample_weight=w)))


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_any_number_of_threads_gives_the_same_bits(loss, isa, monkeypatch):
    y, *learnt = sample(loss, (20 * 4096 + 5,), np.float32)
    for few in ([], [np.float32(0.5)] * NAMES[loss.name]):
        found = []
        for threads in (1, 2, 5):
            monkeypatch.setattr(_likelihood_base, "resolve_threads", lambda: threads)
            found.append(type(loss)().value_and_gradient(y, learnt[0], *(few or learnt[1:])))
        for value, gradients in found[1:]:
            assert value == found[0][0] and all(map(np.array_equal, gradients, found[0][1]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_instruction_sets_and_places_agree_to_the_bit(loss, dtype, fused_isas):
    data = sample(loss, (700,), dtype)
    found = []
    for name in fused_isas:
        fo.set_isa(name)
        found.append(loss.value_and_gradient(*data))
        value, gradients = loss.value_and_gradient(*(a[5:18] for a in data))
        assert np.array_equal(value, found[0][0][5:18]) and all(np.array_equal(g, full[5:18]) for g, full in zip(gradients, found[0][1]))
    for value, gradients in found[1:]:
        assert np.array_equal(value, found[0][0]) and all(map(np.array_equal, gradients, found[0][1]))


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_any_order_and_type(loss):
    data = sample(loss, (6, 4))
    value, gradients = loss.value_and_gradient(*data)
    for view in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], np.ndarray.tolist, lambda a: a.astype(a.dtype.newbyteorder())):
        again, others = loss.value_and_gradient(*map(view, data))
        assert np.array_equal(again, value) and all(map(np.array_equal, others, gradients))
    for a in data:
        a.flags.writeable = False
    assert np.array_equal(loss.value(*data), value)


@pytest.mark.parametrize("arguments, error, text", [
    (([1.0], [1.0, 2.0], 0.0), ValueError, r"y must have the shape of p, \(2,\), got \(1,\)"),
    (([], [], 0.0), ValueError, "p must hold at least one prediction"),
    ((["a"], [1.0], 0.0), TypeError, "y must hold real numbers"),
    (([1.0, 2.0], [1.0, np.nan], 0.0), ValueError, "p must be finite, got nan at index 1"),
    (([1.0, np.inf], [1.0, 2.0], 0.0), ValueError, "y must be finite.*, got inf at index 1"),
    (([1.0, 2.0], [1.0, 2.0], [0.0, -np.inf]), ValueError, "log_scale must be finite, got -inf at index 1"),
    (([1.0, 2.0], [1.0, 2.0], np.nan), ValueError, "log_scale must be finite, got nan"),
    (([1.0, 2.0], [1.0, 2.0], [0.0] * 3), ValueError, r"log_scale must be a number or have a shape that broadcasts to that of p, \(2,\), got \(3,\)"),
    (([1.0, 2.0], [1.0, 2.0], [[0.0, 0.0]]), ValueError, "log_scale must be a number or have a shape that broadcasts"),
])
@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_arrays_are_refused_by_name(loss, arguments, error, text):
    more = {"shape": 0.0} if NAMES[loss.name] == 2 else {}
    for method in (loss.value, loss.gradient, loss.value_and_gradient):
        with pytest.raises(error, match=text):
            method(*arguments, **more)


@pytest.mark.parametrize("call, error, text", [
    (lambda: losses.NegativeBinomialNLL().value([-1.0], [0.0], 0.0), ValueError, "y must be finite and at least 0, got -1.0 at index 0"),
    (lambda: losses.StudentTNLL().value([1.0], [0.0], 0.0, [np.inf]), ValueError, "shape must be finite, got inf at index 0"),
    (lambda: losses.GaussianNLL().value([1.0], [0.0], 0.0, sample_weight=[-1.0]), ValueError, "sample_weight must be .* at least 0, got -1.0"),
    (lambda: losses.GaussianNLL().value([1.0], [0.0], 0.0, sample_weight=[0.0]), ValueError, "sample_weight must not be all 0"),
    (lambda: losses.GaussianNLL().value([1.0], [0.0], 0.0, sample_weight=[1.0, 2.0]), ValueError, r"sample_weight must have shape \(1,\)"),
    (lambda: losses.GaussianNLL(full=1.5), TypeError, "full must be"),
    (lambda: losses.LaplaceNLL("avg"), ValueError, "reduction must be one of 'mean', 'sum', 'none', got 'avg'"),
])
def test_arguments_are_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("loss", EACH, ids=repr)
def test_they_are_values_with_names(loss):
    assert pickle.loads(pickle.dumps(loss)) == loss == copy.deepcopy(loss) == eval(repr(loss), vars(losses))
    assert loss != type(loss)() and loss.name not in losses.names() and len({loss, copy.deepcopy(loss)}) == 1
    with pytest.raises(AttributeError, match="cannot be changed"):
        loss.reduction = "sum"
