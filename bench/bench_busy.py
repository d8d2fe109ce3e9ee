"""Fits and predictions while other programs want the processors: default threads against one thread, wall time.

    python bench/bench_busy.py [--busy 2] [--rounds 40] [--smallest 0] [--largest 1e7]

As many processes as `--busy` compute without end meanwhile; with `--busy 0` the same table says what threads are worth on an idle
machine.  Both take turns, round by round; the table shows means, how many times as long as one thread the default takes, and
the same of one thread against itself: what chance does.
"""
from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import clone

import fastopt as fo
from fastopt import linear_model

SHAPES = [(1_000, 10), (10_000, 10), (1_000, 100), (100_000, 5), (10_000, 100), (100_000, 100), (4_000, 2_000), (1_000_000, 100)]
CLASSIFIERS = {
    "LinearSVC": linear_model.LinearSVC(max_iter=100),
    "LogisticRegression": linear_model.LogisticRegression(),
    "SGDClassifier, adam": linear_model.SGDClassifier(loss="log_loss", optimizer="adam", batch_size=64, max_iter=3, tol=None, n_jobs=-1,
                                                      random_state=0),
}
REGRESSORS = {
    "Ridge": linear_model.Ridge(),
    "Lasso": linear_model.Lasso(alpha=0.1),
    "HuberRegressor": linear_model.HuberRegressor(),
    "PoissonRegressor": linear_model.PoissonRegressor(),
}


@contextmanager
def busy(n):
    """n processes that compute without end."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def seconds(call, rounds, least=0.03):
    """Mean seconds of a call by default threads, by one, and by one once more, which says what chance does.

    The three take turns, for a little while each: whether other programs sit on this processor changes every few milliseconds.
    """
    turns, start = ("default", "one", "again"), time.perf_counter()
    fo.set_num_threads(1)
    call()
    calls, spent = max(1, int(least / (time.perf_counter() - start))), dict.fromkeys(turns, 0.0)
    for _ in range(rounds):
        for turn in turns:
            fo.set_num_threads(None if turn == "default" else 1)
            start = time.perf_counter()
            for _ in range(calls):
                call()
            spent[turn] += (time.perf_counter() - start) / calls / rounds
    fo.set_num_threads(None)
    return tuple(spent.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--smallest", type=float, default=0, help="n·d at least")
    parser.add_argument("--largest", type=float, default=1e7, help="n·d at most")
    parser.add_argument("--only", default="", help="a part of the names of the estimators")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{fo.get_num_threads()} threads by default, {options.busy} busy processes beside")
    print("| | n × d | default | one thread | default / one | one / one |\n|---|---|---|---|---|---|")
    worst = 0.0
    with busy(options.busy):
        for n, d in SHAPES:
            if not options.smallest <= n * d <= options.largest:
                continue
            rng = np.random.default_rng(0)
            X = rng.standard_normal((n, d))
            linear = X @ rng.standard_normal(d) / np.sqrt(d) + rng.standard_normal(n)
            for name, model in {**CLASSIFIERS, **REGRESSORS}.items():
                if options.only not in name:
                    continue
                y = linear > 0 if name in CLASSIFIERS else np.exp(linear / 2) if name.startswith("Poisson") else linear
                fitted = clone(model).fit(X, y)
                for what, call in {"": lambda m=model, X=X, y=y: clone(m).fit(X, y), ".predict": lambda m=fitted, X=X: m.predict(X)}.items():
                    default, one, again = seconds(call, options.rounds)
                    worst = max(worst, default / one)
                    print(f"| {name}{what} | {n:,} × {d:,} | {default * 1e3:.2f} ms | {one * 1e3:.2f} ms "
                          f"| {default / one:.2f} | {again / one:.2f} |", flush=True)
    print(f"\nworst: {worst:.2f}")


if __name__ == "__main__":
    main()
