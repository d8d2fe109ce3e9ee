"""Generated input, mostly bad: an estimator learns finite weights or raises ValueError or TypeError, and never crashes."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, event, given, settings, strategies as st

from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e-3, 1e5, 1e-300, 1e30, 1e300, np.nan, np.inf, -np.inf])
DTYPES = st.sampled_from([np.float64, np.float32, np.int64, np.uint8, bool, np.float16, complex, object, "U3"])
SIZES = st.sampled_from([0, 1, 2, 3, 5, 8])


@st.composite
def arrays(draw, shape):
    """An array of this shape, tame as often as not, of some dtype."""
    tame = draw(st.integers(0, 3)) > 0
    numbers = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5]) if tame else NUMBERS
    values = np.array(draw(st.lists(numbers, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))).reshape(shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return values.astype(np.float64 if tame and draw(st.booleans()) else draw(DTYPES))


@st.composite
def sparse(draw, n, d):
    """A CSR matrix whose arrays need not agree."""
    X = scipy.sparse.random(n, max(d, 1), density=0.5, format="csr", random_state=draw(st.integers(0, 3)),
                            dtype=draw(st.sampled_from([np.float32, np.float64])))
    index = draw(st.sampled_from([np.int32, np.int64]))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    for _ in range(draw(st.integers(0, 2))):
        array = getattr(X, draw(st.sampled_from(["indices", "indptr", "data"])))
        if array.size:
            array[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from([-1, 0, 1, 2, 7, 1000, 2 ** 31 - 1]))
    if draw(st.integers(0, 5)) == 0:
        X.data = X.data[:-1]
    return X


@st.composite
def problems(draw):
    n, d = draw(SIZES), draw(SIZES)
    X = draw(sparse(n, d) if draw(st.booleans()) and n else arrays((n, d)))
    rows = n if draw(st.integers(0, 4)) else draw(SIZES)
    y = draw(arrays((rows,) if draw(st.integers(0, 4)) else (rows, 2)))
    weight = draw(st.none() | arrays((rows,)))
    eval_set = draw(st.none() | st.tuples(arrays((n, d)), arrays((n,))))
    return X, y, weight, eval_set


PARAMETERS = st.fixed_dictionaries({}, optional={
    "loss": st.sampled_from(["log_loss", "huber", "poisson", "squared_error", "exponential", "hing", 3]),
    "penalty": st.sampled_from(["l1", None, "elasticnet", "l3"]), "alpha": st.sampled_from([0, 1e-3, 10.0, -1, "a"]),
    "learning_rate": st.sampled_from(["constant", "adaptive", "pa1", "none"]), "eta0": st.sampled_from([1e-3, 1e10, 0, None]),
    "average": st.sampled_from([True, 3, 0]), "early_stopping": st.booleans(), "restore_best": st.booleans(),
    "tol": st.sampled_from([None, 0.1, -1]), "random_state": st.sampled_from([0, None, -1, "x"])})


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(problem=problems(), parameters=PARAMETERS, cls=st.sampled_from([SGDClassifier, SGDRegressor, SGDOneClassSVM]))
def test_learns_or_refuses(problem, parameters, cls):
    X, y, weight, eval_set = problem
    if cls is SGDOneClassSVM:
        parameters = {key: value for key, value in parameters.items()
                      if key in ("learning_rate", "eta0", "average", "tol", "random_state")}
    model = cls(max_iter=4, **parameters)
    before = dict(vars(model))
    try:
        model.fit(X, y, sample_weight=weight, **({} if cls is SGDOneClassSVM else {"eval_set": eval_set}))
    except (ValueError, TypeError) as error:
        assert str(error)
        assert hasattr(model, "coef_") or vars(model) == before
    event("learnt" if hasattr(model, "coef_") else "refused")
    if hasattr(model, "coef_"):
        assert np.isfinite(model.coef_).all()
        model.predict(X)
