"""Hessians of objectives against plain NumPy: types, layouts, sizes around tiles and blocks, threads, weights, intercepts, classes."""
import numpy as np
import pytest
import scipy.sparse as sp

from fastopt import LinearObjective
from fastopt.objective._hessian import second_order, sums

SIZES = [(1, 1), (7, 3), (127, 47), (129, 48), (600, 49), (1500, 60)]
LAYOUTS = ["C", "F", "csr", "csr64", "unsorted", "few"]


def matrix(layout, n, d, dtype, seed=0):
    """X, and as a dense array."""
    rng = np.random.default_rng(seed)
    dense = rng.standard_normal((n, d)).astype(dtype)
    if layout in "CF":
        return np.asarray(dense, order=layout), dense
    dense *= rng.random((n, d)) < (0.02 if layout == "few" else 0.3)
    X = sp.csr_matrix(dense)
    if layout == "csr64":
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    if layout == "unsorted":
        for begin, end in zip(X.indptr, X.indptr[1:]):
            X.indices[begin:end], X.data[begin:end] = X.indices[begin:end][::-1].copy(), X.data[begin:end][::-1].copy()
        X.has_sorted_indices = False
    return X, dense


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.repeats(4)
def test_against_numpy(shape, layout, dtype, intercept, threads=(1, 2, 5)):
    n, d = shape
    X, dense = matrix(layout, n, d, dtype)
    rng = np.random.default_rng(1)
    y, weight, w = rng.integers(0, 2, n), rng.random(n) + 0.1, rng.standard_normal(d + intercept) / 10
    objectives = [LinearObjective(X, y, "log_loss", 0.1, intercept, weight, t) for t in threads]
    found = [objective.hessian(w) for objective in objectives]
    A = np.hstack([dense, np.ones((n, int(intercept)))]).astype(float)
    p = 1 / (1 + np.exp(-A @ w))
    wanted = (A.T * (weight * p * (1 - p) / weight.sum())) @ A
    wanted[range(d), range(d)] += 0.1
    assert all(np.array_equal(found[0], other) for other in found[1:])
    tolerance = 3e-6 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(found[0], wanted, rtol=0, atol=tolerance * np.abs(wanted).max())
    gradient = sums(objectives[0], w, gradient=True)[-1].copy()
    gradient[:d] += 0.1 * w[:d]
    np.testing.assert_allclose(gradient, objectives[0].gradient(w), rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_columns(dtype):
    """Threads share columns then."""
    X, dense = matrix("C", 300, 1100, dtype)
    objectives = [LinearObjective(X, np.zeros(300), "squared_error", n_threads=threads) for threads in (1, 2)]
    first, second = (objective.hessian(np.zeros(1100)) for objective in objectives)
    assert np.array_equal(first, second)
    wanted = dense.T.astype(float) @ dense / 300
    np.testing.assert_allclose(first, wanted, rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)


def test_repeated_columns_of_a_row_add_up():
    X = sp.csr_matrix((np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.array([0, 3])), shape=(1, 200))
    hessian = LinearObjective(X, [0.0], "squared_error").hessian(np.zeros(200))
    assert hessian[:2, :2].tolist() == [[9.0, 12.0], [12.0, 16.0]] and hessian.sum() == 49


@pytest.mark.parametrize("loss, k", [("multinomial", 4), ("poisson", 3)])
def test_several_outputs_against_products(loss, k):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((150, 6))
    y = rng.integers(0, k, 150) if loss == "multinomial" else rng.poisson(1.0, (150, k))
    objective = LinearObjective(X, y, loss, 0.01, True)
    w = rng.standard_normal(objective.n_params) / 5
    wanted = [objective.hessp(w, unit) for unit in np.eye(objective.n_params)]
    np.testing.assert_allclose(objective.hessian(w), wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("layout", ["C", "F", "csr", "csc", "uint8", "float16"])
@pytest.mark.parametrize("intercept", [False, True])
def test_standardized_columns_and_other_layouts(layout, intercept):
    X, dense = matrix("csr" if layout == "csc" else layout if layout in ("C", "F", "csr") else "C", 300, 20, np.float64)
    if layout == "csc":
        X = X.tocsc()
    elif layout in ("uint8", "float16"):
        X = (10 * np.abs(dense)).astype(layout)
        dense = X.astype(float)
    y, w = np.arange(300) % 2, np.linspace(-0.1, 0.1, 20 + intercept)
    for standardize in (False, True):
        objective = LinearObjective(X, y, "log_loss", 0.1, intercept, standardize=standardize)
        wanted = [objective.hessp(w, unit) for unit in np.eye(20 + intercept)]
        np.testing.assert_allclose(objective.hessian(w), wanted, rtol=1e-5 if objective.dtype == np.float32 else 1e-7,
                                   atol=1e-5 if objective.dtype == np.float32 else 1e-13)
        value, gradient, hessian = second_order(objective, w)
        again = LinearObjective(X, y, "log_loss", 0.1, intercept, standardize=standardize)
        assert value == pytest.approx(again.value(w), rel=1e-6) and np.array_equal(np.tril(hessian), np.tril(objective.hessian(w)))
        np.testing.assert_allclose(gradient, again.gradient(w), atol=1e-5 if objective.dtype == np.float32 else 1e-12)


def test_some_rows():
    X, dense = matrix("C", 400, 5, np.float64)
    rows = np.array([3, 399, 3, 200])
    hessian = LinearObjective(X, np.zeros(400), "squared_error").rows(rows).hessian(np.zeros(5))
    np.testing.assert_allclose(hessian, dense[rows].T @ dense[rows] / 4, atol=1e-14)


def test_a_vector_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"w must have shape \(5,\), got \(4,\)"):
        LinearObjective(np.ones((3, 5)), np.zeros(3)).hessian(np.zeros(4))
