"""LogisticRegression() against scikit-learn's, fits in turn: classes of sizes from hundreds to three rows, columns as they come; one
thread, time of the processor.

    FASTOPT_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python bench/bench_logistic.py [case ...]

prints milliseconds, iterations and how far each ends above the minimum, relative to it.  FASTOPT_DATA adds real sets (`data.py`).
"""
from __future__ import annotations

import sys
import time
import warnings

import data
import numpy as np
import scipy.sparse
from scipy.special import logsumexp
from sklearn import datasets
from sklearn.linear_model import LogisticRegression as Theirs
from sklearn.preprocessing import StandardScaler
from turns import in_turn

from fastopt.linear_model import LogisticRegression


def real(name, rows=None, dtype=np.float64, form=np.ascontiguousarray, classes=None):
    X, y = data.load(name)
    X, y = form(X[:rows].astype(dtype)), y[:rows]
    return X, y if classes is None else (y == classes).astype(int)


def normal(n=20_000, d=50, k=3):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    return X, np.argmax(X @ rng.standard_normal((d, k)) + 3 * rng.gumbel(size=(n, k)), axis=1)


def standardized(X, y):
    return StandardScaler().fit_transform(X), y


CASES = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "normal": normal,
    "classification": lambda: datasets.make_classification(20_000, 50, n_informative=10, n_classes=3, random_state=0),
}
REAL = {
    "shuttle": lambda: real("shuttle", 14_500),
    "shuttle, float32": lambda: real("shuttle", 14_500, np.float32),
    "shuttle, CSR": lambda: real("shuttle", 14_500, form=scipy.sparse.csr_matrix),
    "shuttle, standardized": lambda: standardized(*real("shuttle", 14_500)),
    "covtype": lambda: real("covtype"),
    "covtype, float32": lambda: real("covtype", dtype=np.float32),
    "covtype, 5,000 rows": lambda: real("covtype", 5000),
    "covtype, standardized": lambda: standardized(*real("covtype")),
    "covtype, two classes": lambda: real("covtype", classes=1),
    "fars": lambda: real("fars"),
    "fars, float32": lambda: real("fars", dtype=np.float32),
    "connect4": lambda: real("connect4"),
    "newsgroups": lambda: data.load("newsgroups"),
}


def value(model, X, y):
    """The objective that both minimise, in double."""
    p = np.asarray(X.astype(np.float64) @ model.coef_.T.astype(np.float64)) + model.intercept_
    p = np.hstack([np.zeros_like(p), p]) if p.shape[1] == 1 else p
    own = p[np.arange(len(p)), np.searchsorted(model.classes_, y)]
    return np.mean(logsumexp(p, axis=1) - own) + (model.coef_.astype(np.float64) ** 2).sum() / (2 * len(p))


def raced(X, y):
    """(name, seconds, iterations, value) of both, and the least value that anybody knows."""
    models = {"ours": LogisticRegression(n_jobs=1), "scikit-learn": Theirs()}
    seconds = in_turn({name: lambda model=model: model.fit(X, y) for name, model in models.items()}, rounds=5, clock=time.process_time)
    small = X.shape[1] * len(np.unique(y)) < 2000
    exact = LogisticRegression(solver="newton-cholesky" if small else "lbfgs", tol=1e-8, max_iter=2000).fit(X.astype(np.float64), y)
    values = {name: value(model, X, y) for name, model in models.items()}
    return [(name, seconds[name], int(models[name].n_iter_.max()), values[name]) for name in models], min(value(exact, X, y), *values.values())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for case, make in (CASES | (REAL if data.is_real() else {})).items():
        if sys.argv[1:] and case not in sys.argv[1:]:
            continue
        found, least = raced(*make())
        print(f"{case:24s}", " | ".join(f"{name} {1e3 * seconds:7.1f} ms, {n_iter:3d} iterations, {above / least - 1:7.0e} above"
                                        for name, seconds, n_iter, above in found), flush=True)
