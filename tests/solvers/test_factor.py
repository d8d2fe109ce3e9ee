"""The Cholesky factor of Hessians, against NumPy."""
import numpy as np
import pytest

from fastopt._linalg.factor import Factor


def hessian(n, rank, seed=0):
    A = np.random.default_rng(seed).standard_normal((rank, n))
    return A.T @ A


@pytest.mark.parametrize("n", [1, 2, 5, 40])
@pytest.mark.parametrize("k", [None, 1, 3, 100])
def test_solves_the_system(n, k):
    H = hessian(n, 2 * n) * np.outer(np.geomspace(1e-6, 1e6, n), np.geomspace(1e-6, 1e6, n))
    scale = 1 / np.sqrt(H.diagonal())
    g = np.random.default_rng(1).standard_normal(n if k is None else (n, k)) / (scale if k is None else scale[:, None])
    expected = np.linalg.solve(H * np.outer(scale, scale), (scale * g.T).T)
    factor = Factor(np.tril(H) + np.triu(np.full((n, n), np.nan), 1))   # what is above the diagonal is not read
    np.testing.assert_allclose((factor.solve(g).T / scale).T, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())
    assert factor.damping == 0
    np.testing.assert_allclose(factor.scale, scale)


def test_parameters_without_curvature_keep_still():
    H = np.zeros((3, 3))
    H[:2, :2] = [[4.0, 1.0], [1.0, 2.0]]
    factor = Factor(H.copy())
    assert factor.solve(np.ones(3))[2] == 0 and factor.scale[2] == 0
    np.testing.assert_allclose(factor.solve(np.ones(3))[:2], np.linalg.solve(H[:2, :2], [1.0, 1.0]))


def test_singular_hessians_are_damped_and_solved_where_that_is_possible():
    H = hessian(4, 2)
    factor = Factor(H.copy())
    g = H @ np.array([1.0, 2.0, 3.0, 4.0])
    assert 0 < factor.damping < 1e-4
    np.testing.assert_allclose(H @ factor.solve(g), g, rtol=1e-4)


def test_numbers_that_are_not_finite_end():
    for bad in (np.nan, np.inf):
        factor = Factor(np.array([[1.0, 0.0], [0.0, bad]]))
        assert not factor.scale.any() and not np.isfinite(factor.solve(np.ones(2))).all() or not factor.solve(np.ones(2)).any()
