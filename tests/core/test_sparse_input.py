"""X is looked at before anybody else gets it: sparse X whose arrays contradict each other is refused by every public callable that takes
X, in processes that may crash alone; what only looks odd gives the dense array's results, and stays as it is.
"""
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import fastopt as fo
from fastopt import linear_model, penalties
from fastopt._common.sparse_input import checked
from fastopt._core.compressed import check_compressed
from sparse_cases import N, matrix, odd, twice

CASES = Path(__file__).parents[1] / "support" / "sparse_cases.py"
GROUPS = 4
ODD = odd()
Y = matrix().toarray() @ np.arange(1.0, 7.0) + np.random.default_rng(3).normal(size=N)
TARGET = {"PoissonRegressor": np.exp(Y / 5), "GammaRegressor": np.exp(Y / 5), "TweedieRegressor": np.exp(Y / 5)}

#: (estimator, parameters) that find one optimum, whatever X is stored as
EXACT = [
    *(("Ridge", {"solver": name}) for name in ("auto", "lbfgs", "newton-cholesky", "newton-cg", "preconditioned-cg", "sag", "saga", "svrg",
                                               "katyusha", "sdca", "cd", "fista")),
    ("Ridge", {"standardize": True}),
    *(("Lasso", {"alpha": 0.05, "solver": name}) for name in ("auto", "cd", "fista", "saga", "katyusha")),
    ("ElasticNet", {"alpha": 0.05}), ("ElasticNet", {"alpha": 0.05, "precompute": True}),
    ("LassoCV", {"alphas": 5}), ("ElasticNetCV", {"alphas": 5}), ("LassoCV", {"alphas": 5, "fit_intercept": False}),
    *(("LogisticRegression", {"solver": name}) for name in ("auto", "newton-cg", "preconditioned-cg")),
    ("LogisticRegression", {"C": 0.5, "l1_ratio": 1.0}), ("LogisticRegressionCV", {"Cs": 3}),
    ("LinearSVC", {}), ("LinearSVC", {"loss": "hinge", "C": 0.05}), ("LinearSVC", {"penalty": "l1"}),
    ("LinearSVR", {}), ("LinearSVR", {"loss": "squared_epsilon_insensitive"}),
    ("RidgeCV", {}), ("RidgeCV", {"cv": 3}), ("HuberRegressor", {"alpha": 0.1}), ("QuantileRegressor", {"alpha": 0.01}),
    ("PoissonRegressor", {}), ("GammaRegressor", {}), ("TweedieRegressor", {"power": 1.5}),
    *(("GeneralizedLinearEstimator", {"loss": "log_loss", "penalty": penalties.L2(0.1), "solver": name})
      for name in ("saga", "sag", "katyusha", "sdca", "svrg")),
]
#: by stochastic gradients, which agree where the steps do
SGD = [("SGDClassifier", {"loss": "log_loss"}), ("SGDClassifier", {"batch_size": 4, "optimizer": "adam", "learning_rate": "constant",
                                                                  "eta0": 0.01}),
       ("SGDRegressor", {}), ("SGDRegressor", {"optimizer": "auto"}), ("SGDOneClassSVM", {})]
STEPS = {"fit_intercept": False, "max_iter": 3, "tol": None, "random_state": 0}


@pytest.mark.parametrize("group", range(GROUPS))
def test_contradictory_arrays_are_refused(run_python, group):
    printed = run_python([CASES, group, GROUPS], check=False, timeout=300, MALLOC_PERTURB_="165").splitlines()
    assert printed[-1].isdigit(), "\n".join(printed[-12:])
    assert int(printed[-1]) > 1000


def made(name, params, X, y):
    """An estimator, fitted to tight tolerance."""
    cls = getattr(linear_model, name)
    known = cls._get_param_names()
    tight = {key: value for key, value in {"tol": 1e-11, "max_iter": 20000, "random_state": 0}.items() if key in known}
    tight |= STEPS if name.startswith("SGD") else {}
    return cls(**{**tight, **params}).fit(X, y)


def target(cls):
    return np.digitize(Y, np.quantile(Y, [0.4, 0.7])) if hasattr(getattr(linear_model, cls), "decision_function") else TARGET.get(cls, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore:Mean of empty slice", "ignore::FutureWarning")
@pytest.mark.parametrize("name, params", EXACT + SGD, ids=str)
@pytest.mark.repeats(5)
def test_what_looks_odd_is_the_dense_array(name, params):
    y, known = target(name), {}
    for case, (X, dense) in ODD.items():
        if name.startswith("Lasso") and np.linalg.matrix_rank(dense) < dense.shape[1]:   # the minimum is not one point
            continue
        key = dense.tobytes()
        if key not in known:
            known[key] = made(name, params, dense, y)
        want, got = known[key], made(name, params, X, y)
        scale = np.abs(want.coef_).max() + 1e-3
        np.testing.assert_allclose(got.coef_, want.coef_, atol=2e-6 * scale, rtol=0, err_msg=case)
        raw = "decision_function" if hasattr(want, "decision_function") else "predict"
        np.testing.assert_allclose(getattr(want, raw)(X), getattr(want, raw)(dense), rtol=1e-9, atol=1e-9, err_msg=case)


@pytest.mark.parametrize("case", [case for case, (X, _) in ODD.items() if X.format in ("csr", "csc")])
@pytest.mark.parametrize("standardize", [False, True])
def test_objectives(case, standardize):
    (X, dense), k = ODD[case], 3
    codes = np.arange(N) % k
    want, got = (fo.LinearObjective(A, codes, "multinomial", 0.1, True, standardize=standardize) for A in (dense, X))
    w, v = np.random.default_rng(0).normal(size=(2, want.n_params))
    np.testing.assert_allclose(got.value(w), want.value(w), rtol=1e-12)
    for method, args in (("gradient", (w,)), ("hessp", (w, v)), ("hessian", (w,))):
        np.testing.assert_allclose(getattr(got, method)(*args), getattr(want, method)(*args), rtol=1e-9, atol=1e-11, err_msg=method)
    some = np.array([3, 1, 1, 7, 12])
    np.testing.assert_allclose(got.rows(some).gradient(w), want.rows(some).gradient(w), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("case", ODD)
def test_the_users_matrix_stays_as_it_is(case):
    X, _ = ODD[case]
    names = [name for name in ("data", "indices", "indptr", "row", "col", "offsets", "rows") if hasattr(X, name)]
    before = [(getattr(X, name), getattr(X, name).copy()) for name in names]
    flags = {key: value for key, value in vars(X).items() if key.startswith("_has")}
    for name in ("Ridge", "RidgeCV", "Lasso", "LogisticRegression", "SGDRegressor"):
        getattr(linear_model, name)().fit(X, np.arange(N) % 2).predict(X)
    for name, (array, values) in zip(names, before):
        assert getattr(X, name) is array or X.format == "coo"   # whose row and col are made anew
        np.testing.assert_array_equal(getattr(X, name), values)
    assert all(vars(X)[key] == value for key, value in flags.items())


def test_nothing_is_copied_where_nothing_is_to_be_done():
    for kind in (sp.csr_matrix, sp.csc_matrix, sp.csr_array):
        X = kind(matrix(dtype=np.float32))
        assert checked(X) is X
    trimmed = checked(ODD["spare"][0])
    assert np.shares_memory(trimmed.data, ODD["spare"][0].data) and trimmed.nnz == len(trimmed.data) == len(trimmed.indices)


@pytest.mark.parametrize("d", [6, 10 ** 6])   # a table of the columns, and none
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_duplicates_are_found_in_any_order(d, index):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        sizes = rng.integers(0, 4, 5)
        indptr, indices = np.r_[0, sizes.cumsum()].astype(index), rng.integers(0, min(d, 12), sizes.sum()).astype(index)
        want = any(len(set(indices[a:b])) < b - a for a, b in zip(indptr, indptr[1:]))
        assert check_compressed(indptr, indices, 5, d, len(indices)) == want
        seen.add(want)
    assert seen == {True, False}


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, bool])
def test_sums_of_other_types(dtype):
    X = matrix()
    X.data = np.ones(len(X.data))
    doubled = twice(X)
    doubled.data = np.ones(len(doubled.data), dtype)
    y = np.arange(N) * 1.0
    want = linear_model.Ridge(tol=1e-10).fit((X * (1 if dtype is bool else 2)).toarray(), y)   # True and True are True
    np.testing.assert_allclose(linear_model.Ridge(tol=1e-10).fit(doubled, y).coef_, want.coef_, rtol=1e-4)


@pytest.mark.parametrize("indices", [np.int32, np.int64])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("n, values", [(1, 2), (3, 3), (40, 6), (300, 200)])
def test_places_with_two_values_are_found_in_rows_of_any_order(indices, ordered, n, values):
    rng, found = np.random.default_rng(0), set()
    for d in (values + 1, 50 * values, 10**6):
        for _ in range(5):
            rows = np.array([rng.choice(d, values, replace=False) for _ in range(n)], dtype=indices)
            if rng.random() < 0.5:
                own = rows[rng.integers(n)]
                own[-1] = own[0]
            if ordered:
                rows.sort(axis=1)
            twice = any(len(np.unique(row)) < values for row in rows)
            found.add(twice)
            assert check_compressed(np.arange(0, n * values + 1, values, dtype=indices), rows.ravel(), n, d, n * values) == twice
    assert found == {True, False}
