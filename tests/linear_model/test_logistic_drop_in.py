"""LogisticRegression and LogisticRegressionCV take what callers of scikit-learn's pass, and say what they say."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from fastopt import LinearObjective, linear_model as ours

X, Y = load_iris(return_X_y=True)
EVEN = (X - X.mean(axis=0)) / X.std(axis=0)   # for oracles that take gradients alone
BINARY = (Y == 2).astype(int)
WEIGHT = np.random.default_rng(0).integers(0, 3, len(Y)).astype(float)
FORMS = {"dense": np.ascontiguousarray, "fortran": np.asfortranarray, "csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_array}


@pytest.mark.newest
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("params", [{}, {"C": 0.1}, {"fit_intercept": False}, {"l1_ratio": 1.0}, {"l1_ratio": 0.5}, {"C": 100.0}], ids=str)
@pytest.mark.parametrize("solver", ["sag", "saga"])
@pytest.mark.repeats(4)
def test_stochastic_names_of_solvers_learn_the_softmax_of_many_classes(solver, params, weight, form):
    oracle = theirs.LogisticRegression(**params, solver="saga" if params.get("l1_ratio") else "lbfgs", tol=1e-9, max_iter=20000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        oracle.fit(EVEN, Y, sample_weight=weight)
    model = ours.LogisticRegression(**params, solver=solver, tol=1e-8, max_iter=2000).fit(FORMS[form](EVEN), Y, sample_weight=weight)
    np.testing.assert_allclose(model.predict_proba(EVEN), oracle.predict_proba(EVEN), atol=2e-4)
    assert model.coef_.shape == (3, 4) and model.n_iter_.shape == (1,) and model.n_iter_.dtype == np.int32


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"])
def test_no_iteration_leaves_the_weights_at_0(solver):
    with pytest.warns(ConvergenceWarning):
        model = ours.LogisticRegression(solver=solver, max_iter=0).fit(X, BINARY)
    assert not model.coef_.any() and not model.intercept_.any() and model.n_iter_ == 0
    np.testing.assert_array_equal(model.predict_proba(X), 0.5)


@pytest.mark.newest
@pytest.mark.parametrize("params", [
    {"penalty": None, "C": 4.0}, {"penalty": None, "l1_ratio": 0.5}, {"penalty": "l1", "l1_ratio": 0.5}, {"penalty": "l2", "l1_ratio": 0.5},
    {"penalty": "l1"}, {"penalty": "l2", "l1_ratio": 1.0}, {"penalty": "l2"}, {"C": 4.0}, {"l1_ratio": 0.5}, {"C": np.inf, "l1_ratio": 0.5},
    {"penalty": "elasticnet", "l1_ratio": 0.5}], ids=str)
def test_warnings_of_parameters_are_scikit_learns(params):
    def said(module):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module.LogisticRegression(solver="saga", **params).fit(X, BINARY)
        return sorted(str(w.message) for w in caught if w.category is UserWarning), caught
    mine, other = said(ours), said(theirs)
    assert mine[0] == other[0]
    assert all(w.filename == __file__ for w in mine[1])


@pytest.mark.parametrize("params, words", [
    ({"solver": "lbfgs", "l1_ratio": 1}, "Solver lbfgs supports only 'l2' or None penalties, got l1 penalty."),
    ({"solver": "newton-cholesky", "l1_ratio": 0.5}, "Solver newton-cholesky supports only 'l2' or None penalties, got elasticnet"),
    ({"solver": "saga", "dual": True}, "Solver saga supports only dual=False, got dual=True"),
    ({"penalty": "elasticnet", "l1_ratio": None}, "l1_ratio must be specified when penalty is elasticnet.")], ids=str)
def test_refusals_are_in_scikit_learns_words(params, words):
    with pytest.raises(ValueError, match=words):
        ours.LogisticRegression(**params).fit(X, BINARY)


@pytest.mark.parametrize("solver, words", [
    ("liblinear", "Liblinear failed to converge, increase the number of iterations."), ("lbfgs", "lbfgs failed to converge after 1 iter"),
    ("newton-cholesky", "Newton solver did not converge after 1 iterations"), ("newton-cg", "newton-cg failed to converge"),
    ("sag", "The max_iter was reached which means the coef_ did not converge")])
def test_an_end_at_max_iter_is_in_scikit_learns_words(solver, words):
    with pytest.warns(ConvergenceWarning, match=words):
        ours.LogisticRegression(solver=solver, tol=1e-15, max_iter=1).fit(X, BINARY)


@pytest.mark.newest
@pytest.mark.parametrize("form", ["dense", "csr"])
@pytest.mark.parametrize("solver", ["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"])
def test_types_of_coefficients_are_scikit_learns(solver, form):
    made = FORMS[form](X.astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = (module.LogisticRegression(solver=solver).fit(made, BINARY) for module in (ours, theirs))
    assert (a.coef_.dtype, a.n_iter_.dtype, a.n_iter_.shape) == (b.coef_.dtype, b.n_iter_.dtype, b.n_iter_.shape)


@pytest.mark.parametrize("solver", ["auto", "lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"])
@pytest.mark.parametrize("C", [np.inf, 150.0])
def test_coefficients_of_all_classes_sum_to_0(solver, C):
    noisy = np.random.default_rng(1).permutation(Y)   # not separable
    model = ours.LogisticRegression(C=C, solver=solver, max_iter=500).fit(EVEN, noisy)
    np.testing.assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-12)
    assert abs(model.intercept_.sum()) < 1e-12


@pytest.mark.newest
@pytest.mark.parametrize("y", [BINARY, Y], ids=["two", "three"])
@pytest.mark.parametrize("params", [{}, {"l1_ratios": (0.0,)}, {"l1_ratios": (0.0, 0.5), "solver": "saga"}, {"refit": False}], ids=str)
def test_older_attributes_of_cross_validation_are_scikit_learns(params, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a, b = (module.LogisticRegressionCV(Cs=[0.1, 1.0], cv=3, use_legacy_attributes=True, scoring="neg_log_loss", tol=1e-6, max_iter=5000,
                                            **params).fit(EVEN, y) for module in (ours, theirs))
    for name in ("C_", "l1_ratio_", "n_iter_"):
        assert getattr(a, name).shape == getattr(b, name).shape
    np.testing.assert_allclose(a.C_, b.C_)
    for name in ("scores_", "coefs_paths_"):
        mine, other = getattr(a, name), getattr(b, name)
        assert list(mine) == list(other)
        for label in mine:
            np.testing.assert_allclose(mine[label], other[label], atol=2e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("n, d, k", [(700, 5, 4), (40, 30, 3), (513, 1, 9)])
def test_hessian_of_the_softmax_against_numpy(n, d, k, intercept, standardize, dtype):
    rng = np.random.default_rng(n)
    made, y, weight = (rng.normal(size=(n, d)) + 1).astype(dtype), np.arange(n) % k, rng.random(n).astype(dtype)
    w = rng.normal(size=k * (d + intercept)) / 3
    for layout in (np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], scipy.sparse.csr_matrix):
        objective = LinearObjective(layout(made), y, "multinomial", 0.1, intercept, weight, standardize=standardize)
        A, share = made.astype(float), weight / weight.sum(dtype=float)
        if standardize:
            A = A - share @ A
            A = A / np.sqrt(share @ A ** 2)
        p = A @ w[:k * d].reshape(k, d).T + (w[k * d:] if intercept else 0)
        p = np.exp(p - p.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        A = np.hstack([A, np.ones((n, int(intercept)))])
        wanted = np.einsum("i,ia,ab,ij,il->ajbl", share, p, np.eye(k), A, A) - np.einsum("i,ia,ib,ij,il->ajbl", share, p, p, A, A)
        order = np.arange(k * A.shape[1]).reshape(k, -1)
        order = np.concatenate([order[:, :d].ravel(), order[:, d:].ravel()])
        wanted = wanted.reshape(len(w), len(w))[np.ix_(order, order)]
        wanted[range(k * d), range(k * d)] += 0.1
        np.testing.assert_allclose(objective.hessian(w), wanted, rtol=0, atol=(1e-12 if dtype == np.float64 else 5e-6) * abs(wanted).max())


@pytest.mark.parametrize("n, d, k", [(3000, 20, 10), (600, 60, 5)])
def test_threads_of_ours_and_of_blas_do_not_change_a_bit(n, d, k):
    rng = np.random.default_rng(0)
    made = rng.normal(size=(n, d))
    y = (made @ rng.normal(size=(d, k)) + 2 * rng.gumbel(size=(n, k))).argmax(axis=1)
    first, *others = (ours.LogisticRegression(solver="newton-cholesky", n_jobs=jobs).fit(made, y) for jobs in (1, 2, 3))
    for other in others:
        np.testing.assert_array_equal(first.coef_, other.coef_)
