"""Small fits with default parameters against scikit-learn's, over several draws of the data: CPU time, in turn.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python bench/everyday.py [-k word] [--draws 10] [--rounds 7] [--sets | --calls]

A line is a case: ours and scikit-learn's milliseconds (medians of rounds, geometric means over the draws), and how many times as fast
ours is, as geometric mean and for the worst draw; below 1 ours is slower.  Where both minimise the same function and it is known here,
a last column has by how much ours is above theirs at most, as a share; below 0 it is lower.  liblinear, behind scikit-learn's LinearSVC and
LinearSVR, may end by its 1,000 iterations instead.

With --sets the cases are every estimator on iris, diabetes, breast cancer and digits; with --calls those on 150 × 4 and 1,000 × 20 rows
of noise, and predictions of a single row.  There n_jobs is the default too.
"""
from __future__ import annotations

import argparse
import functools
import time
import warnings

import numpy as np
import scipy.sparse
from minima import excess
from sklearn import linear_model as their_models, svm as their_machines
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_regression
from sklearn.preprocessing import PolynomialFeatures
from turns import in_turn

from fastopt import linear_model as ours


def normal(n, d, k=1, count=10, noise=0.5, correlation=0.0):
    """From a seed: dense data of n rows and d columns that share a part, some of which count, and k targets."""
    def draw(seed):
        rng = np.random.default_rng(seed)
        X = np.sqrt(1 - correlation) * rng.standard_normal((n, d)) + np.sqrt(correlation) * rng.standard_normal((n, 1))
        return X, np.squeeze(X[:, :count] @ rng.standard_normal((count, k)) + noise * rng.standard_normal((n, k)))
    return draw


def made(n, d, noise=0.0, **params):
    """From a seed: scikit-learn's make_regression, in units of y."""
    def draw(seed):
        X, y = make_regression(n, d, noise=noise, random_state=seed, **params)
        return X, y / y.std()
    return draw


def halves(draw):
    """The same, with y above its median or not."""
    def classes(seed):
        X, y = draw(seed)
        return X, y > np.median(y)
    return classes


def read(load):
    """Of any seed: data, its rows in another order."""
    def draw(seed):
        X, y = load(return_X_y=True)
        order = np.random.default_rng(seed).permutation(len(y))
        return X[order], y[order]
    return draw


def iris_widths(seed):
    """The widths of petals from their length and the sepals."""
    X, y = read(load_iris)(seed)
    return X, y.astype(float)


def polynomial(n, d, degree):
    """From a seed: all products of up to so many of d columns, and a target of some of them."""
    def draw(seed):
        rng = np.random.default_rng(seed)
        X = PolynomialFeatures(degree).fit_transform(rng.standard_normal((n, d)))
        return X, X[:, 1::8] @ rng.standard_normal(len(X[0, 1::8])) + rng.standard_normal(n)
    return draw


def theirs_of(name):
    """scikit-learn's estimator or function of that name."""
    return getattr(their_models if hasattr(their_models, name) else their_machines, name)


def suited(draw, name):
    """The same, with y as an estimator takes it: classes, or numbers, above 0 where they have to be."""
    def data(seed):
        X, y = draw(seed)
        if is_classifier(theirs_of(name)()):
            return X, y if len(np.unique(y)) <= 10 else y > np.median(y)
        y = y.astype(float)
        return X, y - y.min() + 1 if name in ("GammaRegressor", "PoissonRegressor") else y
    return data


#: {name: (from a seed to data, the estimator or function, its parameters)}
CASES = {
    "diabetes, Lasso": (read(load_diabetes), "Lasso", {"alpha": 0.1}),
    "diabetes, LassoCV": (read(load_diabetes), "LassoCV", {}),
    "60×500, Lasso": (normal(60, 500), "Lasso", {"alpha": 0.1}),
    "60×500, weak Lasso": (normal(60, 500), "Lasso", {"alpha": 0.01}),
    "60×500 made, Lasso": (made(60, 500), "Lasso", {"alpha": 0.1}),
    "60×500 made, weak Lasso": (made(60, 500, 10.0), "Lasso", {"alpha": 0.01}),
    "60×500 correlated, Lasso": (normal(60, 500, correlation=0.5), "Lasso", {"alpha": 0.1}),
    "60×500, ElasticNet": (normal(60, 500), "ElasticNet", {"alpha": 0.1}),
    "60×500, weak ElasticNet": (normal(60, 500), "ElasticNet", {"alpha": 0.01}),
    "60×500 made, ElasticNet": (made(60, 500, 10.0), "ElasticNet", {"alpha": 0.1}),
    "60×500, LassoCV": (normal(60, 500), "LassoCV", {}),
    "60×500 made, LassoCV": (made(60, 500, 10.0), "LassoCV", {}),
    "1000×100, Lasso": (normal(1000, 100), "Lasso", {"alpha": 0.1}),
    "1000×100, 50 targets": (normal(1000, 100, 50), "Lasso", {"alpha": 0.1}),
    "200×300, 50 targets": (normal(200, 300, 50), "Lasso", {"alpha": 0.1}),
    "300×300, Lasso of many": (normal(300, 300, count=300), "Lasso", {"alpha": 0.01}),
    "300×300 made, Lasso of many": (made(300, 300, 10.0, n_informative=300), "Lasso", {"alpha": 0.001}),
    "500×200, Lasso of many": (normal(500, 200, count=200), "Lasso", {"alpha": 0.01}),
    "500×200 correlated, Lasso of many": (normal(500, 200, count=200, correlation=0.5), "Lasso", {"alpha": 0.01}),
    "20,000×100, Lasso": (normal(20_000, 100), "Lasso", {"alpha": 0.01}),
    "1000×84 polynomial, LassoCV": (polynomial(1000, 6, 3), "LassoCV", {}),
    "1000×84 polynomial, lasso_path": (polynomial(1000, 6, 3), "lasso_path", {"alphas": 100}),
    "1000×84 polynomial, tol=1e-6 path": (polynomial(1000, 6, 3), "lasso_path", {"alphas": 100, "tol": 1e-6}),
    "60×500, lasso_path": (normal(60, 500), "lasso_path", {"alphas": 100}),
    "60×500, tol=1e-6 path": (normal(60, 500), "lasso_path", {"alphas": 100, "tol": 1e-6}),
    "1000×50, lasso_path": (normal(1000, 50), "lasso_path", {"alphas": 100}),
    "442×10, lasso_path": (read(load_diabetes), "lasso_path", {"alphas": 100}),
    "442×10, tol=1e-6 path": (read(load_diabetes), "lasso_path", {"alphas": 100, "tol": 1e-6}),
    "200×300, lasso_path": (normal(200, 300), "lasso_path", {"alphas": 100}),
    "iris, LinearSVC": (read(load_iris), "LinearSVC", {}),
    "5000×20, LinearSVC": (halves(normal(5000, 20)), "LinearSVC", {}),
    "iris, hinge LinearSVC": (read(load_iris), "LinearSVC", {"loss": "hinge"}),
    "5000×20, hinge LinearSVC": (halves(normal(5000, 20)), "LinearSVC", {"loss": "hinge"}),
    "5000×20 noisy, hinge LinearSVC": (halves(normal(5000, 20, noise=3.0)), "LinearSVC", {"loss": "hinge"}),
    "500×20, hinge LinearSVC": (halves(normal(500, 20)), "LinearSVC", {"loss": "hinge"}),
    "150×4, LinearSVR": (iris_widths, "LinearSVR", {}),
    "150×4 normal, LinearSVR": (normal(150, 4, count=4), "LinearSVR", {}),
    "1000×20, LinearSVR": (normal(1000, 20), "LinearSVR", {}),
    "5000×20, LinearSVR": (normal(5000, 20), "LinearSVR", {}),
}

#: what scikit-learn has too
ESTIMATORS = [name for name in ours.__all__ if name[0].isupper() and name != "GeneralizedLinearEstimator"]
READ = {"iris": load_iris, "diabetes": load_diabetes, "breast cancer": load_breast_cancer, "digits": load_digits}
#: every estimator on the data sets that come with scikit-learn, and on rows of noise
SETS = {f"{data}, {name}": (suited(read(load), name), name, None) for data, load in READ.items() for name in ESTIMATORS}
CALLS = {f"{n}×{d}, {name}": (suited(normal(n, d, count=d), name), name, None) for n, d in ((150, 4), (1000, 20)) for name in ESTIMATORS}
#: predictions of one row, by how it is held
ROWS = {"float64": np.asarray, "float32": np.float32, "CSR": scipy.sparse.csr_array}
CALLS |= {f"predict a row, {kind}, {name}": (suited(normal(150, 4, count=4), name), name, kind) for kind in ROWS for name in ESTIMATORS}


def calls_of(name, params, X, y):
    """Ours and scikit-learn's: functions without arguments.  `params` is None for defaults, or how a row is held that is predicted."""
    both = getattr(ours, name), theirs_of(name)
    if name.endswith("_path"):
        return [functools.partial(both[0], X, y, n_jobs=1, **params), functools.partial(both[1], X, y, **params)]
    if isinstance(params, str):
        return [functools.partial(make().fit(X, y).predict, ROWS[params](X[:1])) for make in both]
    more = {} if params is None else {"n_jobs": 1}
    return [functools.partial(make(**more, **(params or {})).fit, X, y) for make, more in zip(both, (more, {}))]


def seconds(case, seed, rounds=7):
    """(ours, scikit-learn's, by how much our minimum is above theirs) of one draw; the first two are medians."""
    draw, name, params = EVERY[case]
    X, y = draw(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both = dict(zip(("ours", "theirs"), calls_of(name, params, X, y)))
        found = in_turn(both, rounds=rounds, clock=time.process_time, of=np.median, most=MOST_SECONDS)
        more = float("nan") if isinstance(params, str) else excess(name, X, y, *(call() for call in both.values()))
    return found["ours"], found["theirs"], more


#: all cases
EVERY = {**CASES, **SETS, **CALLS}
#: seconds of a case after which no further draw begins
MOST_SECONDS = 20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="cases with this word in their name")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sets", dest="cases", action="store_const", const=SETS, default=CASES)
    parser.add_argument("--calls", dest="cases", action="store_const", const=CALLS)
    asked = parser.parse_args()
    print(f"{'case':40}{'ours':>10}{'theirs':>13}{'faster':>9}{'worst':>8}  minimum")
    for case in (case for case in asked.cases if asked.k in case):
        rows, began = [], time.monotonic()
        while len(rows) < asked.draws and time.monotonic() < began + MOST_SECONDS:
            rows.append(seconds(case, len(rows), asked.rounds))
        both, more = np.array(rows)[:, :2], np.max(rows, axis=0)[2]
        mine, other = np.exp(np.log(both).mean(axis=0)) * 1e3
        print(f"{case:40}{mine:8.3f} ms{other:10.3f} ms{other / mine:8.2f}×{(both[:, 1] / both[:, 0]).min():7.2f}×"
              + ("" if np.isnan(more) else f"  {more:+.1e}"), flush=True)


if __name__ == "__main__":
    main()
