"""Ridge of many targets, and of sparse X: the same optimum whatever the shape, strength and type, in as few readings of X as it takes."""
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import linear_model

from fastopt import LinearObjective
from fastopt.linear_model import Ridge

SHAPES = {"rows fewer than columns": (40, 90), "as many": (50, 50), "rows more than columns": (200, 15), "two rows": (2, 5)}
TARGETS = {"plain": lambda Y: Y, "far from 0": lambda Y: Y + 1e6, "one is constant": lambda Y: np.where(np.arange(Y.shape[1]) == 3, 7.0, Y),
           "of other units": lambda Y: Y * np.geomspace(1e-6, 1e6, Y.shape[1]), "Fortran order": np.asfortranarray,
           "two": lambda Y: Y[:, :2], "whole numbers": lambda Y: np.round(10 * Y).astype(np.int64)}


def problem(shape, k=30):
    rng = np.random.default_rng(0)
    X = rng.normal(size=SHAPES[shape])
    return X, X @ rng.normal(size=(X.shape[1], k)) + rng.normal(size=(len(X), k)) + 2, rng.random(len(X)) + 0.1


@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("intercept, weighted", [(True, False), (True, True), (False, True)])
@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.repeats(4)
def test_all_targets_are_solved(shape, targets, intercept, weighted, alpha):
    X, Y, weight = problem(shape)
    Y, weight = TARGETS[targets](Y), weight if weighted else None
    model = Ridge(alpha, fit_intercept=intercept).fit(X, Y, weight)
    wanted = linear_model.Ridge(alpha, fit_intercept=intercept, solver="svd").fit(X, Y, weight)
    size = np.abs(Y - (Y.mean(axis=0) if intercept else 0)).max(axis=0)
    np.testing.assert_array_less(np.abs(model.predict(X) - wanted.predict(X)).max(axis=0), 1e-7 * size + 1e-14 * np.abs(Y).max() + 1e-300)
    assert model.coef_.shape == wanted.coef_.shape and np.shape(model.intercept_) == np.shape(wanted.intercept_)


@pytest.mark.parametrize("targets", ["plain", "far from 0", "one is constant", "two"])
@pytest.mark.parametrize("shape", SHAPES)
def test_float32_is_as_near_as_scikit_learn(shape, targets):
    X, Y, _ = problem(shape)
    X, Y = X.astype(np.float32), TARGETS[targets](Y).astype(np.float32)
    best = linear_model.Ridge(solver="svd").fit(X.astype(float), Y.astype(float)).predict(X.astype(float))
    far, other = (np.abs(model.fit(X, Y).predict(X) - best).max() for model in (Ridge(), linear_model.Ridge()))
    assert far <= 2 * other + 4 * np.finfo(np.float32).eps * np.abs(Y).max()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_that_are_not_finite_are_refused(dtype, bad):
    X, Y, _ = problem("as many")
    Y = Y.astype(dtype)
    Y[7, 3] = bad
    with pytest.raises(ValueError, match="Input y contains|y contains|infinity|NaN"):
        Ridge().fit(X.astype(dtype), Y)


FORMS = {"dense": np.asarray, "csr": sp.csr_array, "csc": sp.csc_matrix}


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.repeats(3)
def test_means_of_columns_cost_no_iterations(form, k):
    """Filled places are above 0, so that columns have their means in common: without an intercept that follows, twice as many."""
    rng = np.random.default_rng(1)
    X = rng.random((3000, 300)) * (rng.random((3000, 300)) < 0.05)
    Y = X @ rng.normal(size=(300, k)) + rng.normal(size=(3000, k))
    Y = Y[:, 0] if k == 1 else Y
    centred = Ridge(solver="newton-cg").fit(X - X.mean(axis=0), Y)
    model = Ridge(solver="newton-cg").fit(FORMS[form](X), Y)
    assert np.max(model.n_iter_) <= np.max(centred.n_iter_) + 1
    np.testing.assert_allclose(model.predict(X), linear_model.Ridge().fit(X, Y).predict(X), atol=1e-4 * Y.std())


@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "multinomial"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", FORMS)
def test_predictions_without_coefficients_read_nothing(form, dtype, loss):
    rng = np.random.default_rng(2)
    X, y = (rng.random((50, 4)) * (rng.random((50, 4)) < 0.5)).astype(dtype), rng.integers(0, 2 + (loss == "multinomial"), 50)
    objective = LinearObjective(FORMS[form](X), y, loss, fit_intercept=True)
    w = np.zeros(objective.n_params)
    w[-objective.n_outputs:] = 0.5 + np.arange(objective.n_outputs)
    p = np.broadcast_to(w[-objective.n_outputs:], (50, objective.n_outputs))
    np.testing.assert_array_equal(objective.predictions(w), p.astype(dtype))
    assert objective.passes == 0
    near = w + np.where(w == 0, 1e-9, 0)
    np.testing.assert_allclose(objective.value(w), objective.value(near), rtol=1e-6)
    np.testing.assert_allclose(objective.gradient(w), objective.gradient(near), atol=1e-6)
