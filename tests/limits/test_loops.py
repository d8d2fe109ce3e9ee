"""The bare loops do what they are named for: their sums are NumPy's, over all rows, in any order, on any number of threads, for both types and every
instruction set."""
import numpy as np
import pytest
from scipy.special import expit

pytest.importorskip("sklearn")      # the face of _limits needs it

import fastopt as fo
from fastopt._limits import loops

RNG = np.random.default_rng(0)
TYPES = (np.float32, np.float64)
LENGTHS = (1, 3, 8, 15, 16, 17, 28, 64, 100, 131)


@pytest.fixture(autouse=True, params=fo.available_isas())
def isa(request):
    """Each instruction set in turn."""
    before = fo.show_config("dicts")["instruction sets"]["in use"]
    fo.set_isa(request.param)
    yield request.param
    fo.set_isa(before)


def whole(*shape, dtype):
    """Whole numbers, whose sums are exact."""
    return RNG.integers(-8, 9, shape).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_all_rows_are_read(dtype, threads):
    for d in LENGTHS:
        X = whole(37, d, dtype=dtype)
        order = RNG.permutation(37).astype(np.int32)[:31]
        for ahead in (0, 1, 5, 64):
            assert loops.read(X, None, ahead, threads) == X.sum()
            assert loops.read(X, order, ahead, threads) == X[order].sum()


@pytest.mark.parametrize("dtype", TYPES)
def test_gather_and_scatter(dtype):
    for n in LENGTHS:
        w, columns, x = whole(50, dtype=dtype), RNG.integers(0, 50, n).astype(np.int32), whole(n, dtype=dtype)
        assert loops.gather(w, columns) == w[columns].sum()
        expected = w.copy()
        np.add.at(expected, columns, x)
        loops.scatter(w, columns, x)
        np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_chain_is_logistic_regression(dtype):
    for d in LENGTHS:
        X, w = RNG.normal(size=(3, d)).astype(dtype), RNG.normal(size=d).astype(dtype)
        expected = w.astype(float)
        for i in range(7):
            expected -= 0.1 * expit(expected @ X[i % 3]) * X[i % 3]
        loops.chain(X, w, 0.1, 7)
        np.testing.assert_allclose(w, expected, rtol=3e-5 if dtype == np.float32 else 1e-13, atol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("dtype", TYPES)
def test_what_no_order_of_the_work_avoids(dtype):
    p, expected = np.array([0.3], dtype), 0.3
    for _ in range(5):
        expected = 0.2 - 0.5 * expit(expected)
    loops.link(p, 0.5, 0.2, 5)
    np.testing.assert_allclose(p[0], expected, rtol=1e-6 if dtype == np.float32 else 1e-15)


@pytest.mark.parametrize("dtype", TYPES)
def test_the_pass_over_weights(dtype):
    for d in LENGTHS:
        X, w = whole(3, d, dtype=dtype), whole(d, dtype=dtype)
        expected, total = w.astype(float), 0.0
        for i in range(7):
            expected += 0.5 * X[i % 3]
            total += expected @ X[(i + 1) % 3]
        assert loops.sweep(X, w, 0.5, 7) == total
        np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("arrays", [2, 3, 4])
def test_updates(dtype, threads, arrays):
    g, w, m, v = (RNG.normal(size=1001).astype(dtype) for _ in range(4))
    moved, first = (w, m, v)[:arrays - 1], m.copy()
    kept = dtype(0.9)
    new_m, new_v = kept * m + g, kept * v + g
    expected = w + (g, new_m, new_m + new_v)[arrays - 2]
    loops.update(g, moved, threads)
    close = dict(rtol=1e-5, atol=1e-6) if dtype == np.float32 else dict(rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(w, expected, **close)
    np.testing.assert_allclose(m, new_m if arrays > 2 else first, **close)
    if arrays > 3:
        np.testing.assert_allclose(v, new_v, **close)


@pytest.mark.parametrize("dtype", TYPES)
def test_roots_and_divisions(dtype):
    for n in LENGTHS:
        x = RNG.random(n).astype(dtype)
        exact = x.astype(float)
        np.testing.assert_allclose(loops.roots(x), np.sum(exact / (np.sqrt(exact) + 1)), rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_threads_meet():
    loops.barrier(2, 3)
    loops.meeting(2, 3)
    assert loops.Callee().nothing() is None


def test_arrays_that_do_not_fit_are_refused():
    X, w = np.ones((2, 3)), np.ones(4)
    for call in (lambda: loops.chain(X, w, 0.1, 1), lambda: loops.sweep(X, w, 0.1, 1)):
        with pytest.raises(ValueError, match="w must have a number for each of the 3 columns of X, got 4"):
            call()
    with pytest.raises(ValueError, match="columns and x must be of one length, got 2 and 4"):
        loops.scatter(w, np.zeros(2, np.int32), w)
    with pytest.raises(ValueError, match="all arrays must be of one length, got 4 and 3"):
        loops.update(w, (np.ones(3),))
    with pytest.raises(ValueError, match="moved must be 1 to 3 arrays, got 0"):
        loops.update(w, ())
