"""Huber's scale where residuals of the constant say that it is 0: y of two values, or of one but for a few rows."""
import numpy as np
import pytest
from scipy.optimize import minimize

from fastopt.linear_model import HuberRegressor


def value(v, X, y, epsilon=1.35, alpha=1e-4):
    """σ as its logarithm, so that it stays above 0."""
    scale = np.exp(v[-1])
    z = np.abs(X @ v[:-2] + v[-2] - y) / scale
    loss = np.where(z < epsilon, z * z, 2 * epsilon * z - epsilon ** 2)
    return scale * (1 + loss).sum() + alpha * v[:-2] @ v[:-2]


@pytest.mark.parametrize("share", [0.37, 0.1])
@pytest.mark.parametrize("start", ["cold", "warm"])
def test_comes_to_the_minimum(share, start):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 5))
    score = X @ rng.standard_normal(5) + 0.5 * rng.standard_normal(400)
    y = (score > np.quantile(score, 1 - share)).astype(float)
    model = HuberRegressor(warm_start=start == "warm").fit(X, y)
    if start == "warm":
        model.fit(X, y)
    mine = value(np.array([*model.coef_, model.intercept_, np.log(model.scale_)]), X, y)
    runs = [minimize(value, np.append(np.zeros(6), np.log(first)), (X, y), tol=1e-10).fun for first in (0.02, 0.1, 0.5)]
    assert mine <= min(runs) * (1 + 1e-6)
    assert model.n_iter_ <= 10


def test_a_scale_of_0_is_still_found():
    X = np.random.default_rng(0).standard_normal((100, 3))
    y = X @ [1.0, -2.0, 0.5] + 3
    y[:5] += 100
    model = HuberRegressor(alpha=0.0).fit(X, y)
    np.testing.assert_allclose(model.coef_, [1.0, -2.0, 0.5], atol=1e-4)
    assert model.scale_ < 1e-4 and model.outliers_[:5].all()
