"""Moments in 16 and 8 bits: what they decode to, rounding without bias, resuming, threads, and what they cost in accuracy."""
import numpy as np
import pytest

import fastopt as fo
from fastopt.exceptions import InvalidParameterError

NAMES = ["adam", "adamw", "lion"]


def bfloat16(halves):
    return (halves.astype(np.uint32) << 16).view(np.float32)


def minifloat(code, fraction):
    """Numbers with 4 bits of exponent, the least of them taken off: csrc/rules/moments.h."""
    exponent, rest = code >> fraction, code & ((1 << fraction) - 1)
    return 2.0 ** (exponent - 14.0) * (1 + rest / 2.0 ** fraction)


def eight_bits(state):
    """(m, v) of the state of an optimizer with 8-bit moments."""
    scales = {name: np.repeat(state[f"{name}_scale"], 256)[:state["m"].size] for name in ("m", "v") if name in state}
    code = state["m"].ravel().astype(int)
    m = np.where(code & 128, -1, 1) * (minifloat(code & 127, 3) - 2.0 ** -14) * scales["m"]
    root = (minifloat(state["v"].ravel().astype(int), 4) - 2.0 ** -14 + 2.0 ** -19) * scales["v"] if "v" in state else None
    return m, None if root is None else root ** 2


def gradients(n, steps, dtype=np.float32):
    """Of sizes that differ by orders of magnitude, as those of networks do."""
    rng = np.random.default_rng(0)
    size = np.exp(rng.normal(0, 2, n))
    return [(rng.standard_normal(n) * size).astype(dtype) for _ in range(steps)]


def trained(name, grads, dtype=np.float32, **settings):
    w = np.zeros(grads[0].shape, dtype)
    optimizer = fo.optimizers.get(name)(w, lr=1e-2, **settings)
    for g in grads:
        optimizer.step(g.astype(dtype))
    return w, optimizer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_first_step_is_kept_within_the_last_bit(isa, dtype):
    g = gradients(3001, 1)[0].astype(dtype)
    exact = trained("adam", [g], dtype)[1].state_dict()["state"][0]
    half = trained("adam", [g], dtype, moments="bfloat16")[1].state_dict()["state"][0]
    np.testing.assert_allclose(bfloat16(half["m"]), exact["m"], rtol=2.0 ** -7)
    np.testing.assert_allclose(bfloat16(half["v"]), exact["v"], rtol=2.0 ** -7)
    m, v = eight_bits(trained("adam", [g], dtype, moments="8bit")[1].state_dict()["state"][0])
    for found, wanted, spacing in ((m, exact["m"], 2.0 ** -3), (np.sqrt(v), np.sqrt(exact["v"]), 2.0 ** -4)):
        largest = np.repeat(np.maximum.reduceat(np.abs(wanted), np.arange(0, g.size, 256)), 256)[:g.size]
        assert np.all(np.abs(found - wanted) <= spacing * np.abs(wanted) + 2.0 ** -16 * largest)


def test_second_moments_are_never_rounded_to_zero():
    g = np.ones(256, np.float32)
    g[1:] = 1e-12
    state = trained("adam", [g], moments="8bit")[1].state_dict()["state"][0]
    assert (eight_bits(state)[1] > 0).all()


@pytest.mark.parametrize("moments", ["bfloat16", "8bit"])
def test_rounding_has_no_bias(moments):
    """A constant gradient: v must reach g², though each step changes it by less than its last bit."""
    g = np.full(4096, 0.7, np.float32)
    state = trained("adam", [g] * 4000, moments=moments)[1].state_dict()["state"][0]
    m, v = eight_bits(state) if moments == "8bit" else (bfloat16(state["m"]), bfloat16(state["v"]))
    wanted = 0.49 * (1 - 0.999 ** 4000)
    assert abs(np.mean(m) - 0.7) < 2e-3
    assert abs(np.mean(v) / wanted - 1) < 0.01


@pytest.mark.parametrize("moments", ["bfloat16", "8bit"])
@pytest.mark.parametrize("name", NAMES)
def test_resumes_to_the_bit_whatever_the_threads(name, moments, many_threads):
    grads = gradients(40_001, 12)
    make = fo.optimizers.get(name)
    first, second = np.zeros(40_001, np.float32), np.zeros(40_001, np.float32)
    one, two = make(first, moments=moments, n_threads=1), make(second, moments=moments, n_threads=2)
    for g in grads[:5]:
        one.step(g)
    second[...] = first
    two.load_state_dict(one.state_dict())
    for g in grads[5:]:
        one.step(g)
        two.step(g)
    np.testing.assert_array_equal(first, second)
    for name_, array in one.state_dict()["state"][0].items():
        np.testing.assert_array_equal(array, two.state_dict()["state"][0][name_])


@pytest.mark.parametrize("moments", ["bfloat16", "8bit"])
@pytest.mark.parametrize("name", NAMES)
def test_least_squares_end_within_a_hundredth_of_the_loss(name, moments):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((2000, 300)).astype(np.float32)
    y = X @ rng.standard_normal(300).astype(np.float32) + rng.standard_normal(2000).astype(np.float32)
    losses = {}
    for kind in (None, moments):
        w = np.zeros(300, np.float32)
        optimizer = fo.optimizers.get(name)(w, lr=fo.schedules.Polynomial(0.02, 3000), moments=kind)
        for step in range(3000):
            rows = slice(step % 20 * 100, step % 20 * 100 + 100)
            optimizer.step(X[rows].T @ (X[rows] @ w - y[rows]) / 100)
        losses[kind] = np.mean((X @ w - y) ** 2)
    assert losses[moments] < 1.01 * losses[None]


def test_refusals():
    with pytest.raises(InvalidParameterError, match="moments must be one of"):
        fo.optimizers.Adam(np.ones(3), moments="4bit")
    with pytest.raises(InvalidParameterError, match="moments must be None for amsgrad"):
        fo.optimizers.Adam(np.ones(3), moments="8bit", amsgrad=True)
    rows = fo.optimizers.RowSparse([0], np.ones((1, 2)))
    with pytest.raises(InvalidParameterError, match="row-sparse"):
        fo.optimizers.Adam(np.ones((3, 2)), moments="8bit").step(rows)
