"""The Cauchy point and the step of L-BFGS-B against their definition with dense matrices."""
import numpy as np
import pytest

import reference.lbfgsb as reference
from fastopt._linalg.compact import Model
from fastopt._linalg.lbfgs import History
from fastopt._linalg.lbfgsb import BoundedSteps, longest_step
from fastopt._minimize.bounded import cauchy_point

TOLERANCE = {np.float64: 1e-7, np.float32: 2e-2}


def problem(seed, d, n, size, dtype=np.float64):
    """A history of the last `size` of n steps on a quadratic, the Hessian it makes, and a point, gradient and bounds."""
    rng = np.random.default_rng(seed)
    curvatures, zero, history = np.exp(rng.standard_normal(d)), np.zeros(d, dtype), History(size, d, dtype)
    root = rng.standard_normal((3, d)) / np.sqrt(d)
    s = rng.standard_normal((n, d)).astype(dtype)
    y = (s * curvatures + s @ root.T @ root).astype(dtype)
    for si, yi in zip(s, y):
        assert history.append(si, zero, yi, zero)
    x, g = rng.standard_normal((2, d)).astype(dtype)
    lower, upper = (x + sign * rng.random(d).astype(dtype) for sign in (-1, 1))
    return history, reference.hessian(*(a[-size:].astype(np.float64) for a in (s, y))), x, g, lower, upper


def hard(kind, x, g, lower, upper):
    """Cases of their own: ties, no bounds, variables on their bounds, no room, no slope."""
    every = np.arange(len(x)) % 3
    if kind == "ties":
        x[:], g[:] = np.round(16 * x) / 16, np.sign(g)      # so that the times are exactly equal
        lower[:], upper[:] = x - np.float32(0.25), x + np.float32(0.25)
    elif kind == "open":
        lower[every == 0], upper[every != 1] = -np.inf, np.inf
    elif kind == "on bounds":
        lower[every == 0], upper[every == 1] = x[every == 0], x[every == 1]
    elif kind == "no room":
        lower[every == 0] = upper[every == 0] = x[every == 0]
        g[every == 1] = 0
    elif kind == "far":
        lower[:], upper[:] = x - 1000, x + 1000


def as_double(*arrays):
    return [a.astype(np.float64) for a in arrays]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", ["plain", "ties", "open", "on bounds", "no room", "far"])
@pytest.mark.parametrize("d, n, size", [(1, 1, 1), (5, 1, 3), (12, 6, 4), (40, 5, 10), (300, 12, 10)])
def test_dense_definition(d, n, size, kind, dtype):
    for seed in range(5 if d < 100 else 1):
        history, b, *at = problem(seed, d, n, size, dtype)
        hard(kind, *at)
        check(history, b, at, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_dense_definition_beyond_one_block(dtype):
    history, b, *at = problem(0, 1100, 3, 5, dtype)
    at[2][200:], at[3][200:] = -np.inf, np.inf
    check(history, b, at, dtype)


def check(history, b, at, dtype):
    """The Cauchy point, then the step."""
    close = {"rtol": 0, "atol": TOLERANCE[dtype] * max(1, abs(at[1]).max())}
    times = reference.breakpoints(*as_double(*at))
    expected = reference.cauchy_point(b, *as_double(*at))
    np.testing.assert_allclose(cauchy_point(*at, times, Model(history)), expected, **close)
    out = np.empty_like(at[0])
    BoundedSteps(Model(history)).step(*at, out)
    np.testing.assert_allclose(out, reference.step(b, *as_double(*at)), **close)


def test_one_model_for_all_steps():
    """Pairs are taken up as they come, also after the history was cleared; without any, the step is the projected gradient."""
    history, _, x, g, lower, upper = problem(0, 30, 1, 4)
    history.clear()
    bounded, out, zero = BoundedSteps(Model(history)), np.empty(30), np.zeros(30)
    rng, pairs = np.random.default_rng(1), []
    for i in range(25):
        if i == 13:
            history.clear()
            pairs = []
        bounded.step(x, g, lower, upper, out)
        b = reference.hessian(*(np.array(a) for a in zip(*pairs[-4:]))) if pairs else np.eye(30)
        expected = reference.step(b, x, g, lower, upper) if pairs else np.clip(x - g, lower, upper) - x
        np.testing.assert_allclose(out, expected, rtol=0, atol=1e-9)
        for _ in range(1 + i % 3):     # several pairs between steps
            s = rng.standard_normal(30)
            pairs.append((s, s * np.linspace(1, 5, 30)))
            assert history.append(s, zero, pairs[-1][1], zero)


def test_pairs_along_one_line():
    history, _, x, g, lower, upper = problem(0, 3, 1, 4)
    history.clear()
    s = np.array([[1.0, 0, 0], [1 + 1e-9, 0, 0], [1, 0, 0]])
    for si in s:
        assert history.append(si, np.zeros(3), 2 * si, np.zeros(3))
    out = np.empty(3)
    BoundedSteps(Model(history)).step(x, g, lower, upper, out)
    np.testing.assert_allclose(out, reference.step(reference.hessian(s, 2 * s), x, g, lower, upper), rtol=0, atol=1e-6)


def test_pairs_that_make_no_model():
    """Where M overflows, the pairs are dropped and the step is the projected gradient."""
    history, _, x, g, lower, upper = problem(0, 3, 1, 4)
    history.clear()
    for _ in range(3):
        assert history.append(np.array([1.2e154, 0, 0]), np.zeros(3), np.array([1.2e154, 0, 0]), np.zeros(3))
    out = np.empty(3)
    BoundedSteps(Model(history)).step(x, g, lower, upper, out)
    np.testing.assert_array_equal(out, np.clip(x - g, lower, upper) - x)
    assert history.count == 0


def test_longest_step():
    x, lower, upper = np.zeros(3), np.array([-1.0, -np.inf, -2]), np.array([1.0, np.inf, 3])
    assert longest_step(x, np.array([0.5, 7, 6]), lower, upper) == 0.5
    assert longest_step(x, np.array([-0.5, 7, -1]), lower, upper) == 2
    assert longest_step(x, np.array([0.0, -7, 0]), lower, upper) == np.inf
    assert longest_step(upper, np.array([1.0, 0, 0]), lower, upper) == 0
    with pytest.raises(ValueError, match="contiguous vectors of one length and float type expected"):
        longest_step(x, x[:2], lower, upper)
    with pytest.raises(TypeError):
        longest_step(x, None, lower, upper)


def test_what_does_not_fit():
    history, _, *at = problem(0, 12, 3, 4)
    bounded, out = BoundedSteps(Model(history)), np.empty(12)
    for i in range(4):
        for wrong in (at[i][:5], at[i].astype(np.float32), np.repeat(at[i], 2)[::2]):
            with pytest.raises(ValueError, match="contiguous arrays of 12 × float64 expected"):
                bounded.step(*at[:i], wrong, *at[i + 1:], out)
    with pytest.raises(TypeError):
        bounded.step(*at, None)
    with pytest.raises(ValueError, match="12 times expected"):
        bounded.cauchy(*at, np.zeros(3), out)
    with pytest.raises(ValueError, match="a mask of 12"):
        Model(history).free_gram(np.ones(13, bool))
    with pytest.raises(ValueError, match="6 factors expected"):
        Model(history).w(np.zeros(5))
