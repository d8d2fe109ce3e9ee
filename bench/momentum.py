"""Where momentum pays: katyusha against saga, svrg, sdca, lbfgs and newton-cholesky on problems of bad condition.

    FASTOPT_DATA=… OMP_NUM_THREADS=1 python bench/momentum.py [condition-1e4 condition-1e6 a9a-1 a9a-0.01 a9a-0.0001]

l2 logistic regression without intercept, X in float32: a9a with l2 = 1, 0.01 or 0.0001 over n, and 20,000 normal rows of 100 columns
whose XᵀX has the condition named, l2 = 0.001/n.  A line is a solver: the fewest iterations (passes, for the first four) that come
within a relative 1e-3 and 1e-6 of the minimum, and the milliseconds of the processor, on one thread, of a whole run of so many, the
least of two.  Minima are those of newton-cholesky in double, to the end.
"""
from __future__ import annotations

import sys
import time

import data
import numpy as np
from scipy.special import expit

from fastopt import LinearObjective
from fastopt._solvers.auto import solve

CASES = ("condition-1e4", "condition-1e6", "a9a-1", "a9a-0.01", "a9a-0.0001")
SOLVERS = ("katyusha", "saga", "svrg", "sdca", "lbfgs", "newton-cholesky")
ITERATIONS = (3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 100, 130, 160, 200, 260, 320, 400, 500, 640, 800)
TARGETS = (1e-3, 1e-6)
LIMIT = 2.0   # seconds of a run, after which a solver gives up


def conditioned(condition, n=20_000, d=100):
    """Normal rows with the eigenvalues of XᵀX from 1 to 1/condition, classes by a plane that all directions count for."""
    rng = np.random.default_rng(0)
    X, root = rng.standard_normal((n, d)), np.geomspace(1, condition ** -0.5, d)
    turn, _ = np.linalg.qr(rng.standard_normal((d, d)))
    p = X @ rng.standard_normal(d) / np.sqrt(d)
    return (X * root @ turn.T).astype(np.float32), (rng.random(n) < expit(2 * p)).astype(float)


def problem(case):
    """(X, y, l2)."""
    name, _, number = case.partition("-")
    X, y = conditioned(float(number)) if name == "condition" else data.case("CSR float32, one-hot, 32,561 × 123")
    return X, y, (1e-3 if name == "condition" else float(number)) / len(y)


def times(case, solver, exact, best):
    """[(iterations, milliseconds) or None] of each target."""
    X, y, l2 = problem(case)
    found = [None] * len(TARGETS)
    for count in ITERATIONS:
        took = np.inf
        for _ in range(2):
            start = time.process_time()
            objective = LinearObjective(X, y, "log_loss", l2=l2, n_threads=1)
            w = solve(objective, solver=solver, tol=1e-14, max_iter=count, random_state=0).w
            took = min(took, time.process_time() - start)
        error = exact.value(w) / best - 1
        found = [old or ((count, round(1e3 * took, 1)) if error <= target else None) for old, target in zip(found, TARGETS)]
        if found[-1] or took > LIMIT:
            break
    return found


def main():
    for case in sys.argv[1:] or CASES:
        X, y, l2 = problem(case)
        exact = LinearObjective(X.astype(np.float64), y, "log_loss", l2=l2)
        best = solve(exact, solver="newton-cholesky", tol=1e-12, max_iter=200).value
        for solver in SOLVERS:
            cells = ["–" if cell is None else f"{cell[0]}: {cell[1]} ms" for cell in times(case, solver, exact, best)]
            print(f"{case:14} {solver:16} {cells[0]:18} {cells[1]}", flush=True)


if __name__ == "__main__":
    main()
