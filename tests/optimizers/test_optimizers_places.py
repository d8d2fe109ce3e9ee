"""Where arrays lie in memory: steps by whole lines of the caches, from any place in one, and numbers that are not finite anywhere."""
import numpy as np
import pytest

from fastopt import optimizers

LINE = 64


def at(place, values):
    """The values in memory that begins so many elements behind the start of a line."""
    memory = np.empty(values.nbytes + 2 * LINE, np.uint8)
    first = -memory.ctypes.data % LINE + place * values.itemsize
    copy = memory[first:first + values.nbytes].view(values.dtype)
    copy[...] = values
    return copy


@pytest.mark.parametrize("n", [1, 511, 512, 513, 8192, 9001])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 1, 3, 7])
def test_a_step_from_any_place_in_a_line(place, dtype, n, isa):
    rng = np.random.default_rng(0)
    start, g = rng.standard_normal(n).astype(dtype), rng.standard_normal(n).astype(dtype)
    w = at(place, start)
    optimizer = optimizers.Momentum(w, lr=0.5, momentum=0.25)
    expected, v = start.astype(np.float64), np.zeros(n)
    for step in range(3):
        optimizer.step(at(step, g))
        v = 0.25 * v + g
        expected -= 0.5 * v
    np.testing.assert_allclose(w, expected, rtol=64 * np.finfo(dtype).eps, atol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("place", [0, 1, 3, 5])
def test_state_lies_in_its_lines_as_the_weights_do(place, order):
    w = at(place, np.ones(40 * 50)).reshape((40, 50), order=order)
    for name in ("adam", "asgd", "prodigy"):
        for state in optimizers.get(name)(w).states[0]:
            assert (state.ctypes.data - w.ctypes.data) % LINE == 0
            assert state.shape == w.shape and state.strides == w.strides


@pytest.mark.parametrize("moments", [None, "bfloat16", "8bit"])
@pytest.mark.parametrize("name", ["adam", "lion"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [0, 255, 256, 700, 1023, 1029])
def test_late_finds_what_is_not_finite_wherever_it_is(where, value, name, moments, isa):
    w, g = at(1, np.ones(1030, np.float32)), np.ones(1030, np.float32)
    optimizer = optimizers.get(name)(w, nonfinite="late", moments=moments)
    optimizer.step(g)
    g[where] = value
    with pytest.raises(FloatingPointError):
        optimizer.step(g)
