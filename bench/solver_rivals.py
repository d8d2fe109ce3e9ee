"""The rivals of the solver races: for each way of solving a problem, how it wants X, a function of the setting that is swept (the
number of iterations, or the tolerance), and the settings from loose to tight.

Rivals that are not installed are left out.  Used by solver_race.py and the benchmarks; knows nothing of measuring.
"""
from __future__ import annotations

import functools
import importlib.util
import itertools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

warnings.filterwarnings("ignore")

ITERATIONS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200, 260, 330, 420, 550, 700, 1000, 1400,
              2000, 3000)
TOLERANCES = tuple(10.0 ** -e for e in np.arange(0, 12.1, 0.5))


class Rival(NamedTuple):
    """One way of solving: `fit(X, y, setting)` returns a fitted model."""

    name: str
    fit: Callable[[Any, Any, Any], Any]
    settings: tuple
    dtype: str = "float64"
    order: str = "C"
    threads: int = 1
    labels: str = "float64"

    @property
    def label(self):
        return f"{self.name}, {self.dtype}" + (", F order" if self.order == "F" else "")


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _layouts(problem):
    return ("C",) if sp.issparse(problem.X) else ("C", "F")


def _sklearn_l2(problem):
    from sklearn.linear_model import LogisticRegression
    C = 1 / (problem.l2 * len(problem.y))

    def fit(solver, **options):
        def call(X, y, setting):
            return LogisticRegression(C=C, fit_intercept=False, solver=solver, tol=1e-14, max_iter=setting, **options).fit(X, y)
        return call

    solvers = ["lbfgs", "newton-cg", "sag", "saga"] + (["newton-cholesky"] if problem.X.shape[1] < 3_000 else [])
    for solver in solvers:
        for dtype in ("float32", "float64"):
            for order in _layouts(problem) if solver in ("lbfgs", "newton-cholesky") else ("C",):
                yield Rival(f"scikit-learn {solver}", fit(solver), ITERATIONS, dtype, order, labels="int64")
    yield Rival("scikit-learn liblinear", fit("liblinear"), ITERATIONS, labels="int64")
    yield Rival("scikit-learn liblinear, dual", fit("liblinear", dual=True), ITERATIONS, labels="int64")


CYANURE = ("auto", "qning-miso", "catalyst-miso", "qning-svrg", "catalyst-svrg", "acc-svrg", "qning-ista")


def _cyanure(problem):
    from cyanure.estimators import Classifier

    def fit(solver, threads):
        def call(X, y, setting):
            return Classifier(loss="logistic", penalty="l2", lambda_1=problem.l2, fit_intercept=False, solver=solver, tol=1e-14,
                              max_iter=setting, duality_gap_interval=max(setting, 10), n_threads=threads, verbose=False).fit(X, y)
        return call

    for solver in CYANURE:
        for threads in (1, 2):
            for dtype in ("float32", "float64") if solver == "auto" else ("float32",):
                yield Rival(f"cyanure {solver}, {threads} thr.", fit(solver, threads), ITERATIONS, dtype, threads=threads)


def _snapml(problem):
    from snapml import LogisticRegression

    def fit(dual, threads):
        def call(X, y, setting):
            return LogisticRegression(regularizer=problem.l2 * len(problem.y), dual=dual, n_jobs=threads, tol=1e-14, max_iter=setting,
                                      random_state=0).fit(X, y)
        return call

    for dual in (True, False):
        for threads in (1, 2):
            yield Rival(f"snapml {'dual' if dual else 'primal'}, {threads} thr.", fit(dual, threads), ITERATIONS, "float32", threads=threads)


def _sklearn_l1(problem):
    from sklearn.linear_model import LogisticRegression
    C = 1 / (problem.l1 * len(problem.y))
    for solver, dtype in (("liblinear", "float64"), ("saga", "float32"), ("saga", "float64")):
        def fit(X, y, setting, solver=solver):
            return LogisticRegression(l1_ratio=1, C=C, fit_intercept=False, solver=solver, tol=1e-14, max_iter=setting).fit(X, y)
        yield Rival(f"scikit-learn {solver}", fit, ITERATIONS, dtype, labels="int64")


def _working_sets(problem):
    n = len(problem.y)
    logistic = problem.loss == "log_loss"
    if installed("celer"):
        import celer

        def fit_celer(X, y, setting):
            if logistic:
                return celer.LogisticRegression(C=1 / (problem.l1 * n), tol=setting, fit_intercept=False).fit(X, y)
            return celer.Lasso(problem.l1, tol=setting, fit_intercept=False, max_epochs=1_000).fit(X, y)
        yield Rival("celer", fit_celer, TOLERANCES, "float64", "F")
        yield Rival("celer", fit_celer, TOLERANCES[:9], "float32", "F")     # no float32 gap gets below
    if installed("skglm"):
        import skglm

        def fit_skglm(X, y, setting):
            model = skglm.SparseLogisticRegression if logistic else skglm.Lasso
            return model(problem.l1, tol=setting, fit_intercept=False).fit(X, y)
        yield Rival("skglm", fit_skglm, TOLERANCES, "float64", "F")
        yield Rival("skglm", fit_skglm, TOLERANCES[:15], "float32", "F")


def _sklearn_lasso(problem):
    from sklearn.linear_model import Lasso
    for precompute in (False, True) if problem.X.shape[1] < 3_000 else (False,):
        for dtype in ("float32", "float64"):
            def fit(X, y, setting, precompute=precompute):
                model = Lasso(problem.l1, precompute=precompute, fit_intercept=False, tol=setting, max_iter=100_000)
                return model.fit(X, y.astype(X.dtype))
            yield Rival(f"scikit-learn cd{', Gram' if precompute else ''}", fit, TOLERANCES, dtype, "F")


def fastopt(problem, solvers=("auto",), dtypes=("float32", "float64"), threads=(1, 2)):
    """Our own entrants: the estimators, by the tolerance, in C order or CSR."""
    from fastopt import linear_model
    n = len(problem.y)
    labels = "float64" if problem.loss == "squared_error" else "int64"
    if problem.loss == "squared_error":
        model = functools.partial(linear_model.Lasso, problem.l1)
    else:
        strength = {"C": 1 / (problem.l1 * n), "l1_ratio": 1} if problem.l1 else {"C": 1 / (problem.l2 * n)}
        model = functools.partial(linear_model.LogisticRegression, **strength)
    for solver, dtype, count in itertools.product(solvers, dtypes, threads):
        def fit(X, y, setting, solver=solver, count=count):
            return model(fit_intercept=False, solver=solver, tol=setting, max_iter=10_000, n_jobs=count).fit(X, y)
        yield Rival(f"fastopt {solver}" + (f", {count} thr." if count > 1 else ""), fit, TOLERANCES, dtype, threads=count, labels=labels)


def rivals(problem):
    """All ways of solving `problem` that are installed here."""
    if problem.l2:
        found = list(_cyanure(problem)) if installed("cyanure") else []
        found += _snapml(problem) if installed("snapml") else []
        return found + list(_sklearn_l2(problem))
    return [*_working_sets(problem), *(_sklearn_l1 if problem.loss == "log_loss" else _sklearn_lasso)(problem)]
