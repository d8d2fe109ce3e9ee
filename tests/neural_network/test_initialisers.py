"""First weights: ranges, spreads, orthogonality, and scikit-learn's order of draws."""
import numpy as np
import pytest

from fastopt.neural_network._initialisers import NAMES, initial_weights

SIZES = (60, 80, 40)
RELU = ("relu", "relu")
#: name: (variance of a weight, largest one), of inputs and outputs
MOMENTS = {
    "scikit-learn": lambda i, o: (6 / (i + o) / 3, np.sqrt(6 / (i + o))),
    "glorot_uniform": lambda i, o: (6 / (i + o) / 3, np.sqrt(6 / (i + o))),
    "glorot_normal": lambda i, o: (2 / (i + o), np.inf),
    "he_uniform": lambda i, o: (2 / i, np.sqrt(6 / i)),
    "he_normal": lambda i, o: (2 / i, np.inf),
    "lecun_normal": lambda i, o: (1 / i, np.inf),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_spread(name):
    coefs, _ = initial_weights(name, SIZES, RELU, np.random.RandomState(0), np.float64)
    for coef, fan_in, fan_out in zip(coefs, SIZES, SIZES[1:]):
        variance, most = MOMENTS[name](fan_in, fan_out)
        assert coef.shape == (fan_in, fan_out)
        assert np.abs(coef).max() <= most
        assert coef.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / coef.size))
        assert coef.var() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_and_intercepts(name, dtype):
    coefs, intercepts = initial_weights(name, SIZES, RELU, np.random.RandomState(0), dtype)
    assert {array.dtype for array in coefs + intercepts} == {np.dtype(dtype)}
    assert [b.shape for b in intercepts] == [(80,), (40,)]
    assert name == "scikit-learn" or not any(b.any() for b in intercepts)


def test_orthogonal():
    (wide, tall), _ = initial_weights("orthogonal", SIZES, RELU, np.random.RandomState(0), np.float64)
    np.testing.assert_allclose(wide @ wide.T, np.eye(60), atol=1e-12)
    np.testing.assert_allclose(tall.T @ tall, np.eye(40), atol=1e-12)


def test_scikit_learns_order_of_draws():
    rng = np.random.RandomState(5)
    coefs, intercepts = initial_weights("scikit-learn", (3, 4, 2), ("logistic", "tanh"), np.random.RandomState(5), np.float64)
    for i, (fan_in, fan_out, factor) in enumerate([(3, 4, 2), (4, 2, 6)]):
        bound = np.sqrt(factor / (fan_in + fan_out))
        np.testing.assert_array_equal(coefs[i], rng.uniform(-bound, bound, (fan_in, fan_out)))
        np.testing.assert_array_equal(intercepts[i], rng.uniform(-bound, bound, fan_out))
