"""The solver-based estimators: interface, warm starts, warnings, hard and bad input."""
import inspect
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs, svm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from threadpoolctl import threadpool_info

from fastopt import linear_model, losses, penalties
from fastopt._estimators.sklearn import blas_alone
from fastopt.exceptions import InvalidParameterError
from fastopt.linear_model import (
    ElasticNet,
    GeneralizedLinearEstimator,
    HuberRegressor,
    Lasso,
    LinearSVC,
    LinearSVR,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    TweedieRegressor,
)
from solved_cases import EACH, TARGETS, WEIGHT, Y_OF, X

ALL = pytest.mark.parametrize("name", EACH)
ITERATED = pytest.mark.parametrize("name", [name for name in EACH if not name.endswith("CV") and name not in
                                            ("QuantileRegressor", "GeneralizedLinearEstimator")])


@pytest.fixture(autouse=True)
def no_convergence_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def test_blas_has_one_thread_in_a_fit():
    def of_blas():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = of_blas()
    with blas_alone():
        assert of_blas() == [1] * len(before)
    assert of_blas() == before


def test_blas_is_given_back_by_the_last_of_several_fits():
    before, first, second = threadpool_info(), blas_alone(), blas_alone()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert all(library["num_threads"] == 1 for library in threadpool_info() if library["user_api"] == "blas")
    second.__exit__(None, None, None)
    assert threadpool_info() == before


@pytest.mark.newest
@ITERATED
def test_parameters_and_defaults_are_scikit_learns(name):
    theirs_ = getattr(svm if name.startswith("LinearSV") else theirs, name)
    mine = inspect.signature(getattr(linear_model, name)).parameters
    for parameter, value in inspect.signature(theirs_).parameters.items():
        assert parameter in mine
        assert parameter == "solver" or mine[parameter].default == value.default
        assert mine[parameter].kind == value.kind
    ours_alone = [parameter for parameter in mine if parameter not in inspect.signature(theirs_).parameters]
    assert list(mine)[-len(ours_alone):] == ours_alone


@ALL
def test_threads_do_not_change_a_bit(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 3))
    y = TARGETS[Y_OF[name]][rng.integers(0, 120, 6000)]
    seed = {"random_state": 0} if "random_state" in EACH[name].get_params() else {}
    one, two = (clone(EACH[name]).set_params(n_jobs=jobs, **seed).fit(X, y) for jobs in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)
    np.testing.assert_array_equal(one.intercept_, two.intercept_)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


@ALL
def test_input_is_not_changed_and_a_model_can_be_stored(name):
    X_given, y = X.copy(), TARGETS[Y_OF[name]].copy()
    X_given.setflags(write=False)
    y.setflags(write=False)
    model = clone(EACH[name]).fit(X_given, y, sample_weight=WEIGHT)
    np.testing.assert_array_equal(X_given, X)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    assert "coef_" not in vars(clone(model))


@ALL
def test_an_error_leaves_the_estimator_as_it_was(name):
    model = clone(EACH[name]).fit(X, TARGETS[Y_OF[name]])
    before = model.coef_.copy()
    for X_bad, y_bad in ((np.full_like(X, np.nan), TARGETS[Y_OF[name]]), (X[:, :2], TARGETS[Y_OF[name]][:5])):
        with pytest.raises(ValueError, match="X"):
            model.fit(X_bad, y_bad)
    np.testing.assert_array_equal(model.coef_, before)
    assert model.n_features_in_ == 6
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


@ALL
@pytest.mark.parametrize("weight, words", [(-np.ones(120), "negative"), (np.zeros(120), "zero"), (np.ones(3), "120"),
                                           (np.full(120, np.nan), "NaN")])
def test_bad_weights_are_named(name, weight, words):
    with pytest.raises(ValueError, match=words):
        clone(EACH[name]).fit(X, TARGETS[Y_OF[name]], sample_weight=weight)


@pytest.mark.parametrize("model, words", [
    (LogisticRegression(C=0.0), "C of LogisticRegression must be a number above 0"),
    (LogisticRegression(C=-np.inf), "C of"), (LogisticRegression(l1_ratio=1.5), "l1_ratio"),
    (LogisticRegression(solver="lbgfs"), "did you mean 'lbfgs'"), (LogisticRegression(penalty="l3"), "penalty"),
    (LogisticRegression(penalty="elasticnet", l1_ratio=None), "l1_ratio"),
    (LogisticRegression(dual=True, solver="lbfgs"), "dual"),
    (LogisticRegression(l1_ratio=1.0, solver="lbfgs"), "lbfgs"), (LogisticRegression(class_weight="equal"), "class_weight"),
    (LogisticRegression(tol=-1.0), "tol"), (LogisticRegression(max_iter=2.5), "max_iter"),
    (LogisticRegression(n_jobs=0), "n_jobs"),
    (Ridge(alpha=-1.0), "alpha"), (Ridge(alpha=[1.0, 2.0]), "alpha"), (Ridge(alpha="a"), "alpha"),
    (Ridge(positive=1), "positive"),
    (Lasso(alpha=-0.1), "alpha"), (Lasso(selection="all"), "selection"), (ElasticNet(l1_ratio=2.0), "l1_ratio"),
    (LinearSVC(loss="log_loss"), "loss"), (LinearSVC(multi_class="crammer_singer"), "crammer_singer"),
    (LinearSVR(epsilon=-1.0), "epsilon"), (HuberRegressor(epsilon=0.5), "epsilon"), (QuantileRegressor(quantile=1.0), "quantile"),
    (QuantileRegressor(solver_options={"presolve": True}), "solver_options"), (TweedieRegressor(power=0.5), "power"),
    (TweedieRegressor(power=1.5, link="identity"), "link"), (PoissonRegressor(tol=0.0), "tol"),
    (GeneralizedLinearEstimator("nothing"), "loss"), (GeneralizedLinearEstimator(penalty="l7"), "penalty"),
], ids=str)
def test_bad_parameters_are_named(model, words):
    with pytest.raises(ValueError, match=words):
        model.fit(X, TARGETS["two" if hasattr(model, "decision_function") else "positive"])


@pytest.mark.parametrize("model, y, words", [
    (LogisticRegression(), np.zeros(120), "number of classes"), (LinearSVC(), np.ones(120), "number of classes"),
    (LogisticRegression(solver="liblinear"), TARGETS["three"], "liblinear"), (LogisticRegression(), TARGETS["real"], "y"),
    (PoissonRegressor(), -TARGETS["positive"], "at least 0"), (TweedieRegressor(power=2), np.zeros(120), "above 0"),
    (Ridge(), np.full(120, np.inf), "y"), (Ridge(), np.array(["a"] * 120), "y"), (LinearSVR(), TARGETS["columns"], "y"),
    (LogisticRegression(class_weight={0: 0.0, 1: 0.0, 2: 0.0}), TARGETS["three"], "all zero"),
])
def test_bad_targets_are_named(model, y, words):
    with pytest.raises(ValueError, match=words):
        model.fit(X, y)


@pytest.mark.parametrize("model, y", [(LogisticRegression(), "two"), (LogisticRegression(), "three"),
                                      (Lasso(alpha=0.02), "columns"), (PoissonRegressor(), "counts"), (HuberRegressor(), "real")])
def test_a_warm_start_goes_on_where_the_last_fit_ended(model, y):
    model = clone(model).set_params(warm_start=True, tol=1e-6, max_iter=1000).fit(X, TARGETS[y])
    first = np.copy(model.coef_)
    again = clone(model).set_params(warm_start=True)
    again.__dict__.update({key: value for key, value in vars(model).items() if key.endswith("_")})
    again.fit(X, TARGETS[y])
    assert np.max(again.n_iter_) <= 2
    np.testing.assert_allclose(again.coef_, first, atol=1e-4)
    with pytest.raises(ValueError, match="warm_start"):
        again.fit(X[:, :3], TARGETS[y])


def test_separable_classes_without_a_penalty_warn():
    y = X[:, 0] > 0
    with pytest.warns(ConvergenceWarning):
        model = LogisticRegression(C=np.inf, max_iter=30, tol=1e-12).fit(X, y)
    assert model.score(X, y) == 1


@ITERATED
def test_too_few_iterations_warn(name):
    model = clone(EACH[name]).set_params(tol=1e-14, max_iter=1)
    if name in ("Ridge", "TweedieRegressor"):   # one step of Newton's is all that least squares need
        model.set_params(solver="lbfgs")
    if name in ("Lasso", "ElasticNet"):
        model.set_params(alpha=1e-3)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model.fit(X, TARGETS[Y_OF[name]])


HARD = {
    "constant and double columns": lambda X: np.hstack([X, X[:, :2], np.ones((len(X), 1)), np.zeros((len(X), 1))]),
    "more features than samples": lambda X: np.hstack([X, np.random.default_rng(1).normal(size=(len(X), 150))]),
    "large columns": lambda X: X * [1e8, 1, 1, 1, 1, 1],
    "small columns": lambda X: X * [1e-8, 1, 1, 1, 1, 1],
    "one row each": lambda X: X,
}


@pytest.mark.parametrize("name, kind", [(name, kind) for name in EACH for kind in HARD
                                        if not (name.endswith("CV") and kind == "one row each")])   # which have to split
def test_hard_input_is_solved(name, kind):
    made = HARD[kind](X)
    y = TARGETS[Y_OF[name]]
    if kind == "one row each":
        rows = np.unique(y, return_index=True)[1][:2] if Y_OF[name] == "two" else [0]
        made, y = made[rows], y[rows]
    model = clone(EACH[name]).fit(made, y)
    assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()
    assert model.predict(made).shape == y.shape
    assert len(y) < 3 or model.score(made, y) >= (0.5 if Y_OF[name] == "two" else -0.2)


@pytest.mark.parametrize("name, y", [("LogisticRegression", "three"), ("Ridge", "real"), ("LinearSVC", "two"), ("Lasso", "real")])
def test_rows_of_weight_0_do_not_count(name, y):
    model = clone(EACH[name]).set_params(tol=1e-9, max_iter=1000)
    rows = WEIGHT > 0
    a = clone(model).fit(X, TARGETS[y], sample_weight=WEIGHT)
    b = clone(model).fit(X[rows], TARGETS[y][rows], sample_weight=WEIGHT[rows])
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16])
@pytest.mark.parametrize("model, y", [(LogisticRegression(), "two"), (Ridge(), "real"), (Lasso(alpha=0.05), "real")])
def test_narrow_numbers_are_taken_as_they_are(model, y, dtype):
    narrow = np.clip(np.round(np.abs(X) * 20), 0, 100).astype(dtype)
    a = clone(model).fit(narrow, TARGETS[y])
    b = clone(model).fit(narrow.astype(np.float32), TARGETS[y])
    assert a.coef_.dtype == np.float32
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-4)
    np.testing.assert_allclose(a.score(narrow, TARGETS[y]), b.score(narrow.astype(np.float32), TARGETS[y]), atol=1e-3)


@pytest.mark.parametrize("model, y", [(LogisticRegression(C=0.1), "two"), (LogisticRegression(C=0.1), "three"),
                                      (Ridge(alpha=50.0), "columns"),
                                      (Lasso(alpha=0.1), "real"), (PoissonRegressor(), "counts")])
@pytest.mark.parametrize("sparse", [False, True])
def test_standardize_is_what_scaled_columns_give(model, y, sparse):
    skewed = X * [1e-3, 10, 1, 2, 1, 5] + (0 if sparse else [1, -5, 0, 3, 0, 1])
    mean, spread = skewed.mean(axis=0), skewed.std(axis=0)
    model = clone(model).set_params(tol=1e-10, max_iter=1000)
    scaled = clone(model).fit((skewed - mean) / spread, TARGETS[y])
    given = clone(model).set_params(standardize=True).fit(scipy.sparse.csr_array(skewed) if sparse else skewed, TARGETS[y])
    np.testing.assert_allclose(given.coef_ * spread, scaled.coef_, atol=1e-6)
    np.testing.assert_allclose(given.intercept_ + given.coef_ @ mean, scaled.intercept_, atol=1e-6)


def test_sparse_weights_and_dense_ones_predict_alike():
    model = LogisticRegression(C=0.05, l1_ratio=1.0).fit(X, TARGETS["three"])
    dense = model.decision_function(X)
    assert scipy.sparse.issparse(model.sparsify().coef_)
    np.testing.assert_array_equal(model.decision_function(X), dense)
    np.testing.assert_array_equal(model.densify().decision_function(X), dense)
    lasso = Lasso(alpha=0.3).fit(X, TARGETS["real"])
    np.testing.assert_array_equal(lasso.sparse_coef_.toarray()[0], lasso.coef_)
    assert 0 <= lasso.dual_gap_ <= 1e-4 * np.mean(TARGETS["real"] ** 2)


GENERAL = [
    ("huber", penalties.L1(0.1), "real"), ("log_cosh", penalties.NonNegative(), "real"),
    ("squared_error", penalties.Box(-0.2, 0.3), "real"),
    ("squared_error", penalties.GroupLasso(0.2, 2), "real"), ("squared_error", penalties.MCP(0.2, gamma=3.0), "columns"),
    ("log_loss", penalties.SCAD(0.05, gamma=3.7), "two"), ("multinomial", penalties.ElasticNet(0.05, 0.5), "three"),
    ("poisson", penalties.L2(0.1), "counts"), ("squared_hinge", None, "three"), ("modified_huber", penalties.L1(0.01), "two"),
    ("exponential", penalties.L2(0.1), "two"), (losses.GeneralRobust(alpha=1.5), "l2", "real"),
]


@pytest.mark.parametrize("loss, penalty, y", GENERAL, ids=lambda value: str(value)[:30])
def test_any_loss_with_any_penalty(loss, penalty, y):
    model = GeneralizedLinearEstimator(loss, penalty=penalty, tol=1e-6).fit(X, TARGETS[y])
    assert model.score(X, TARGETS[y]) > (0.5 if y in ("two", "three") else 0.05)
    if isinstance(penalty, (penalties.Box, penalties.NonNegative)):
        assert np.isfinite(penalty.value(model.coef_))
    if y in ("two", "three"):
        assert hasattr(model, "predict_proba") == (loss not in ("squared_hinge",))
        assert not hasattr(model, "predict_proba") or np.allclose(model.predict_proba(X).sum(axis=1), 1)
    else:
        assert not hasattr(model, "decision_function")


def test_what_no_solver_takes_is_refused_by_name():
    with pytest.raises(InvalidParameterError, match="would do"):
        GeneralizedLinearEstimator("huber", penalty=penalties.L1(0.1), solver="newton-cholesky").fit(X, TARGETS["real"])


@pytest.mark.parametrize("solver", ["highs", "highs-ds", "interior-point"])
def test_quantiles_by_every_solver(solver):
    y, weight = TARGETS["real"], WEIGHT + 0.5
    model = QuantileRegressor(quantile=0.7, alpha=0.02, solver=solver).fit(scipy.sparse.csc_matrix(X), y, weight)
    other = theirs.QuantileRegressor(quantile=0.7, alpha=0.02).fit(X, y, weight)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-9)


def test_printing_says_who_solved(capsys):
    LogisticRegression(verbose=1, solver="newton-cholesky").fit(X, TARGETS["two"])
    assert "newton-cholesky" in capsys.readouterr().out
