"""Bad values for every argument, as hypothesis strategies, and the one check of all tests of bad input: refused
by name, nothing changed.  Used by test_bad_input*.py; knows arguments, not which code refuses them.
"""
import copy
import re

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import strategies as st

from fastopt.exceptions import DivergenceError

N, D = 12, 3
FLOATS = st.sampled_from([np.float64, np.float32])
NOT_FINITE = st.sampled_from([np.nan, np.inf, -np.inf])
#: what NumPy cannot make an array of real numbers from
NO_NUMBERS = st.one_of(
    st.builds(lambda: None), st.builds(dict), st.builds(object), st.text("ab", min_size=1),
    st.sampled_from([[[1, 2], [3]], [{}], ["a"], [None, "a"], {1, 2}, b"ab", [[10 ** 400]], 1j, Ellipsis, len]))
#: what no array of numbers is converted to
NO_DTYPES = st.sampled_from([
    lambda a: a + 1j, lambda a: a.astype(np.complex64), lambda a: np.full(a.shape, "a"),
    lambda a: np.full(a.shape, b"a"),
    lambda a: np.full(a.shape, None) if a.ndim > 1 else np.array([{}] * a.size), lambda a: a.astype("M8[s]"),
    lambda a: a.astype("m8[D]"), lambda a: np.zeros(a.shape, "V4"),
    lambda a: np.zeros(a.shape, [("a", float), ("b", int)]),
    lambda a: np.full(a.shape, 10 ** 400, dtype=object), lambda a: np.full(a.shape, np.longdouble("1e4000"))])


def good(dtype=np.float64):
    """X, labels of two classes, real targets."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)).astype(dtype)
    return X, np.arange(N) % 2, X.sum(axis=1)


@st.composite
def spoiled(draw, array, values):
    """The array with one bad value."""
    spoilt = np.array(array)
    spoilt.flat[draw(st.integers(0, spoilt.size - 1))] = draw(values)
    return spoilt


@st.composite
def bad_X(draw, rows_matter=True, columns_matter=True):
    X = good(draw(FLOATS))[0]
    kind = draw(st.sampled_from(["value", "value in CSR", "dtype", "shape", "no numbers"]
                                + ["rows"] * rows_matter + ["columns"] * columns_matter))
    if kind == "dtype":
        return draw(NO_DTYPES)(X)
    if kind == "no numbers":
        return draw(NO_NUMBERS)
    if kind == "shape":
        return draw(st.sampled_from([X[:, 0], X[None], X[:0], X[:, :0], X[0, 0], X[:0, :0], X.ravel().tolist(),
                                     sp.csr_matrix(X)[:0], sp.csr_matrix(X)[:, :0]]))
    if kind == "rows":
        return draw(st.sampled_from([X[:-1], np.vstack([X, X]), sp.csr_matrix(X)[1:], X.tolist()[:2]]))
    if kind == "columns":
        return draw(st.sampled_from([X[:, :-1], np.hstack([X, X]), sp.csr_matrix(X)[:, 1:]]))
    X = draw(spoiled(X, NOT_FINITE))
    return sp.csr_matrix(X) if kind == "value in CSR" else draw(st.sampled_from([X, np.asfortranarray(X), X.tolist()]))


@st.composite
def bad_weight(draw):
    weight = np.ones(N, draw(FLOATS))
    return draw(st.one_of(
        spoiled(weight, st.sampled_from([np.nan, np.inf, -np.inf, -1, -1e-30])),
        NO_DTYPES.map(lambda change: change(weight)), NO_NUMBERS.filter(lambda value: value is not None),
        st.sampled_from([np.zeros(N), weight[:-1], weight[:0], np.ones((N, 1)), np.ones((1, N)), -1, 0, np.nan,
                         10 ** 400, "balanced", [1.0], sp.csr_matrix(weight)])))


@st.composite
def bad_labels(draw, first=True):
    """y of a classifier; `first`: it decides the classes."""
    y = good()[1]
    shapes = [y[:-1], y[:0], np.c_[y, y], y[None, :, None], 1, sp.csr_matrix(y)]
    others = [y + 0.5, np.full(N, None), np.array([None, "a"] * 6), np.array([1, "a"] * 6, dtype=object), y + 1j]
    others += [np.zeros(N, int), np.full(N, "a"), np.ones(N)] if first else [
        y + 1, y - 1, np.array(["0", "1"])[y], np.full(N, 2 ** 40), np.full(N, 2 ** 63, np.uint64), y.astype("M8[s]")]
    return draw(st.one_of(spoiled(y.astype(float), NOT_FINITE), st.sampled_from(shapes + others), NO_NUMBERS))


@st.composite
def bad_targets(draw, dtype=np.float64, loss="squared_error"):
    """y of a regression of that loss on X of that dtype."""
    y = np.abs(good()[2]) + 1
    shapes = [y[:-1], y[:0], y[:, None, None], 1.0, sp.csr_matrix(y), np.full(N, None), y.astype("M8[D]").tolist()]
    values = NOT_FINITE
    if dtype == np.float32:
        values |= st.sampled_from([1e39, -1e300])
    if loss in ("poisson", "gamma"):
        values |= st.sampled_from([-1e-30, -1.0])
    return draw(st.one_of(spoiled(y, values), NO_DTYPES.map(lambda change: change(y)), NO_NUMBERS,
                          st.sampled_from(shapes)))


@st.composite
def bad_start(draw, shape):
    """coef_init and so on, of a model of one output."""
    start = np.ones(shape)
    wrong = [np.ones(np.prod(shape) + 1), np.ones(0), np.ones((2, *shape)), sp.csr_matrix(start)]
    return draw(st.one_of(spoiled(start, NOT_FINITE), NO_DTYPES.map(lambda change: change(start)),
                          st.sampled_from(wrong), NO_NUMBERS.filter(lambda value: value is not None)))


def state(estimator):
    """Everything an estimator holds, its parameters as they are."""
    parameters = estimator.get_params()
    return {name: value if name in parameters else copy.deepcopy(value) for name, value in vars(estimator).items()}


def refused(argument, call, *estimators):
    """The call raises ValueError or TypeError, names the argument, and changes no estimator."""
    before = [state(estimator) for estimator in estimators]
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    assert re.search(rf"\b{argument}\b", str(caught.value)), f"{argument} is not named: {caught.value}"
    assert not isinstance(caught.value, DivergenceError), caught.value
    for estimator, was in zip(estimators, before):
        now = vars(estimator)
        assert now.keys() == was.keys()
        for name in was:
            if name in estimator.get_params():
                assert now[name] is was[name]
            else:
                np.testing.assert_equal(now[name], was[name], err_msg=name)
