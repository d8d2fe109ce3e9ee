"""optimizer="auto" with defaults on raw columns against scikit-learn's SGD, tuned on scaled ones: the table of docs/auto.md.

    FASTOPT_DATA=... OMP_NUM_THREADS=1 python bench/auto_table.py [--seeds 3] [--first 0] [names ...]

A line a data set: the test score (accuracy, R²), mean and worst over splits and seeds, of scikit-learn's SGD with defaults on
raw columns, of the same with StandardScaler and the best of a grid (chosen on held-out training rows), of an exact solver on
scaled columns, and of auto; then seconds of a fit of the last tuned model and of auto.  Splits of seeds from OWN_SPLITS on had
no part in the choice of auto's constants; sets with a test part of their own are cut anew there.
"""
from __future__ import annotations

import argparse
import itertools
import time
import warnings

import data
import numpy as np
import pandas as pd
import scipy.sparse as sp
from report import table
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastopt import linear_model

CLASSES = ["covtype", "adult", "credit", "mammography", "shuttle", "higgs_like", "connect4", "fars", "fashion_mnist", "a9a", "agaricus",
           "imdb", "newsgroups"]
VALUES = ["bike", "protein", "housing", "elevators", "kin40k", "diamonds"]
WITH_TEST = {"adult", "higgs_like", "fashion_mnist", "a9a", "agaricus", "imdb", "newsgroups"}
LARGE = {"fashion_mnist", "newsgroups"}   # a smaller grid, no exact solver
GRID = {"alpha": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2), "rate": (("optimal", 0.01), ("invscaling", 0.01), ("invscaling", 0.1),
                                                          ("adaptive", 0.001), ("adaptive", 0.01), ("adaptive", 0.1))}
SMALL_GRID = {"alpha": (1e-4, 1e-3, 1e-2), "rate": (("optimal", 0.01), ("adaptive", 0.01))}
TUNING_ROWS = 30_000
OWN_SPLITS = 3


def numbers(train, test):
    """Frames as arrays: medians for missing numbers, a column a category."""
    numeric = train.select_dtypes("number").columns
    levels = {name: sorted(set(train[name].fillna("?"))) for name in train.columns if name not in numeric}
    for frame in (train, test):
        columns = [frame[numeric].fillna(train[numeric].median()).to_numpy(dtype=float)]
        columns += [frame[name].fillna("?").to_numpy()[:, None] == np.array([values]) for name, values in levels.items()]
        yield np.hstack(columns)


def split(name, seed):
    """X, y, X_test, y_test: the set's own test part, else, and for seeds of no part in the choice, a quarter."""
    X, y = data.load(name)
    if name in WITH_TEST:
        X_test, y_test = data.load(name, "test")
    if name in WITH_TEST and seed >= OWN_SPLITS:
        X, y = joined(X, X_test), np.concatenate([y, y_test])
    if name not in WITH_TEST or seed >= OWN_SPLITS:
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=y if name in CLASSES else None)
    if hasattr(X, "columns"):
        X, X_test = numbers(X, X_test)
    if name == "fashion_mnist":
        X, y = X[:20_000], y[:20_000]
    if sp.issparse(X):
        X, X_test = data.int32_indices(X), data.int32_indices(X_test)
    return X, y, X_test, y_test


def joined(X, X_test):
    if hasattr(X, "columns"):
        return pd.concat([X, X_test], ignore_index=True)
    return sp.vstack([X, X_test], format="csr") if sp.issparse(X) else np.concatenate([X, X_test])


def scaled(X, X_test):
    """Both with unit columns; in float64, where the sums of the scaler are."""
    scaler = StandardScaler(with_mean=not sp.issparse(X))
    return scaler.fit_transform(X.astype(float)), scaler.transform(X_test.astype(float))


def peer(classifies, seed=0, **settings):
    return (SGDClassifier if classifies else SGDRegressor)(random_state=seed, max_iter=100, **settings)


def score_of(model, X, y, X_test, y_test):
    """The test score, −inf where the fit overflows."""
    try:
        return model.fit(X, y).score(X_test, y_test)
    except ValueError:
        return -np.inf


def tuned(name, X, y, classifies):
    """The settings of the grid with the best mean score over two splits of the training rows."""
    grid, best = SMALL_GRID if name in LARGE else GRID, (-np.inf, {})
    rows = np.random.default_rng(0).permutation(X.shape[0])[:TUNING_ROWS]
    parts = []
    for seed in range(2):
        A, B, y_a, y_b = train_test_split(X[rows], y[rows], test_size=0.25, random_state=seed)
        A, B = scaled(A, B)
        parts.append((A, y_a, B, y_b))
    for alpha, (kind, eta0) in itertools.product(*grid.values()):
        settings = {"alpha": alpha, "learning_rate": kind, "eta0": eta0}
        best = max(best, (np.mean([score_of(peer(classifies, **settings), *part) for part in parts]), settings), key=lambda b: b[0])
    return best[1]


def auto(classifies, seed):
    """Ours, with defaults only."""
    return (linear_model.SGDClassifier if classifies else linear_model.SGDRegressor)(optimizer="auto", random_state=seed)


def measure(name, seeds):
    """Scores {column: [a seed's]} and seconds {column: [a seed's]}."""
    scores, seconds = {key: [] for key in ("raw", "tuned", "exact", "auto")}, {"tuned": [], "auto": []}
    classifies = name in CLASSES
    settings = tuned(name, *split(name, seeds[0])[:2], classifies)
    for seed in seeds:
        X, y, X_test, y_test = split(name, seed)
        A, B = scaled(X, X_test)
        scores["raw"].append(score_of(peer(classifies, seed), X, y, X_test, y_test))
        for key, model, part in (("tuned", peer(classifies, seed, **settings), (A, y, B, y_test)),
                                 ("auto", auto(classifies, seed), (X, y, X_test, y_test))):
            began = time.perf_counter()
            model.fit(*part[:2])
            seconds[key].append(time.perf_counter() - began)
            scores[key].append(model.score(*part[2:]))
        if name not in LARGE:
            exact = LogisticRegression(max_iter=300) if classifies else Ridge()
            scores["exact"].append(score_of(exact, A, y, B, y_test))
    return scores, seconds


def cell(values):
    if not values:
        return ""
    mean, worst = np.mean(values), min(values)
    return "diverges" if worst < -1 else f"{mean:.3f} ({worst:.3f})" if mean - worst > 0.0005 else f"{mean:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=CLASSES + VALUES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    rows = []
    for name in arguments.names:
        scores, seconds = measure(name, range(arguments.first, arguments.first + arguments.seeds))
        rows.append([name, *(cell(scores[key]) for key in ("raw", "tuned", "exact", "auto")),
                     *(f"{np.mean(seconds[key]):.2f}" for key in ("tuned", "auto"))])
        print(table([""] * len(rows[-1]), rows[-1:]).split("\n")[-1], flush=True)
    print(table(["data set", "SGD, raw", "SGD, scaled and tuned", "exact, scaled", "auto, raw", "seconds: tuned", "auto"], rows))


if __name__ == "__main__":
    main()
