"""The strengths that cross-validation and paths try: what `alphas` and `n_alphas` may be, who refuses what in which words, and what becomes
of strengths so small that rounding takes their place."""
import re
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs
from sklearn.model_selection import KFold

from fastopt import linear_model as ours

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = X[:, 0] + RNG.normal(size=40)


def estimator(name, **fixed):
    return lambda module, y=Y, **params: np.shape(getattr(module, name)(**fixed, **params).fit(X, y).alphas_)


def path(name):
    return lambda module, y=Y, **params: np.shape(getattr(module, name)(X, y, **params)[0])


GRIDS = {"LassoCV": estimator("LassoCV", cv=3), "ElasticNetCV": estimator("ElasticNetCV", cv=3),
         "two shares": estimator("ElasticNetCV", cv=3, l1_ratio=[0.5, 1.0]), "lasso_path": path("lasso_path"), "enet_path": path("enet_path")}


def said(call):
    """The result, and where and what the warnings were."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        found = call()
    assert all(warning.filename == __file__ for warning in seen)
    return found, [str(warning.message) for warning in seen if warning.category is FutureWarning]


@pytest.mark.parametrize("name", GRIDS)
def test_the_number_may_go_by_its_older_name(name):
    """As in scikit-learn: with a warning, and after a list."""
    wanted = GRIDS[name](ours, alphas=7)
    for params in ({"n_alphas": 7}, {"n_alphas": 7, "alphas": None}):
        found, words = said(lambda params=params: GRIDS[name](ours, **params))
        assert found == wanted
        assert [re.match("'n_alphas' was deprecated in 1.9 and will be removed in 1.11", message) for message in words] != [None]
    found, words = said(lambda: GRIDS[name](ours, alphas=None))
    assert found == GRIDS[name](ours)
    assert words[0].startswith("'alphas=None' is deprecated and will be removed in 1.11")
    assert said(lambda: GRIDS[name](ours, alphas=[0.1, 0.2], n_alphas=7))[0] == (2,)
    assert not said(lambda: GRIDS[name](ours, alphas=7))[1]
    with pytest.raises(ValueError, match="n_alphas"), pytest.warns(FutureWarning):
        GRIDS[name](ours, n_alphas=0)


REFUSED = {**{f"RidgeCV, cv={cv}": lambda module, cv=cv, **params: module.RidgeCV(cv=cv, **params).fit(X, Y) for cv in (None, 3)},
           **{name: GRIDS[name] for name in ("LassoCV", "ElasticNetCV")}}


@pytest.mark.newest   # whose words they are
@pytest.mark.filterwarnings("ignore:With alpha=0, this algorithm")
@pytest.mark.parametrize("alphas", [(1, -1, -100), (-0.1, -1.0), (1, 1.0, "1"), [0.5, None], np.array([1.0, -2.0]), (0.0, 1.0)])
@pytest.mark.parametrize("name", REFUSED)
def test_lists_are_refused_as_in_scikit_learn(name, alphas):
    try:
        REFUSED[name](theirs, alphas=alphas)
    except (TypeError, ValueError) as error:
        with pytest.raises((TypeError, ValueError), match=re.escape(str(error))) as caught:
            REFUSED[name](ours, alphas=alphas)
        assert isinstance(caught.value, type(error))
    else:
        REFUSED[name](ours, alphas=alphas)


@pytest.mark.parametrize("name", ["lasso_path", "enet_path"])
def test_paths_refuse_what_they_do_not_know(name):
    with pytest.raises(ValueError, match="Unexpected parameters in params.*normalize"):
        getattr(ours, name)(X, Y, normalize=True, tol=1e-4)


@pytest.mark.newest
@pytest.mark.parametrize("value", [0.0, 5.0])
@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
def test_targets_that_do_not_vary_have_one_strength(name, value):
    mine, other = (getattr(module, name)(alphas=3).fit(X, np.full(40, value)) for module in (ours, theirs))
    np.testing.assert_array_equal(mine.alphas_, other.alphas_)
    np.testing.assert_array_equal(mine.predict(X), np.full(40, value))


@pytest.mark.filterwarnings("ignore:R.2 score is not well-defined")
def test_folds_of_one_row_have_no_score():
    """R² of one row is no number: the first strength is taken, with a warning; those that have a score are taken before others."""
    for n, d in ((6, 5), (5, 10)):
        X, y = RNG.normal(size=(n, d)), RNG.normal(size=n)
        with pytest.warns(UserWarning, match="One or more of the test scores are non-finite"):
            mine = ours.RidgeCV(cv=KFold(5)).fit(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = theirs.RidgeCV(cv=KFold(5)).fit(X, y)
        assert mine.alpha_ == other.alpha_
        np.testing.assert_allclose(mine.coef_, other.coef_)
    scores = iter([np.nan, 1.0, 3.0, 2.0] * 2)
    with pytest.warns(UserWarning, match="non-finite"):
        mine = ours.RidgeCV([0.1, 1.0, 10.0, 100.0], cv=2, scoring=lambda model, X, y: next(scores)).fit(X, y)
    assert mine.alpha_ == 10.0


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_matrix], ids=["dense", "csr"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("shape, alphas, cv", [(shape, alphas, cv) for shape in [(100, 50), (50, 50), (50, 51), (50, 100), "twice"]
                                               for alphas, cv in [([1e-16], None), ([1e-16], 4), ([0.0], 4), ([1e16], None)]])
@pytest.mark.repeats(4)
def test_the_limits_of_ridge(shape, alphas, cv, intercept, dtype, form):
    """Without a penalty to speak of, the shortest of all minima; with nothing but a penalty, none."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=shape).astype(dtype) if shape != "twice" else np.repeat(rng.normal(size=(60, 4)), 2, axis=1).astype(dtype)
    y = X[:, :4].astype(float).sum(axis=1) + 10 * intercept
    model = ours.RidgeCV(alphas, cv=cv, fit_intercept=intercept).fit(form(X), y)
    coef, mean = np.zeros(X.shape[1]), y.mean() if intercept else 0.0
    if alphas != [1e16]:
        line = theirs.LinearRegression(fit_intercept=intercept).fit(X.astype(float), y)
        coef, mean = line.coef_, line.intercept_
    tol = 1e-5 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(model.coef_, coef, atol=tol)
    np.testing.assert_allclose(model.intercept_, mean, atol=tol, rtol=1e-6)
