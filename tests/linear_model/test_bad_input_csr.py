"""Sparse X whose arrays contradict each other: refused by name, here and, hundreds at a time, in a process that may
crash alone.  What only looks odd (duplicates, any order, int64, spare room, empty rows) gives the dense array's result.
"""
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from bad_inputs import refused
from fastopt._core.tables import Matrix
from fastopt.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor
from sparse_cases import D, N, changed, matrix, odd

FAR = [10 ** 9, -10 ** 9, D, -1, 2 ** 31 - 1, -2 ** 31]


@st.composite
def broken_csr(draw):
    """One way in which CSR arrays may contradict each other."""
    index = draw(st.sampled_from([np.int32, np.int64]))
    X = matrix(dtype=draw(st.sampled_from([np.float32, np.float64])), index=index)
    far = st.sampled_from(FAR + [2 ** 62, -2 ** 63] * (index == np.int64))
    place, count = draw(st.integers(0, 100)), draw(st.integers(1, 5))
    kind = draw(st.sampled_from(["indices", "indptr", "start", "end", "decreasing", "short", "long", "dimensions",
                                 "types"]))
    name = draw(st.sampled_from(["data", "indices", "indptr"]))
    if kind == "indices":
        X.indices = changed(X.indices, place, draw(far))
    elif kind == "indptr":   # in the middle: too large decreases after it
        X.indptr = changed(X.indptr, 1 + place % (N - 1), draw(st.sampled_from([10 ** 9, -1, -2 ** 31, 10 ** 6])))
    elif kind == "start":
        X.indptr = draw(st.sampled_from([changed(X.indptr, 0, 1), changed(X.indptr, 0, -1), X.indptr + 1,
                                         X.indptr - 1]))
    elif kind == "end":
        X.indptr = changed(X.indptr, N, X.nnz + draw(st.sampled_from([1, 10 ** 6, -X.nnz - 1])))
    elif kind == "decreasing":
        X.indptr = X.indptr[::-1].copy() if place % 2 else changed(X.indptr, N // 2, X.indptr[N // 2 - 1] - 1)
    elif kind == "short":
        setattr(X, name, getattr(X, name)[:-count])
    elif kind == "long":
        name = draw(st.sampled_from(["data", "indices", "indptr"]))
        setattr(X, name, np.concatenate([getattr(X, name), getattr(X, name)[-count:]]))
    elif kind == "dimensions":
        setattr(X, name, getattr(X, name)[:, None])
    else:
        setattr(X, name, draw(st.sampled_from([lambda a: a + 1j, lambda a: a.astype("M8[s]"), lambda a: None,
                                               lambda a: [float(v) for v in a]]))(getattr(X, name)))
    return X


@settings(max_examples=300)
@given(st.data(), broken_csr(), st.sampled_from([SGDClassifier, SGDRegressor, SGDOneClassSVM]))
def test_broken_csr(data, X, cls):
    good, y = matrix(dtype=np.float32), np.arange(N) % 2
    refused("X", lambda: Matrix(X))
    estimator = cls(max_iter=2, tol=None)
    target = () if cls is SGDOneClassSVM else (y,)
    refused("X", lambda: estimator.fit(X, *target), estimator)
    estimator.fit(good, *target)
    method = data.draw(st.sampled_from(["fit", "partial_fit", "predict", "eval_set"]))
    if method == "predict":
        refused("X", lambda: estimator.predict(X), estimator)
    elif method == "eval_set" and target:
        refused("eval_set", lambda: estimator.fit(good, *target, eval_set=(X, y)), estimator)
    else:
        refused("X", lambda: getattr(estimator, method if "fit" in method else "fit")(X, *target), estimator)


#: numbers out of place in all formats that scikit-learn takes; it prints how many were refused and accepted
STORM = """
import numpy as np, scipy.sparse as sp, sys
from fastopt.linear_model import SGDClassifier
rng, refused, legal = np.random.default_rng(int(sys.argv[1])), 0, 0
y = np.arange(40) % 3
fitted = SGDClassifier(max_iter=1, tol=None).fit(np.ones((40, 9)), y)
before = fitted.coef_.copy()
for i in range(int(sys.argv[2])):
    kind = ["csr", "csr", "csc", "coo", "bsr", "lil", "dia"][i % 7]
    X = sp.random(40, 9, 0.4, kind, random_state=np.random.RandomState(0), dtype=[np.float32, np.float64][i % 2])
    names = [n for n in ("data", "indices", "indptr", "row", "col", "offsets", "rows") if hasattr(X, n)]
    for name in rng.choice(names, 2, replace=False):
        array = getattr(X, name)
        if array.dtype == object:
            array[3] = [int(rng.integers(-100, 100))] * len(array[3])
            continue
        if rng.random() < 0.3:
            array = array[:rng.integers(0, len(array))].copy()
        for _ in range(rng.integers(0, 4)):
            if len(array):
                value = rng.choice([-1, 0, 9, 40, 10**9, -10**9, 5, 100000, 2**31 - 1])
                array.flat[rng.integers(array.size)] = int(value)
        try:
            setattr(X, name, array)
        except (ValueError, AttributeError):   # SciPy refuses
            pass
    for call in (lambda: SGDClassifier(max_iter=1, tol=None).fit(X, y), lambda: fitted.predict(X)):
        try:
            call()
            legal += 1
        except (ValueError, TypeError) as error:
            assert "X" in str(error) or "diverged" in str(error), (kind, error)
            refused += 1
assert np.array_equal(fitted.coef_, before)
print(refused, legal)
"""


@pytest.mark.parametrize("seed", [0, 1])
def test_no_numbers_out_of_place_crash(run_python, seed, tmp_path):
    (tmp_path / "storm.py").write_text(STORM)
    program = [tmp_path / "storm.py", seed, 700]
    refusals, legal = map(int, run_python(program, PYTHONMALLOC="malloc", MALLOC_PERTURB_="165").split())
    assert refusals > 500 and legal > 20


# ---- what only looks odd ----
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", odd())
def test_legal_csr(name, dtype):
    """The result of the dense array, but for the 0.01 of the intercept's step that goes with CSR."""
    X, dense = odd()[name]
    X, dense = X.astype(dtype) if X.dtype != dtype else X, np.ascontiguousarray(dense, dtype)
    rtol, atol = (2e-4, 1e-5) if dtype == np.float32 else (1e-11, 0)
    for k in (2, 3):
        y = np.arange(N) % k
        got, want = (SGDClassifier(loss="log_loss", fit_intercept=False, max_iter=3, tol=None, random_state=0).fit(A, y)
                     for A in (X, dense))
        np.testing.assert_allclose(got.coef_, want.coef_, rtol=rtol, atol=atol)
        np.testing.assert_allclose(got.decision_function(X), got.decision_function(dense), rtol=1e-4, atol=1e-5)
