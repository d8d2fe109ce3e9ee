"""How soon solvers of l2 logistic regression are how near to the optimum: curves, drawn to docs/solvers.png, and a table.

    FASTOPT_DATA=… OMP_NUM_THREADS=1 python bench/time_to_accuracy.py [--threads 1] [--sets a9a,imdb] [--rounds 3]

alpha = 1/n, no intercept, X in memory.  A point is a whole fit with a tolerance or a number of iterations; rivals (scikit-learn,
cyanure, snapml where installed) fit in turn, round by round, and the least time counts.  Seconds are those of the processor on one
thread, of the clock on more.  The optimum is Newton's, in float64.  bench_solvers.py uses the fits.
"""
from __future__ import annotations

import argparse
import importlib.util
import time
import warnings

import numpy as np
from data import int32_indices, load
from sklearn.linear_model import LogisticRegression

from fastopt import LinearObjective
from fastopt._solve import solve

warnings.filterwarnings("ignore")
ITERATIONS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 17, 22, 30, 40, 60, 100, 200, 400, 1000, 3000)
TARGETS = (1e-3, 1e-6)
LIMIT = 3.0   # seconds: no more is tried of a solver then


def _covtype():
    X, y = load("covtype")
    spread = X.std(axis=0)
    return np.ascontiguousarray((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1), dtype=np.float32), y > 0


def _fashion():
    X, y = load("fashion_mnist")
    return X.reshape(len(X), -1), y >= 5


def _sparse(name):
    X, y = load(name)
    return int32_indices(X.tocsr().astype(np.float32)), y > 0


SETS = {"covtype": _covtype, "a9a": lambda: _sparse("a9a"), "imdb": lambda: _sparse("imdb"), "fashion_mnist": _fashion}


def data(name):
    X, y = SETS[name]()
    return X, np.asarray(y, dtype=np.int64)


def ours(solver):
    def fit(X, y, iterations, threads):
        objective = LinearObjective(X, y, l2=1 / X.shape[0], n_threads=threads)
        return solve(objective, None, solver, tol=1e-9, max_iter=iterations, random_state=0).w
    return fit


def sklearn(solver):
    def fit(X, y, iterations, threads):
        model = LogisticRegression(C=1.0, fit_intercept=False, solver=solver, tol=1e-9, max_iter=iterations)
        return model.fit(X, y).coef_[0]
    return fit


def cyanure(solver):
    from cyanure.estimators import Classifier

    def fit(X, y, iterations, threads):
        model = Classifier(loss="logistic", penalty="l2", lambda_1=1 / X.shape[0], fit_intercept=False, solver=solver, tol=1e-9,
                           max_iter=iterations, verbose=False, n_threads=threads)
        return np.ravel(model.fit(X, 2 * y - 1).get_weights())
    return fit


def snapml(dual):
    from snapml import LogisticRegression as Snap

    def fit(X, y, iterations, threads):
        model = Snap(regularizer=1.0, dual=dual, fit_intercept=False, tol=1e-9, max_iter=iterations, n_jobs=threads, normalize=False)
        return np.ravel(model.fit(X, y).coef_)
    return fit


def fits(wide):
    """{name: fit}: ours first; those that need a Hessian in memory only where there are few columns."""
    second = [] if wide else ["newton-cholesky", "preconditioned-cg"]
    found = {f"fastopt {name}": ours(name) for name in ("auto", "lbfgs", "newton-cg", *second)}
    names = ["lbfgs", "newton-cg", "sag", "saga", "liblinear"] + ([] if wide else ["newton-cholesky"])
    found.update({f"scikit-learn {name}": sklearn(name) for name in names})
    if importlib.util.find_spec("cyanure"):
        found.update({f"cyanure {name}": cyanure(name) for name in ("qning-miso", "catalyst-miso", "qning-ista", "acc-svrg")})
    if importlib.util.find_spec("snapml"):
        found.update({f"snapml {'dual' if dual else 'primal'}": snapml(dual) for dual in (True, False)})
    return found


def optimum(X, y):
    """(the least value, the objective in float64)"""
    objective = LinearObjective(X.astype(np.float64), y, l2=1 / X.shape[0])
    name = "newton-cholesky" if X.shape[1] < 5000 else "newton-cg"
    return solve(objective, None, name, tol=1e-11, max_iter=300).value, objective


def curves(name, threads=1, rounds=3):
    """{solver: [(seconds, relative suboptimality), …]}"""
    X, y = data(name)
    best, objective = optimum(X, y)
    clock = time.process_time if threads == 1 else time.perf_counter
    result = {}
    for solver, fit in fits(X.shape[1] > 5000).items():
        points, spent = [], 0.0
        for iterations in ITERATIONS:
            start = clock()
            w = fit(X, y, iterations, threads)
            seconds = clock() - start
            points.append([seconds, max((objective.value(np.asarray(w, dtype=np.float64)) - best) / best, 1e-12), iterations])
            spent += seconds
            if points[-1][1] < TARGETS[-1] or spent > LIMIT:
                break
        result[solver] = points
    for _ in range(rounds - 1):   # in turn; only the points that count
        for solver, fit in fits(X.shape[1] > 5000).items():
            for point in _decisive(result[solver]):
                start = clock()
                fit(X, y, point[2], threads)
                point[0] = min(point[0], clock() - start)
    return {solver: [tuple(point[:2]) for point in points] for solver, points in result.items()}


def _decisive(points):
    """The first point within each target."""
    found = []
    for target in TARGETS:
        found += [point for point in points if point[1] <= target][:1]
    return found


def seconds(points, target):
    """The least time that reaches the target."""
    return min((time for time, gap in points if gap <= target), default=float("inf"))


def table(name, found):
    print(f"\n{name}\n{'':32}" + "".join(f"{target:>12.0e}" for target in TARGETS))
    for solver, points in sorted(found.items(), key=lambda item: seconds(item[1], TARGETS[-1])):
        print(f"{solver:32}" + "".join(f"{1e3 * seconds(points, target):>9.1f} ms" for target in TARGETS), flush=True)


def draw(all_curves, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, len(all_curves), figsize=(5 * len(all_curves), 4.5), squeeze=False)
    for ax, (name, found) in zip(axes[0], all_curves.items()):
        for solver, points in found.items():
            ours = solver.startswith("fastopt")
            ax.loglog(*zip(*points), label=solver, linewidth=2.5 if ours else 1, linestyle="-" if ours else "--")
        ax.set(title=name, xlabel="seconds", ylabel="relative suboptimality")
        ax.legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", default="docs/solvers.png")
    arguments = parser.parse_args()
    every = {}
    for chosen in arguments.sets.split(","):
        every[chosen] = curves(chosen, arguments.threads, arguments.rounds)
        table(chosen, every[chosen])
    draw(every, arguments.out)
