"""The mathematics of the losses: against mpmath, NumPy and central differences, on every instruction set."""
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize

from fastopt import losses
from fastopt._core import tables as _core
from fastopt.losses import _arrays as _losses, _base as _loss
from reference import losses as reference

CASES = [losses.get(name, **params) for name in losses.names() for params in reference.LOSS_CASES.get(name, [{}])]
ONE_EACH = [losses.get(name, **reference.LOSS_CASES.get(name, [{}])[0]) for name in losses.names()]
SIZES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 4095, 4097]
#: near and far, and where exp over- and underflows in float64 and float32
SIZES_OF_P = [0, 1e-8, 1e-3, 0.1, 0.5, 0.7, 1, 1.3, 2, 5, 10, 36, 37.5, 50, 88, 103, 300, 708.5, 709.5, 740, 1e3, 1e4]
#: rounding of an argument of exp counts for up to |argument| units
RTOL = {np.float64: 1e-12, np.float32: 3e-5}


def sample(loss, n, dtype=np.float64, seed=0):
    """Targets in the domain, and moderate predictions."""
    rng = np.random.default_rng(seed)
    return rng.choice(reference.LOSS_TARGETS[loss.target], n).astype(dtype), rng.normal(0, 2, n).astype(dtype)


def seen(loss, y):
    """y as the formulas of references see it."""
    return 2 * y - 1 if loss.target == "sign" else y


def check(loss, y, p, values, gradients, exact):
    """Within RTOL of the exact result; of the larger term for losses whose result is a difference."""
    dtype = p.dtype.type
    terms = 1 + np.abs(y) + np.abs(p) if loss.target in ("nonnegative", "positive") else 0
    for got, wanted in zip((values, gradients), exact):
        with np.errstate(over="ignore"):
            wanted = np.where(np.isinf(wanted.astype(dtype)), np.copysign(np.inf, wanted), wanted)
        finite = np.isfinite(wanted)
        np.testing.assert_array_equal(got[~finite], wanted[~finite])
        error = np.abs(got[finite] - wanted[finite])
        allowed = (RTOL[dtype] * (np.abs(wanted) + terms + np.finfo(dtype).tiny))[finite]
        worst = np.argmax(error / allowed)
        assert error[worst] <= allowed[worst], (y[finite][worst], p[finite][worst], got[finite][worst])


def test_names_are_those_of_the_c_list():
    text = (Path(__file__).parents[2] / "csrc" / "include" / "lists.h").read_text()
    block = text[text.index("#define FO_LOSSES"):text.index("#define FO_COUPLED_LOSSES")]
    listed = dict(re.findall(r"X\((\w+), (\w+)\) *\\?$", block, re.MULTILINE))
    assert list(listed) == losses.names() == list(reference.EXACT) == list(reference.PLAIN)
    assert {loss.name: loss.target for loss in ONE_EACH} == listed
    block = text[text.index("#define FO_COUPLED_LOSSES"):text.index("#define FO_OWN_LOSSES")]
    coupled = dict(re.findall(r"X\((\w+), (\w+)\) *\\?$", block, re.MULTILINE))
    assert list(coupled) == losses.names(couples_outputs=True) and {name: losses.get(name).target for name in coupled} == coupled


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", CASES, ids=repr)
@pytest.mark.repeats(3)
def test_exact_values_near_and_far(loss, dtype):
    targets = np.array(reference.LOSS_TARGETS[loss.target], dtype)
    p = np.array([sign * size for size in SIZES_OF_P for sign in (1, -1)], dtype)
    y, p = (a.ravel() for a in np.meshgrid(targets, p))
    y, p = y.copy(), p.copy()
    params = {key: value if value is None else float(dtype(value)) for key, value in loss.params.items()}
    exact = reference.exact_loss(loss.name, seen(loss, y), p, params)
    for isa in _core.available_isas():
        _core.set_isa(isa)
        # a sum of gradients over one sample at a time: nothing is divided
        gradients = np.array([loss.gradient(y[i:i + 1], p[i:i + 1])[0] for i in range(len(p))])
        check(loss, y, p, loss.pointwise(y, p), gradients, exact)


@pytest.mark.parametrize("loss", ONE_EACH, ids=repr)
def test_ties_fall_as_in_scikit_learn(loss):
    steps = np.array([-2, -1.35, -1, -0.25, -0.125, 0, 0.125, 0.25, 1, 1.35, 2])
    y, p = (a.ravel() for a in np.meshgrid(reference.LOSS_TARGETS[loss.target], steps))
    if loss.target == "real":
        p = p + y
    if loss.name in ("log_loss", "focal", "exponential", "log_cosh", "general_robust", "poisson", "gamma", "tweedie", "student_t",
                     "negative_binomial", "binary_cross_entropy", "poly", "mean_squared_log_error"):
        close = {"rtol": 1e-14, "atol": 1e-14}  # smooth: no ties, but rounding
    else:
        close = {"rtol": 0, "atol": 0}
    values, gradients = reference.PLAIN[loss.name](seen(loss, y), p, **loss.params)
    np.testing.assert_allclose(loss.pointwise(y, p), values, **close)
    np.testing.assert_allclose([loss.gradient([a], [b])[0] for a, b in zip(y, p)], gradients, **close)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ONE_EACH, ids=repr)
def test_every_size_alignment_and_isa(loss, dtype, isa):
    for n in SIZES:
        y, p = sample(loss, n + 1, dtype, seed=n)
        w = np.random.default_rng(n).uniform(0, 2, n + 1).astype(dtype)
        for start in (0, 1):  # 1: not aligned to a vector
            parts = [a[start:start + n] for a in (y, p, w)]
            for a in parts:
                a.flags.writeable = False
            values, gradients = reference.PLAIN[loss.name](*(a.astype(float) for a in (seen(loss, parts[0]), parts[1])),
                                                           **loss.params)
            w64 = parts[2].astype(float)
            rtol, atol = (1e-11, 1e-12) if dtype == np.float64 else (2e-4, 2e-5)
            value, gradient = loss.value_and_gradient(*parts)
            assert value == loss.value(*parts)
            np.testing.assert_allclose(value, np.average(values, weights=w64), rtol=rtol, atol=atol)
            np.testing.assert_allclose(gradient * w64.sum(), gradients * w64, rtol=rtol, atol=atol)
            np.testing.assert_array_equal(gradient, loss.gradient(*parts))
            np.testing.assert_allclose(loss.pointwise(*parts[:2]), values, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_results_do_not_depend_on_position(loss, dtype, isa):
    y, p = sample(loss, 4097, dtype)
    p *= 20
    np.testing.assert_array_equal(loss.pointwise(y, p)[5:18], loss.pointwise(y[5:18], p[5:18]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_results_do_not_depend_on_vector_width(loss, dtype, fused_isas):
    y, p = sample(loss, 4097, dtype)
    p *= 20
    results = []
    for isa in fused_isas:
        _core.set_isa(isa)
        results.append((loss.pointwise(y, p), *loss.value_and_gradient(y, p)))
    for result in results[1:]:
        for a, b in zip(result, results[0]):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", ONE_EACH, ids=repr)
@pytest.mark.repeats(4)
def test_same_bits_for_any_number_of_threads(loss, dtype, isa):
    y, p = sample(loss, 80 * 4096 + 5, dtype)
    w = np.random.default_rng(1).uniform(0, 2, len(p)).astype(dtype)
    results = []
    for threads in (1, 2, 3):
        gradient = np.empty_like(p)
        results.append((_losses.evaluate(loss.spec, y, p, w, 0.5, True, None, gradient, threads), gradient))
    for total, gradient in results[1:]:
        assert total == results[0][0]
        np.testing.assert_array_equal(gradient, results[0][1])


@pytest.mark.parametrize("loss", CASES, ids=repr)
def test_gradient_is_the_derivative_of_the_mean(loss):
    y, p = sample(loss, 30)
    away = 1e-3  # from kinks, which lie at multiples of 1/8 or at delta from y
    p = np.round(p * 8) / 8 + 0.0371
    w = np.random.default_rng(2).uniform(0, 2, len(p))
    step = np.minimum(1e-5, away)
    central = [(loss.value(y, p + step * e, w) - loss.value(y, p - step * e, w)) / (2 * step) for e in np.eye(len(p))]
    gradient = loss.gradient(y, p, w)
    scale = 1 + np.abs(loss.value(y, p, w))
    np.testing.assert_allclose(gradient, central, rtol=1e-6, atol=1e-9 * scale)
    error = scipy.optimize.check_grad(lambda q: loss.value(y, q, w), lambda q: loss.gradient(y, q, w), p)
    assert error < 1e-5 * scale * (1 + np.abs(gradient).max())


@pytest.mark.parametrize("loss", ONE_EACH, ids=repr)
def test_a_weight_of_two_is_a_repeated_sample(loss):
    y, p = sample(loss, 50)
    w = np.arange(50) % 3.0
    repeated = np.repeat(np.arange(50), w.astype(int))
    value, gradient = loss.value_and_gradient(y, p, w)
    again, parts = loss.value_and_gradient(y[repeated], p[repeated])
    assert value == pytest.approx(again, rel=1e-14)
    np.testing.assert_allclose(gradient, np.bincount(repeated, parts, minlength=50), rtol=1e-14)


@pytest.mark.parametrize("loss", ONE_EACH, ids=repr)
def test_public_calls_share_large_work_and_give_the_same_bits(loss, monkeypatch):
    y, p = sample(loss, 3 * _losses.PARALLEL_FROM)
    used, evaluate = [], _losses.evaluate
    monkeypatch.setattr(_losses, "evaluate", lambda *args: used.append(args[-1]) or evaluate(*args))
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(_loss, "resolve_threads", lambda threads=threads: threads)
        results.append((loss.value(y, p), *loss.value_and_gradient(y, p), loss.gradient(y, p), loss.pointwise(y, p)))
    loss.value(y[:1000], p[:1000])
    assert used == [1] * 4 + [2] * 4 + [5] * 4 + [1]
    for result in results[1:]:
        for a, b in zip(result, results[0]):
            np.testing.assert_array_equal(a, b)


def test_float32_sums_stay_accurate_over_many_samples(isa):
    p = np.full(3_000_000, 0.1, np.float32)
    assert losses.AbsoluteError().value(np.zeros_like(p), p) == pytest.approx(float(np.float32(0.1)), rel=1e-6)


@pytest.mark.parametrize("alpha", [2.0, 1.5, 1.0, 0.5, 0.0, -1.0, -np.inf])
@pytest.mark.parametrize("p", [1e30, -1e30])
def test_general_robust_where_the_square_overflows(alpha, p):
    """In float32, (1e30)² is no number, but the loss may be one."""
    value, gradient = (float(v) for v in reference.EXACT["general_robust"](0, reference.mp.mpf(float(np.float32(p))), alpha, 1.0))
    loss = losses.GeneralRobust(alpha=alpha)
    y, p = np.zeros(1, np.float32), np.array([p], np.float32)
    if value < np.finfo(np.float32).max:
        np.testing.assert_allclose(loss.pointwise(y, p)[0], value, rtol=1e-4)
    np.testing.assert_allclose(loss.gradient(y, p)[0], gradient, rtol=1e-4, atol=1e-16)
