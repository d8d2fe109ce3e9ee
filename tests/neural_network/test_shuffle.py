"""The order of samples: NumPy's own, to the draw, whatever generator and array."""
import numpy as np
import pytest

from fastopt._samples.shuffle import shuffle


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 9, 100, 1023, 1024, 1025, 70001])
def test_shuffle_is_numpys(n):
    mine, numpys = np.random.RandomState(n), np.random.RandomState(n)
    a, b = np.arange(n), np.arange(n)
    for _ in range(3):
        shuffle(mine, a)
        numpys.shuffle(b)
        np.testing.assert_array_equal(a, b)
    assert mine.randint(1 << 30) == numpys.randint(1 << 30)


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.PCG64, np.random.Philox])
def test_other_generators(bits):
    a, b = np.arange(500), np.arange(500)
    shuffle(np.random.RandomState(bits(3)), a)
    np.random.RandomState(bits(3)).shuffle(b)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("order", [np.arange(50, dtype=np.int32), np.arange(100)[::2]])
def test_other_arrays_are_numpys_business(order):
    a, b = order.copy() if order.dtype == np.int32 else np.arange(100)[::2], order.copy()
    shuffle(np.random.RandomState(3), a)
    np.random.RandomState(3).shuffle(b)
    np.testing.assert_array_equal(a, b)
