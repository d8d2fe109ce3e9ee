"""Lasso and elastic net at their defaults on awkward data: what is said to be solved is solved, by the duality gap computed anew from X
alone in long double; the gap, the warnings and scikit-learn's optimum agree with it."""
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

from fastopt import linear_model as ours
from fastopt.linear_model import enet_path

R = np.random.default_rng(11)
BASE, WIDE = R.standard_normal((80, 6)), R.standard_normal((25, 60))
Y, YW = BASE @ [3.0, -2.0, 0, 0, 1.0, 0] + 0.5 * R.standard_normal(80), WIDE[:, :4].sum(axis=1) + 0.3 * R.standard_normal(25)
YEARS = R.integers(1990, 2025, 80).astype(float)


def scaled(X, *factors):
    return X * np.resize(factors, X.shape[1])


PROBLEMS = {
    "plain": (BASE, Y), "wide": (WIDE, YW), "years": (np.column_stack([YEARS, BASE]), Y + 0.1 * (YEARS - 2007)),
    "time stamps": (np.column_stack([1.7e9 + 1e5 * np.arange(80), BASE]), Y), "kelvin": (BASE + 300, Y),
    "means of 1e6": (BASE + 1e6, Y), "y far from 0": (BASE, Y + 1e6), "y far from 0, wide": (WIDE, YW + 1e5), "means, wide": (WIDE + 1e4, YW),
    "scales": (scaled(BASE, 1e-8, 1, 1e8), Y), "scales, wide": (scaled(WIDE, 1e-8, 1, 1e8), YW), "small y": (BASE, 1e-8 * Y),
    "large y": (BASE, 1e8 * Y), "a column twice": (np.column_stack([BASE, BASE[:, :2]]), Y),
    "columns twice, wide": (np.hstack([WIDE, WIDE]), YW), "constant columns": (np.column_stack([BASE, np.full((80, 2), 7.0)]), Y),
    "zero columns": (np.column_stack([np.zeros(80), BASE]), Y), "one row": (BASE[:1], Y[:1]), "two rows": (BASE[:2], Y[:2]),
    "three rows": (BASE[:3], Y[:3]), "one column": (BASE[:, :1], Y), "y does not vary": (BASE, np.full(80, 3.0)),
    "alike": (BASE[:, :1] + 1e-3 * BASE, Y), "three columns of dummies": (np.eye(3)[R.integers(0, 3, 80)], Y),
}
LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_array,
           "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2]}
MODELS = {
    "Lasso": ("Lasso", {}, 1.0), "weak Lasso": ("Lasso", {"alpha": 0.01}, 1.0), "ElasticNet": ("ElasticNet", {}, 0.5),
    "positive": ("Lasso", {"alpha": 0.05, "positive": True}, 1.0), "no intercept": ("Lasso", {"alpha": 0.1, "fit_intercept": False}, 1.0),
    "LassoCV": ("LassoCV", {"cv": 3, "alphas": 20}, 1.0), "ElasticNetCV": ("ElasticNetCV", {"cv": 3, "alphas": 20}, 0.5),
}


def truth(X, y, coef, intercept, alpha, share, positive, fit_intercept):
    """The value, and the duality gap, of the coefficients as they are, and the mean of (y − mean)², in long double."""
    X, y, w = (np.asarray(a, dtype=np.longdouble) for a in (X, y, coef))
    n, r = len(y), y - X @ w - np.longdouble(intercept)
    value = r @ r / (2 * n) + alpha * (share * np.abs(w).sum() + (1 - share) / 2 * (w @ w))
    rho = r - r.mean() if fit_intercept else r
    slope = (X - X.mean(axis=0)).T @ rho / n - alpha * (1 - share) * w if fit_intercept else X.T @ rho / n - alpha * (1 - share) * w
    most = slope.max(initial=0) if positive else np.abs(slope).max(initial=0)
    c = min(1, alpha * share / most) if most > 0 else np.longdouble(1)
    centred = y - y.mean() if fit_intercept else y
    dual = c * (rho @ centred) / n - c * c * (rho @ rho / (2 * n) + alpha * (1 - share) / 2 * (w @ w))
    return float(value), float(value - dual), float(centred @ centred / n)


def rounding(X, coef, intercept, dtype):
    """How far predictions lie from those of coefficients that are not rounded to this type, squared."""
    eps = float(np.finfo(dtype).eps)
    return (4 * eps * (abs(float(intercept)) + float((np.abs(X) @ np.abs(coef)).max()))) ** 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("model, layout", [(model, layout) for model in MODELS for layout in LAYOUTS
                                           if layout == "C" or model in ("weak Lasso", "LassoCV")])
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.repeats(6)
def test_solved_is_solved(problem, model, layout, dtype):
    (X, y), (name, params, share) = PROBLEMS[problem], MODELS[model]
    X, y = X.astype(dtype), y.astype(dtype)
    if "cv" in params and len(y) < 6:
        params = {**params, "cv": 2}
    if "cv" in params and len(y) < 2:
        params = {**params, "cv": [([0], [0])]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mine = getattr(ours, name)(**params).fit(LAYOUTS[layout](X), y)
    assert all(issubclass(w.category, ConvergenceWarning) for w in caught)
    coef, alpha = np.asarray(mine.coef_, dtype=np.float64), getattr(mine, "alpha_", getattr(mine, "alpha", None))
    value, gap, square = truth(X, y, coef, mine.intercept_, alpha, share, params.get("positive", False), params.get("fit_intercept", True))
    floor = rounding(X, coef, mine.intercept_, dtype)
    if dtype == np.float32:   # whose coefficients may not hold the digits that a small gap asks for: the value does
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            best = theirs.ElasticNet(alpha, l1_ratio=share, tol=1e-10, max_iter=20000,
                                     **{key: params[key] for key in ("positive", "fit_intercept") if key in params})
            best.fit(X.astype(np.float64), y.astype(np.float64))
        least = truth(X, y, best.coef_, best.intercept_, alpha, share, best.positive, best.fit_intercept)[0]
        gap = min(gap, 2 * max(0.0, value - least))
    assert np.isfinite(coef).all() and np.isfinite(gap) and (np.all(coef >= 0) or not params.get("positive"))
    if problem not in HARD or dtype == np.float64 and model != "no intercept":
        assert not caught
    if not caught:
        assert gap <= 3 * mine.tol * square + floor + 1e-12 * value
        assert mine.dual_gap_ <= 1.001 * mine.tol * square + floor + 1e-300 and mine.n_iter_ <= mine.max_iter
        assert gap <= 2 * mine.dual_gap_ + 0.5 * mine.tol * square + floor + 1e-12 * value
    if dtype == np.float64 and layout == "C" and "cv" not in params:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            best = getattr(theirs, name)(**{**params, "tol": 1e-12, "max_iter": 20000}).fit(X, y)
        least = truth(X, y, best.coef_, best.intercept_, alpha, share, params.get("positive", False), params.get("fit_intercept", True))[0]
        assert value - least <= 1.001 * mine.tol * square + floor + 1e-12 * value


#: problems whose float32 data does not hold enough digits for the tolerance: a warning is right there
HARD = ("large y", "time stamps", "means of 1e6", "y far from 0", "scales", "scales, wide", "means, wide", "y far from 0, wide")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", ["C", "csr"])
@pytest.mark.parametrize("problem", [name for name in PROBLEMS if name not in HARD])
def test_columns_of_y_are_solved_as_each_by_itself(problem, layout, dtype):
    X, y = PROBLEMS[problem]
    X = X.astype(dtype)
    Ys = np.stack([y, 10 * y - 3, np.arange(len(y)), -y], axis=1).astype(dtype)
    many = ours.Lasso(alpha=0.03, tol=1e-4 if dtype == np.float32 else 1e-9, max_iter=10000).fit(LAYOUTS[layout](X), Ys)
    for j, target in enumerate(Ys.T):
        value, gap, square = truth(X, target, many.coef_[j], many.intercept_[j], 0.03, 1.0, False, True)
        assert gap <= 3 * many.tol * square + rounding(X, many.coef_[j], many.intercept_[j], dtype) + 1e-12 * value
        assert len(many.n_iter_) == 4 and many.dual_gap_.shape == (4,)


@pytest.mark.parametrize("problem", [name for name in PROBLEMS if name not in ("one row", "means of 1e6", "means, wide")])
def test_paths_are_solved(problem):
    X, y = PROBLEMS[problem]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        alphas, coefs, gaps = enet_path(X, y, l1_ratio=0.7, alphas=15)
    assert not caught
    for alpha, coef, gap in zip(alphas, coefs.T, gaps):
        value, true, square = truth(X, y, coef, 0.0, alpha, 0.7, False, False)
        assert true <= 3e-4 * square + 1e-12 * value and gap <= 1.001e-4 * square


@pytest.mark.parametrize("name", ["Lasso", "ElasticNet", "LassoCV", "ElasticNetCV", "enet_path"])
def test_max_iter_counts(name):
    """Also on paths and in folds: what is not solved within it is told."""
    X = scaled(WIDE, 1.0, 0.1) @ (np.eye(60) + 0.5)
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        if name == "enet_path":
            enet_path(X, YW, alphas=[1e-3], max_iter=1, tol=1e-12)
        else:
            getattr(ours, name)(max_iter=1, tol=1e-12, **({"cv": 3} if "CV" in name else {"alpha": 1e-3})).fit(X, YW)
