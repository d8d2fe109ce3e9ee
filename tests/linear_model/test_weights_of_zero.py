"""Rows of weight 0 do not exist: whatever stands in them, each estimator learns what it learns without them.

Estimators that take a step a row (SGD) count such a row as a step without a gradient, as scikit-learn's do: there, what stands in it
does not matter.
"""
import warnings

import numpy as np
import pytest
import scipy.sparse

import fastopt as fo
from fastopt import linear_model as ours, losses
from solved_cases import EACH, TARGETS, Y_OF, X

N = len(X)
GONE = np.random.default_rng(3).permutation(N)[:20]
KEPT = np.setdiff1d(np.arange(N), GONE)
LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_array}
LEFT = [np.setdiff1d(KEPT, KEPT[i::3]) for i in range(3)]


def wild(dtype, size):
    """X with sentinels in the rows that do not count."""
    made = X.astype(dtype)
    made[GONE] = np.array([size, -size, size, 1.0, 0.5 * size, -3.0])
    return made


def targets(name, size):
    y = TARGETS[Y_OF[name]].copy()
    if y.dtype.kind == "f":
        y[GONE] = -size
    return y


def weights(seed=4):
    weight = np.random.default_rng(seed).integers(1, 4, N).astype(float)
    weight[GONE] = 0
    return weight


def fit(model, X, y, weight):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)
        warnings.simplefilter("ignore", category=FutureWarning)
        return model.fit(X, y, sample_weight=weight)


def solved(name, folds):
    model = EACH[name].__class__(**EACH[name].get_params())
    if "cv" in model.get_params() and name != "RidgeCV":
        model.set_params(cv=folds)
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    if "tol" in model.get_params():
        model.set_params(tol=1e-8)
    if model.get_params().get("max_iter", 0) is not None and "max_iter" in model.get_params():
        model.set_params(max_iter=20000)
    return model


@pytest.mark.parametrize("dtype, size", [(np.float64, 1e7), (np.float64, 1e200), (np.float32, 1e7), (np.float32, 1e38)])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", EACH)
@pytest.mark.repeats(4)
def test_solved_estimators(name, layout, dtype, size):
    if name == "QuantileRegressor" and layout != "C":
        layout = "csr"
    y, weight = targets(name, size), weights()
    folds = [(np.append(left, GONE), np.append(np.setdiff1d(KEPT, left), GONE)) for left in LEFT]
    place = np.full(N, -1)
    place[KEPT] = np.arange(len(KEPT))
    alone = [(place[left], place[np.setdiff1d(KEPT, left)]) for left in LEFT]
    a = fit(solved(name, folds), LAYOUTS[layout](wild(dtype, size)), y, weight)
    b = fit(solved(name, alone), LAYOUTS[layout](X[KEPT].astype(dtype)), y[KEPT], weight[KEPT])
    np.testing.assert_array_equal(a.coef_, b.coef_)
    np.testing.assert_array_equal(a.intercept_, b.intercept_)
    for attribute in ("alpha_", "C_", "mse_path_", "scores_", "best_score_", "n_iter_", "dual_gap_"):
        if hasattr(b, attribute):
            np.testing.assert_array_equal(getattr(a, attribute), getattr(b, attribute))


@pytest.mark.parametrize("y", ["two", "three"])
@pytest.mark.parametrize("name", [name for name in EACH if Y_OF[name] in ("two", "three")])
def test_a_class_that_weighs_nothing_stays_a_class(name, y):
    """As in scikit-learn; it is never predicted, and the others are told apart as without it."""
    y = np.append(TARGETS[y], ["zebra"] * 5) if TARGETS[y].dtype.kind == "U" else np.append(TARGETS[y], [9] * 5)
    made = np.vstack([X, np.full((5, X.shape[1]), 1e7)])
    weight = np.append(np.ones(N), np.zeros(5))
    model = EACH[name].__class__(**EACH[name].get_params())
    a, b = fit(model, made, y, weight), fit(EACH[name].__class__(**EACH[name].get_params()), X, y[:N], None)
    assert len(a.classes_) == len(np.unique(y)) and np.isfinite(a.coef_).all() and np.isfinite(a.intercept_).all()
    assert (a.predict(X) == b.predict(X)).mean() > 0.97 and not np.isin(a.predict(X), y[-5:]).any()


SGD = [("SGDClassifier", params) for params in (
    {}, {"loss": "log_loss", "penalty": "l1"}, {"average": True}, {"loss": "modified_huber", "class_weight": "balanced"},
    {"batch_size": 16, "optimizer": "adam"}, {"optimizer": "auto"}, {"loss": "exponential", "learning_rate": "constant", "eta0": 1e-3},
    {"learning_rate": "pa1", "eta0": 1.0, "loss": "hinge"})]
SGD += [("SGDRegressor", params) for params in (
    {}, {"loss": "huber", "penalty": "elasticnet"}, {"average": 5}, {"batch_size": 16}, {"optimizer": "auto"}, {"loss": "poisson", "eta0": 1e-4})]
SGD += [("SGDOneClassSVM", {}), ("SGDOneClassSVM", {"average": True})]


@pytest.mark.parametrize("dtype, size", [(np.float64, 1e7), (np.float64, 1e200), (np.float32, 1e38)])
@pytest.mark.parametrize("layout", ["C", "F", "csr"])
@pytest.mark.parametrize("name, params", SGD)
def test_estimators_that_take_a_step_a_row(name, params, layout, dtype, size):
    weight, found = weights(), []
    for sentinel in (1.0, size):
        y = TARGETS["three" if name == "SGDClassifier" else "counts"].astype(float)
        if name == "SGDRegressor":
            y[GONE] = 1.0 if sentinel == 1 else -size
        model = getattr(ours, name)(random_state=0, max_iter=20, **params)
        found.append(fit(model, LAYOUTS[layout](wild(dtype, sentinel)), None if name == "SGDOneClassSVM" else y, weight))
    a, b = found
    np.testing.assert_array_equal(a.coef_, b.coef_)
    assert a.n_iter_ == b.n_iter_ and np.isfinite(b.coef_).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", [*(name for name in losses.names() if name != "multinomial"), "multinomial"])
def test_objectives(loss, dtype):
    size = 1e38 if dtype == np.float32 else 1e300
    target = "sign" if loss == "multinomial" else losses.get(loss).target
    y = {"sign": TARGETS["two"] == "yes", "real": TARGETS["real"], "nonnegative": TARGETS["counts"], "positive": TARGETS["positive"],
         "unit": np.full(N, 0.3)}[target].astype(float)
    weight, made = weights(), wild(dtype, size)
    w = np.linspace(-1, 1, 6 * (2 if loss == "multinomial" else 1))
    for format in (np.asarray, scipy.sparse.csr_matrix):
        a = fo.LinearObjective(format(made), y, loss, sample_weight=weight)
        b = fo.LinearObjective(format(X[KEPT].astype(dtype)), y[KEPT], loss, sample_weight=weight[KEPT])
        rtol = 2e-4 if dtype == np.float32 else 1e-10
        np.testing.assert_allclose(a.value(w), b.value(w), rtol=rtol)
        np.testing.assert_allclose(a.gradient(w), b.gradient(w), rtol=rtol, atol=rtol)
        if loss == "multinomial" or losses.get(loss).smooth:
            np.testing.assert_allclose(a.hessian(w), b.hessian(w), rtol=rtol, atol=rtol)
            np.testing.assert_allclose(a.hessp(w, w), b.hessp(w, w), rtol=rtol, atol=rtol)
            np.testing.assert_allclose(a.line(w, w)(0.5), b.line(w, w)(0.5), rtol=rtol, atol=rtol)
