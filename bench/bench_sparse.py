"""l1 logistic regression and the Lasso: seconds of one thread until the value is within 1e-3 and 1e-6 of the least, relative, beside
celer, skglm and scikit-learn where they are installed.  A solver's tolerance is swept; whole fits are timed, in turn, from X in the
layout that the solver wants (peers: Fortran order or CSC, made beforehand).  Run it as a program:

    FASTOPT_DATA=... python bench/bench_sparse.py [data ...]
"""
from __future__ import annotations

import importlib
import os
import sys
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402
import scipy.sparse as sp  # noqa: E402
from data import int32_indices, load  # noqa: E402

import fastopt as fo  # noqa: E402
from fastopt import penalties  # noqa: E402
from fastopt._solve_descent import coordinate_descent  # noqa: E402

TARGETS = (1e-3, 1e-6)
TOLERANCES = [10.0 ** -k for k in range(0, 13)]
BUDGET = 20.0   # seconds for the runs of one solver on one problem
LOSS = {"lasso": "squared_error", "logistic": "log_loss"}


def wide():
    """1,000 × 10,000, correlated columns, 50 of them count."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 10_000))
    for j in range(1, X.shape[1]):
        X[:, j] = 0.5 * X[:, j - 1] + 0.866 * X[:, j]
    score = X[:, ::200] @ rng.standard_normal(50)
    return X, score + 0.5 * score.std() * rng.standard_normal(1000)


def fashion():
    X, y = load("fashion_mnist")
    return np.ascontiguousarray(X), (y >= 5).astype(float)


def rows(name):
    X, y = load(name)
    return int32_indices(sp.csr_matrix(X)), (y > 0).astype(float)


DATA = {"wide": wide, "a9a": lambda: rows("a9a"), "imdb": lambda: rows("imdb"), "fashion": fashion}


def ours(kind, X, y, alpha, tol):
    objective = fo.LinearObjective(X, y, LOSS[kind], n_threads=1)
    return coordinate_descent(objective, penalties.L1(alpha), np.zeros(X.shape[1]), tol=tol, max_iter=1000, callback=None).w


def celer(kind, X, y, alpha, tol):
    module = importlib.import_module("celer")
    if kind == "lasso":
        return module.Lasso(alpha, tol=tol, fit_intercept=False, max_iter=200).fit(X, y).coef_
    return module.LogisticRegression(1 / (alpha * len(y)), tol=tol, max_iter=200).fit(X, 2 * y - 1).coef_.ravel()


def skglm(kind, X, y, alpha, tol):
    module = importlib.import_module("skglm")
    estimator = module.Lasso if kind == "lasso" else module.SparseLogisticRegression
    return estimator(alpha, tol=tol, fit_intercept=False, max_iter=200).fit(X, y if kind == "lasso" else 2 * y - 1).coef_.ravel()


def scikit(kind, X, y, alpha, tol):
    module = importlib.import_module("sklearn.linear_model")
    if kind == "lasso":
        return module.Lasso(alpha, tol=tol, fit_intercept=False, max_iter=100_000).fit(X, y).coef_
    model = module.LogisticRegression(C=1 / (alpha * len(y)), l1_ratio=1.0, solver="liblinear", tol=tol, fit_intercept=False, max_iter=1000)
    return model.fit(X, y).coef_.ravel()


def available():
    found = {"fastopt": ours}
    for name, run, module in (("celer", celer, "celer"), ("skglm", skglm, "skglm"), ("sklearn", scikit, "sklearn")):
        try:
            importlib.import_module(module)
            found[name] = run
        except ImportError:
            pass
    return found


def value(kind, X, y, alpha, w):
    p = np.asarray(X @ w, dtype=float)
    loss = (p - y) ** 2 / 2 if kind == "lasso" else np.logaddexp(0, p) - y * p
    return loss.mean() + alpha * np.abs(w).sum()


def sweep(run, kind, X, y, alpha):
    """(seconds, value) of a fit for each tolerance."""
    found, spent = [], 0.0
    for tol in TOLERANCES:
        best = np.inf
        for _ in range(3):
            start = time.perf_counter()
            w = np.asarray(run(kind, X, y, alpha, tol), dtype=float)
            seconds = time.perf_counter() - start
            spent, best = spent + seconds, min(best, seconds)
            if seconds > 1:
                break
        found.append((best, value(kind, X, y, alpha, w)))
        if spent > BUDGET:
            break
    return found


def compare(name, X, y, dtype):
    X = X.astype(dtype)
    peers = sp.csc_matrix(X) if sp.issparse(X) else np.asfortranarray(X)
    for kind in LOSS:
        target = (y if kind == "lasso" else (y > np.median(y) if len(np.unique(y)) > 2 else y)).astype(dtype)
        steepest = np.abs(X.T @ (target if kind == "lasso" else target - 0.5)).max() / len(y)
        for part in (10, 100):
            alpha = float(steepest) / part
            runs = {}
            for solver, run in available().items():
                data = X if solver == "fastopt" else peers
                run(kind, data, target, alpha, 1e-2)   # compilers at work, caches warm
                runs[solver] = sweep(run, kind, data, target, alpha)
            least = min(v for found in runs.values() for _, v in found)
            for goal in TARGETS:
                line = {solver: min((s for s, v in found if v <= least * (1 + goal)), default=np.nan) for solver, found in runs.items()}
                rivals = [s for solver, s in line.items() if solver != "fastopt" and s == s]
                text = "  ".join(f"{solver} {1e3 * s:9.1f} ms" for solver, s in line.items())
                print(f"{name:8} {kind:8} max/{part:<4} {goal:.0e}  {text}   best rival/fastopt {min(rivals, default=np.nan) / line['fastopt']:.2f}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for wanted in sys.argv[1:] or DATA:
        compare(wanted, *DATA[wanted](), np.float64)
