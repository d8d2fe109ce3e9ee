"""What is unusual but right: single rows and columns, constants, numbers at the ends of the range, hundreds of classes,
labels of any type, weights of any size.  scikit-learn is the oracle where it can be, else what must hold of any result.
"""
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model
from sklearn.base import clone

import fastopt.linear_model
from fastopt import losses
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

N, D = 40, 5
# scikit-learn before 1.9 took other defaults and, for the one-class SVM, other steps
MODULES = (fastopt.linear_model,)
if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9):
    MODULES += (sklearn.linear_model,)


def problem(seed=0, n=N, d=D):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(1, d + 1) + rng.normal(size=n)


def compare(name, X, y, rtol=1e-6, fit=None, **parameters):
    """All weights finite and, with the intercept, the same as scikit-learn's; returns fastopt's."""
    parameters = {"random_state": 3, "max_iter": 4, "tol": None, **parameters}
    pair = []
    for module in MODULES:
        estimator = getattr(module, name)(**parameters)
        pair.append(estimator.fit(X, **(fit or {})) if name == "SGDOneClassSVM" else estimator.fit(X, y, **(fit or {})))
    got, want = pair[0], pair[-1]
    for attribute in ("coef_", "offset_" if name == "SGDOneClassSVM" else "intercept_"):
        a, b = getattr(got, attribute), getattr(want, attribute)
        assert np.isfinite(a).all() and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max(), err_msg=attribute)
    return got


LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": sp.csr_matrix}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e-310, 5e-324, 1e100, float(np.finfo(np.float32).max)])
def test_magnitudes(layout, scale):
    """float64; of subnormal X the weights of the loss are 0 and what is left is the intercept."""
    X, y = problem()
    X = LAYOUTS[layout](X * scale)
    compare("SGDClassifier", X, y > 0, penalty="elasticnet")
    compare("SGDClassifier", X, y > 0, loss="modified_huber", learning_rate="constant",
            eta0=1e-3 / max(scale, 1e-5) ** 2)
    compare("SGDOneClassSVM", X, None)
    if scale < 1e99:
        compare("SGDRegressor", X, y, eta0=0.01 / max(scale, 1) ** 2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scale", [1e15, 1e-15, 1e-38, 1e-44])
def test_magnitudes_of_float32(layout, scale):
    """Finite, and as good on X·scale as float64 is: the order of magnitude of the weights agrees."""
    X, y = problem()
    X = LAYOUTS[layout]((X * scale).astype(np.float32))
    for name, target in (("SGDClassifier", y > 0), ("SGDRegressor", y)):
        eta0 = 0.01 / max(scale, 1) ** 2
        estimator = getattr(fastopt.linear_model, name)(random_state=0, max_iter=4, tol=None, learning_rate="constant",
                                                        eta0=eta0)
        model, exact = clone(estimator).fit(X, target), estimator.fit(X.astype(np.float64), target)
        atol = max(1e-3 * np.abs(exact.coef_).max(), 1e-43)   # some of the smallest subnormals
        np.testing.assert_allclose(model.coef_, exact.coef_, rtol=1e-3, atol=atol)
        assert np.isfinite(model.predict(X)).all() and np.isfinite(model.loss_curve_).all()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(2, 1), (2, 5), (3, 1), (15, 3), (16, 1), (17, 2), (100, 1), (2, 700)])
def test_few_rows_and_columns(shape, layout):
    X, y = problem(n=shape[0], d=shape[1])
    y = y - np.median(y)
    X = LAYOUTS[layout](X)
    compare("SGDClassifier", X, y > 0, loss="log_loss", average=2)
    compare("SGDRegressor", X, y, eta0=1e-4)
    compare("SGDOneClassSVM", X, None)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("d", [1, 4])
def test_one_row(d, layout):
    X = LAYOUTS[layout](np.full((1, d), 2.0))
    compare("SGDRegressor", X, [3.0])
    compare("SGDOneClassSVM", X, None)
    model = SGDClassifier(random_state=0).partial_fit(X, [1], classes=[0, 1]).partial_fit(X[:1], [0])
    assert np.isfinite(model.coef_).all() and model.predict(X).shape == (1,)


def test_size_1_dimensions_have_any_strides():
    """A stride that is never walked says nothing: slices, broadcasts and C or F order of the same numbers agree."""
    X, y = problem()
    column, row = X[:, :1], X[:1]
    views = [column, np.asfortranarray(column), column[::1, :], np.ascontiguousarray(column),
             np.lib.stride_tricks.as_strided(column, (N, 1), (column.strides[0], 3)), X.T[:1].T]
    first = SGDRegressor(random_state=0).fit(column.copy(), y)
    for view in views:
        np.testing.assert_array_equal(SGDRegressor(random_state=0).fit(view, y).coef_, first.coef_)
        np.testing.assert_array_equal(first.predict(view), first.predict(column.copy()))
    first = SGDRegressor(random_state=0).fit(row.copy(), [1.0])
    for view in (row, np.asfortranarray(row), np.lib.stride_tricks.as_strided(row, (1, D), (5, 8)),
                 np.repeat(row, 3, axis=1)[:, ::3]):
        np.testing.assert_array_equal(SGDRegressor(random_state=0).fit(view, [1.0]).coef_, first.coef_)
    spread = np.broadcast_to(row, (N, D))
    first = SGDRegressor(random_state=0).fit(spread.copy(), y)
    np.testing.assert_array_equal(SGDRegressor(random_state=0).fit(spread, y).coef_, first.coef_)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_constant_and_zero_columns(layout):
    X, y = problem()
    X[:, 1], X[:, 3] = 7.0, 0.0
    got = compare("SGDClassifier", LAYOUTS[layout](X), y > 0, penalty="l1")
    assert got.coef_[0, 3] == 0
    for name, target in (("SGDClassifier", y > 0), ("SGDRegressor", y), ("SGDOneClassSVM", None)):
        got = compare(name, LAYOUTS[layout](np.zeros((N, D))), target)
        assert not got.coef_.any()


@pytest.mark.parametrize("learning_rate", ["optimal", "pa1", "pa2"])
def test_empty_rows(learning_rate):
    X, y = problem()
    X[[0, 3, 4, N - 1]] = 0
    compare("SGDClassifier", sp.csr_matrix(X), y > 0, learning_rate=learning_rate)
    compare("SGDClassifier", X, y > 0, learning_rate=learning_rate)
    model = SGDClassifier().fit(sp.csr_matrix(X), y > 0)
    np.testing.assert_allclose(model.decision_function(sp.csr_matrix(X)[3:4]), model.intercept_)


@pytest.mark.parametrize("labels", [
    ["b", "a", "c"], [True, False], [1.5e0 + 0.5, -3.0, 0.0], [-7, -1, 5], [10 ** 18, -10 ** 18, 0],
    [np.uint64(2 ** 63 + 5), np.uint64(2 ** 63 + 1)], np.array([1, 2, 3], np.int8), np.array([250, 3, 255], np.uint8),
    np.array(["ö", "a" * 50, ""]), np.array(["x", "y"], dtype=object),
    np.array(["2020-01-01", "2020-01-02"], "M8[D]").astype(str)], ids=str)
@pytest.mark.parametrize("sparse", [False, True])
def test_labels_of_any_type(labels, sparse):
    """As good as the numbers of the classes, and given back as they came."""
    X, y = problem()
    labels = np.asarray(labels)
    codes = np.digitize(y, np.quantile(y, np.arange(1, len(labels)) / len(labels)))
    X = sp.csr_matrix(X) if sparse else X
    plain = SGDClassifier(random_state=0).fit(X, codes)
    model = SGDClassifier(random_state=0).fit(X, np.sort(labels)[codes])
    np.testing.assert_array_equal(model.classes_, np.sort(labels))
    assert model.classes_.dtype == labels.dtype
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    np.testing.assert_array_equal(model.predict(X), np.sort(labels)[plain.predict(X)])
    again = SGDClassifier(random_state=0).partial_fit(X, np.sort(labels)[codes], classes=labels)
    np.testing.assert_array_equal(again.classes_, np.sort(labels))


@pytest.mark.parametrize("k", [2, 3, 255, 256, 257, 300])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.repeats(3)
def test_many_classes(k, layout):
    """In scikit-learn's order of samples; 256 is where the class numbers no longer fit into a byte."""
    X, _ = problem(n=2 * k, d=3)
    y = np.arange(2 * k) % k
    parameters = {"shuffle": False, "loss": "log_loss", "learning_rate": "constant", "max_iter": 2, "random_state": 3,
                  "tol": None}
    got = compare("SGDClassifier", LAYOUTS[layout](X), y, **parameters)
    assert got.coef_.shape == (1 if k == 2 else k, 3)
    shared = SGDClassifier(n_jobs=2, **parameters).fit(LAYOUTS[layout](X), y)
    np.testing.assert_array_equal(shared.coef_, got.coef_)
    np.testing.assert_allclose(got.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("weight", [1e30, 1e-30, 1e-300, 5e-324, 1e200])
def test_weights_of_any_size(weight, layout):
    X, y = problem()
    compare("SGDClassifier", LAYOUTS[layout](X), y > 0, fit={"sample_weight": np.full(N, weight)})
    compare("SGDClassifier", LAYOUTS[layout](X), y > 0, class_weight={False: weight, True: 1e-5})
    some = np.where(np.arange(N) < 3, 1.0, 0.0)
    compare("SGDRegressor", LAYOUTS[layout](X), y, fit={"sample_weight": some})
    compare("SGDOneClassSVM", LAYOUTS[layout](X), None, fit={"sample_weight": some})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_only_ratios_of_a_loss_s_weights_matter(dtype):
    rng = np.random.default_rng(0)
    y, p, weight = rng.normal(size=(3, 5000))
    weight = np.abs(weight).astype(dtype) + dtype(0.5)
    y, p = y.astype(dtype), p.astype(dtype)
    loss = losses.Huber()
    value, gradient = loss.value_and_gradient(y, p, weight)
    limits = np.finfo(dtype)
    for factor in (limits.max / 8, limits.tiny * 4, limits.smallest_subnormal * 2.0 ** 15, 1e20, 1e-20):
        got = loss.value_and_gradient(y, p, weight * dtype(factor))
        np.testing.assert_allclose(got[0], value, rtol=1e-3)
        np.testing.assert_allclose(got[1], gradient, rtol=1e-3)


def test_many_outputs_of_a_regressor():
    """Outputs that are all alike get weights that are all alike."""
    X, y = problem()
    model = SGDRegressor(random_state=0).fit(X, np.repeat(y[:, None], 20, axis=1))
    assert model.coef_.shape == (20, D) and (model.coef_ == model.coef_[0]).all()
    np.testing.assert_allclose(model.coef_[0], SGDRegressor(random_state=0).fit(X, y).coef_, rtol=1e-10)


def test_predicting_in_another_type_and_layout():
    X, y = problem()
    model = SGDOneClassSVM(random_state=0).fit(X)
    want = model.decision_function(X)
    for other in (X.astype(np.float32), sp.csr_matrix(X), sp.csr_matrix(X.astype(np.float32)), np.asfortranarray(X),
                  X.tolist()):
        np.testing.assert_allclose(model.decision_function(other), want, rtol=1e-4, atol=1e-5)
