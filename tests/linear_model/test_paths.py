"""lasso_path and enet_path against scikit-learn's."""
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

from fastopt import linear_model as ours

RNG = np.random.default_rng(5)
SHAPES = {"tall": RNG.standard_normal((90, 7)) + 0.5, "wide": RNG.standard_normal((20, 45))}
LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": sp.csr_matrix, "csc": sp.csc_matrix}


def target(X):
    return X[:, :5] @ [2.0, -1.0, 0.0, 1.0, 0.5] + np.random.default_rng(1).standard_normal(len(X))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name, params", [
    ("lasso_path", {}), ("lasso_path", {"positive": True, "eps": 0.1}), ("lasso_path", {"alphas": [0.05, 0.5, 0.1]}),
    ("enet_path", {"l1_ratio": 0.7}), ("enet_path", {"positive": True}), ("enet_path", {"l1_ratio": 0.0, "alphas": [0.1, 1.0]})])
def test_paths(shape, layout, name, params):
    X = SHAPES[shape]
    made, y, params = LAYOUTS[layout](X), target(X), {"alphas": 9, "tol": 1e-10, "max_iter": 100_000, **params}
    with warnings.catch_warnings():   # theirs warns of l1_ratio=0
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        b = getattr(theirs, name)(X, y, **params)
    a = getattr(ours, name)(made, y, **params)
    np.testing.assert_allclose(a[0], b[0], rtol=1e-8)
    np.testing.assert_allclose(a[1], b[1], atol=1e-4)
    assert a[1].shape == b[1].shape and a[2].shape == b[2].shape
    values = [np.mean((y - X @ w) ** 2) for w in (a[1][:, -1], b[1][:, -1])]
    assert values[0] == pytest.approx(values[1], rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_gaps_bound_the_error(shape):
    X = SHAPES[shape]
    y = target(X)
    best = theirs.lasso_path(X, y, alphas=9, tol=1e-12, max_iter=100_000)
    alphas, coefs, gaps, n_iters = ours.lasso_path(X, y, alphas=9, tol=1e-3, return_n_iter=True)

    def values(coefs):
        return np.mean((y[:, None] - X @ coefs) ** 2, axis=0) / 2 + alphas * np.abs(coefs).sum(axis=0)
    assert (values(coefs) - values(best[1]) <= gaps + 1e-12).all() and (gaps <= 1e-3 * np.mean(y * y)).all()
    assert len(n_iters) == 9


def test_a_path_starts_where_it_is_told_to():
    X = SHAPES["tall"]
    y = target(X)
    least = theirs.enet_path(X, y, alphas=[0.1], tol=1e-12)[1][:, 0]
    assert ours.enet_path(X, y, alphas=[0.1], coef_init=least, return_n_iter=True)[3] == [0]


def test_float32_stays():
    X = SHAPES["tall"]
    assert ours.lasso_path(X.astype(np.float32), target(X))[1].dtype == np.float32


@pytest.mark.parametrize("changes, words", [
    ({"alphas": 0}, "alphas"), ({"alphas": [-1.0]}, "alphas"), ({"eps": 2.0}, "eps"), ({"l1_ratio": 2.0}, "l1_ratio"),
    ({"l1_ratio": 0.0}, "alphas"), ({"coef_init": np.zeros(3)}, "coef_init"), ({"max_iter": 0}, "max_iter"),
    ({"y": np.zeros(3)}, "X and y"), ({"y": np.zeros((90, 2))}, "y"), ({"X": np.full((90, 7), np.nan)}, "X")])
def test_bad_arguments_are_named(changes, words):
    X = SHAPES["tall"]
    with pytest.raises(ValueError, match=words):
        ours.enet_path(**{"X": X, "y": target(X), **changes})
    with pytest.raises(TypeError, match="l1_ratio"):
        ours.lasso_path(X, target(X), l1_ratio=0.5)


def test_a_path_that_is_not_finished_warns():
    X = SHAPES["wide"]
    with pytest.warns(ConvergenceWarning):
        ours.lasso_path(X, target(X), alphas=[1e-6], tol=1e-14, max_iter=1)
