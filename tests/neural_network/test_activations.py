"""Values and slopes of activations against mpmath, for each type and instruction set, through a network whose biases are the points."""
import mpmath as mp
import numpy as np
import pytest

from fastopt import losses
from fastopt._core.tables import ACTIVATION_NAMES
from fastopt.neural_network._engine import Network
from reference.activations import EXACT

POINTS = np.array([-700, -90, -30, -9, -5.5, -2.75, -1.5, -0.75, -0.1, -1e-3, -1e-7, 1e-7, 1e-3, 0.1, 0.6, 1.25, 2.5, 4, 6.5, 12, 30, 80, 700])
ALPHAS = [(name, ()) for name in ACTIVATION_NAMES] + [("leaky_relu", (0.25,)), ("elu", (0.5,))]


def network(activation, alpha, points, dtype):
    """One input, which is 0; biases are the points, and the output is the sum of all units."""
    net = Network((1, len(points), 1), [(activation, *alpha) if alpha else activation, "identity"], losses.AbsoluteError(), dtype)
    net.set_weights([np.ones((1, len(points))), np.ones((len(points), 1))], [points, np.zeros(1)])
    return net


def points(activation, dtype):
    """Exponentials of large numbers are none."""
    limit = 60 if dtype == np.float32 else 300
    return (POINTS[limit > POINTS] if activation == "exponential" else POINTS).astype(dtype)


def exact(activation, alpha, z):
    with mp.workdps(400):
        return [EXACT[activation](mp.mpf(float(a)), *map(mp.mpf, alpha)) for a in z]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation, alpha", ALPHAS)
def test_values(isa, activation, alpha, dtype):
    z = points(activation, dtype)
    found = network(activation, alpha, z, dtype).forward(np.zeros((1, 1), dtype), layers=1)[0]
    wanted = np.array([float(a) for a in exact(activation, alpha, z)])
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    np.testing.assert_allclose(found, wanted, rtol=400 * eps if "gelu" in activation else 16 * eps, atol=tiny * 1e4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation, alpha", ALPHAS)
def test_slopes(isa, activation, alpha, dtype):
    """Of the sum of all units, where the derivative of the loss is 1."""
    z = points(activation, dtype)
    z = z[np.abs(z) < 50]
    net = network(activation, alpha, z, dtype)
    found = net.value_and_gradient(np.zeros((1, 1), dtype), np.full(1, -1e36, dtype))[2][0]   # far below: the derivative of the loss is 1
    with mp.workdps(60):
        wanted = [float(mp.diff(lambda a: EXACT[activation](a, *map(mp.mpf, alpha)), mp.mpf(float(a)))) for a in z]
    np.testing.assert_allclose(found, wanted, rtol=3e-5 if dtype == np.float32 else 1e-13, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_nan_stays(isa, activation):
    for dtype in (np.float32, np.float64):
        assert np.isnan(network(activation, (), np.full(3, np.nan, dtype), dtype).forward(np.zeros((1, 1), dtype))).all()
