"""The pairs of L-BFGS against dense matrices in plain NumPy: the two loops, the compact form within bounds, the Cauchy point."""
import numpy as np
import pytest

from fastopt._linalg.lbfgs import History, dot
from fastopt._minimize.bounded import Model, bounded_step, cauchy_point

D = 12


def pairs(n, dtype=np.float64):
    """Steps and changes of the gradient of a quadratic."""
    rng = np.random.default_rng(0)
    root = rng.standard_normal((D, D))
    hessian = root @ root.T + np.eye(D)
    steps = rng.standard_normal((n, D)).astype(dtype)
    return steps, (steps @ hessian).astype(dtype)


def filled(n, size, dtype=np.float64):
    history, zero = History(size, D, dtype), np.zeros(D, dtype)
    for s, y in zip(*pairs(n, dtype)):
        assert history.append(s, zero, y, zero)
    return history


def inverse_hessian(s, y):
    """BFGS in its textbook form."""
    h = np.eye(D) * (s[-1] @ y[-1]) / (y[-1] @ y[-1])
    for si, yi in zip(s, y):
        rho = 1 / (si @ yi)
        left = np.eye(D) - rho * np.outer(si, yi)
        h = left @ h @ left.T + rho * np.outer(si, si)
    return h


@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-10), (np.float32, 2e-3)])
@pytest.mark.parametrize("n, size", [(1, 5), (5, 5), (8, 5), (3, 10), (25, 10)])
def test_two_loops(n, size, dtype, tolerance):
    g, out = np.random.default_rng(1).standard_normal(D).astype(dtype), np.empty(D, dtype)
    filled(n, size, dtype).direction(g, out)
    s, y = (a[-size:].astype(np.float64) for a in pairs(n, dtype))
    expected = -inverse_hessian(s, y) @ g
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance * abs(expected).max())


@pytest.mark.parametrize("n, size", [(1, 5), (5, 5), (8, 5), (3, 10), (12, 10)])
def test_compact_form_is_the_inverse(n, size):
    history = filled(n, size)
    model = Model(history)
    w = np.array([model.w(unit) for unit in np.eye(len(model.scale))]).T
    b = model.theta * np.eye(D) - w @ np.linalg.solve(model.inverse, w.T)
    s, y = (a[-size:] for a in pairs(n))
    np.testing.assert_allclose(b @ inverse_hessian(s, y), np.eye(D), atol=1e-7)
    free = np.arange(D) % 2 == 0
    np.testing.assert_allclose(model.free_gram(free), w[free].T @ w[free], rtol=1e-9)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.repeats(3)
def test_cauchy_point_and_step(seed):
    """The Cauchy point is the first minimum along the path, found by a search over it; the step descends and stays inside."""
    rng = np.random.default_rng(seed)
    history = filled(6, 4)
    model = Model(history)
    w = np.array([model.w(unit) for unit in np.eye(8)]).T
    b = model.theta * np.eye(D) - w @ np.linalg.solve(model.inverse, w.T)
    x, g = np.zeros(D), 3 * rng.standard_normal(D)
    lower, upper = -rng.random(D), rng.random(D)
    lower[0], upper[1], lower[2] = -np.inf, np.inf, 0.0
    times = np.where(g > 0, -lower / abs(g), upper / abs(g))

    def value(p):
        return g @ p + p @ b @ p / 2

    path = [np.clip(-t * g, lower, upper) for t in np.linspace(0, min(times[np.isfinite(times)].max() * 1.1, 2), 20_001)[1:]]
    values = np.array([0.0, *map(value, path)])
    first = np.argmax(np.diff(values) > 0) if np.any(np.diff(values) > 0) else len(values) - 1
    cauchy = cauchy_point(x, g, lower, upper, times, model)
    assert value(cauchy) == pytest.approx(values[first], abs=1e-3 * abs(values[first]))
    step = bounded_step(x, g, lower, upper, history)
    assert g @ step < 0 and np.all((lower <= step) & (step <= upper))


def test_pairs_that_are_no_use():
    history, zero, one = History(3, D, np.float64), np.zeros(D), np.ones(D)
    assert not history.append(one, zero, -one, zero)       # negative curvature
    assert not history.append(one, one, one, zero)         # no step
    assert history.count == 0
    assert history.append(one, zero, 2 * one, zero) and history.count == 1
    out = np.empty(D)
    history.direction(one, out)
    np.testing.assert_allclose(out, -one / 2)
    history.clear()
    history.direction(one, out)
    np.testing.assert_array_equal(out, -one)
    with pytest.raises(ValueError, match="arrays of 12 parameters"):
        history.direction(np.ones(3), out)
    with pytest.raises(ValueError):
        history.direction(np.ones(D, np.float32), out)


def test_products():
    a, b = np.arange(5.0), np.full(5, 2.0)
    assert dot(a, b) == 20 and dot(a.astype(np.float32), b.astype(np.float32)) == 20
    assert dot(np.full(2, 1e200), np.full(2, 1e200)) == np.inf
    for wrong in (a[::2], a[:4], a.astype(np.float32), np.arange(5)):
        with pytest.raises(ValueError, match="two contiguous vectors"):
            dot(a, wrong)
