"""y as people have it, lists, Series, frames, one column or one row, numbers as objects, strings: `fit`, `partial_fit` and `score` of each
estimator take what scikit-learn's takes, give its score, and refuse the rest by an error of its class that names y.
"""
import inspect
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import linear_model as theirs, svm
from sklearn.exceptions import ConvergenceWarning

from fastopt import linear_model as ours

RNG = np.random.default_rng(0)
N = 40
X = RNG.normal(size=(N, 3))
REAL = np.exp(X @ [0.3, 0.2, -0.1] + 0.1 * RNG.normal(size=N))
NAMES = [name for name in ours.__all__ if hasattr(theirs, name) or hasattr(svm, name)]
NAMES = [name for name in NAMES if inspect.isclass(getattr(ours, name)) and name != "SGDOneClassSVM"]   # which looks at no y
pytestmark = pytest.mark.filterwarnings("ignore")

KINDS = {
    "column": lambda y: y[:, None], "list": lambda y: y.tolist(), "list of rows": lambda y: y[:, None].tolist(),
    "series": pd.Series, "series in another order": lambda y: pd.Series(y, index=np.arange(N)[::-1]),
    "frame": lambda y: pd.DataFrame({"y": y}), "objects": lambda y: y.astype(object), "column of objects": lambda y: y.astype(object)[:, None],
    "row": lambda y: y[None], "two columns": lambda y: np.c_[y, y], "three dimensions": lambda y: y[:, None, None],
    "bool": lambda y: y > np.median(y), "strings": lambda y: np.where(y > np.median(y), "a", "b"),
    "strings as objects": lambda y: np.where(y > np.median(y), "a", "b").astype(object), "numbers as strings": lambda y: y.astype(str),
    "category": lambda y: pd.Series(pd.Categorical((y > np.median(y)).astype(int))),
    "Int64": lambda y: pd.Series((y * 10 + 1).astype(int), dtype="Int64"), "int": lambda y: (y * 10 + 1).astype(int),
    "float32": lambda y: y.astype(np.float32), "opposite sign": lambda y: -1 * y,
    "scalar": lambda y: 1.0, "none": lambda y: None, "one nan": lambda y: np.r_[np.nan, y[1:]], "too short": lambda y: y[:-1],
    "complex": lambda y: y + 1j, "nothing": lambda y: y[:0],
}
#: scikit-learn's wording for which the class of its error is that of an accident on the way
ACCIDENTS = "Function call with|Invalid input for linprog|Axis must be specified|Input should have at least 1 dimension"


def outcome(call):
    """What came: a number, or the error."""
    try:
        return call()
    except Exception as error:
        return error


def twins(name):
    """Our estimator, fitted, and scikit-learn's with the same weights."""
    y = (REAL > 1).astype(int) if hasattr(getattr(ours, name), "decision_function") else REAL
    cls = getattr(theirs, name, None) or getattr(svm, name)
    model, twin = getattr(ours, name)().fit(X, y), cls().fit(X, y)
    twin.coef_, twin.intercept_ = np.reshape(model.coef_, np.shape(twin.coef_)), np.reshape(model.intercept_, np.shape(twin.intercept_))
    return model, twin, y


def compare(mine, other, where):
    """Scikit-learn's number, or an error where it has one, of its class."""
    if isinstance(mine, Exception):
        assert isinstance(other, Exception), f"{where}: refused, {mine!r}; scikit-learn has {other}"
        assert isinstance(mine, (ValueError, TypeError)), f"{where}: {mine!r}"
        if ".score" not in where:   # whose words are those of scikit-learn's metrics
            assert re.search(r"\by\b|\bclasses\b", str(mine)), f"{where}: {mine!r} does not name y"
        if type(other) in (ValueError, TypeError) and not re.search(ACCIDENTS, f"{mine} {other}"):
            assert isinstance(mine, type(other)), f"{where}: {mine!r} instead of {other!r}"
    elif not isinstance(other, Exception):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12, err_msg=where)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.repeats(4)
def test_score(name):
    model, twin, y = twins(name)
    for kind, change in KINDS.items():
        for weight in (None, np.arange(N) * 1.0, list(range(N))):
            value = change(y)
            mine = outcome(lambda: model.score(X, value, sample_weight=weight))
            other = outcome(lambda: twin.score(X, value, sample_weight=weight))
            if name in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor") and kind == "too short":
                assert isinstance(mine, ValueError)   # scikit-learn's loops in C read past the end of y
                continue
            compare(mine, other, f"{name}.score, {kind}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.repeats(3)
def test_fit(name, method):
    cls, other = getattr(ours, name), getattr(theirs, name, None) or getattr(svm, name)
    y = twins(name)[2]
    if not hasattr(cls, method):
        return
    for kind, change in KINDS.items():
        value = change(y)
        more = {"classes": np.unique(np.asarray(value))} if method == "partial_fit" and hasattr(cls, "decision_function") else {}
        mine, twin = (outcome(lambda c=c: np.shape(getattr(c(), method)(X, value, **more).coef_)) for c in (cls, other))
        if name == "SGDRegressor" and kind == "two columns":   # which we have and scikit-learn has not
            assert mine == (2, 3)
            continue
        compare(mine, twin, f"{name}.{method}, {kind}")
    if not hasattr(cls, "decision_function"):   # scikit-learn takes their nanoseconds
        with pytest.raises(TypeError, match="y must hold real numbers, got datetime64"):
            getattr(cls(), method)(X, y.astype("M8[s]"))


@pytest.mark.parametrize("name", ["PoissonRegressor", "GammaRegressor", "TweedieRegressor"])
def test_a_column_scores_as_its_numbers(name):
    """Which scikit-learn's own cannot."""
    model, _, y = twins(name)
    for kind in ("column", "list of rows", "frame", "column of objects"):
        assert model.score(X, KINDS[kind](y)) == model.score(X, y)


@pytest.mark.newest
@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_matrix], ids=["dense", "csr"])
@pytest.mark.parametrize("name, params, store", [
    ("Ridge", {}, ()), ("Ridge", {"positive": True}, ()), ("RidgeCV", {}, ()), ("RidgeCV", {"cv": 3}, ()),
    ("RidgeCV", {"store_cv_results": True}, ("cv_results_",)), ("RidgeCV", {"alpha_per_target": True}, ("alpha_",)),
    ("Lasso", {"alpha": 0.01}, ("dual_gap_",)), ("ElasticNet", {"alpha": 0.01}, ("n_iter_",))])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_single_column_has_the_shapes_of_scikit_learn(name, params, store, intercept, form):
    """Those who take several columns of y take one without a word."""
    X, y = form(np.random.default_rng(0).normal(size=(N, 3))), REAL[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        mine, other = (getattr(module, name)(fit_intercept=intercept, **params).fit(X, y) for module in (ours, theirs))
    for attribute in ("coef_", "intercept_", *store):
        assert np.shape(getattr(mine, attribute)) == np.shape(getattr(other, attribute)), attribute
    assert isinstance(mine.intercept_, np.ndarray if intercept else float)
    assert mine.predict(X).shape == other.predict(X).shape
    flat = getattr(ours, name)(fit_intercept=intercept, **{**params, "store_cv_results": False} if store == ("cv_results_",) else params)
    np.testing.assert_array_equal(flat.fit(X, REAL).coef_, mine.coef_)
