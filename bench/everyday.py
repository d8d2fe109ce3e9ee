"""Small fits with default parameters against scikit-learn's, over several draws of the data: CPU time of one thread, in turn.

    OPENBLAS_NUM_THREADS=1 python bench/everyday.py [-k word] [--draws 10] [--rounds 7]

A line is a case: ours and scikit-learn's milliseconds (geometric means over the draws), and how many times as fast ours is, as
geometric mean and for the worst draw; below 1 ours is slower.  liblinear, behind scikit-learn's LinearSVC and LinearSVR, may end by
its 1,000 iterations instead.
"""
from __future__ import annotations

import argparse
import functools
import time
import warnings

import numpy as np
from sklearn import linear_model as their_models, svm as their_machines
from sklearn.datasets import load_diabetes, load_iris, make_regression
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
    "1000×50, lasso_path": (normal(1000, 50), "lasso_path", {"alphas": 100}),
    "442×10, lasso_path": (read(load_diabetes), "lasso_path", {"alphas": 100}),
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


def fits(name, params):
    """Ours and scikit-learn's: functions of X and y."""
    theirs = their_models if hasattr(their_models, name) else their_machines
    if name.endswith("_path"):
        return [functools.partial(getattr(ours, name), n_jobs=1, **params), functools.partial(getattr(theirs, name), **params)]
    return [getattr(ours, name)(n_jobs=1, **params).fit, getattr(theirs, name)(**params).fit]


def seconds(case, seed, rounds=7):
    """(ours, scikit-learn's) of one draw."""
    draw, name, params = CASES[case]
    X, y = draw(seed)
    mine, other = fits(name, params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        best = in_turn({"ours": lambda: mine(X, y), "theirs": lambda: other(X, y)}, rounds=rounds, clock=time.process_time)
    return best["ours"], best["theirs"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default="", help="cases with this word in their name")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    print(f"{'case':36}{'ours':>10}{'theirs':>10}{'faster':>9}{'worst':>8}")
    for case in (case for case in CASES if asked.k in case):
        both = np.array([seconds(case, seed, asked.rounds) for seed in range(asked.draws)])
        mine, other = np.exp(np.log(both).mean(axis=0)) * 1e3
        print(f"{case:36}{mine:7.3f} ms{other:7.3f} ms{other / mine:8.2f}×{(both[:, 1] / both[:, 0]).min():7.2f}×", flush=True)


if __name__ == "__main__":
    main()
