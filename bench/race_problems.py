"""Problems of the solver races: a linear model's mean loss plus l2/2·‖w‖² plus l1·‖w‖₁ without intercept, on data of `data.py`, and
the optimum that suboptimality is measured against.

An optimum comes from SciPy or a rival run to the end, and is believed by its certificate alone: a bound of the distance to the true
minimum, from the gradient (l2) or the dual problem (l1), all in float64.  Used by solver_race.py and the benchmarks; knows no rival.
"""
from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from data import int32_indices, is_real, load, narrow
from scipy.optimize import minimize
from scipy.special import expit, xlogy


class Problem(NamedTuple):
    """Mean of a loss of X·w plus penalties; X in float64, C order or CSR, y in {0, 1} for log_loss, else real."""

    name: str
    X: object
    y: np.ndarray
    loss: str = "log_loss"
    l2: float = 0.0
    l1: float = 0.0

    @property
    def kind(self):
        return "l2" if self.l2 else "l1" if self.loss == "log_loss" else "lasso"

    def data(self, dtype="float32", order="C"):
        """X as a solver prefers it; CSC for order "F"."""
        if sp.issparse(self.X):
            return int32_indices((self.X.tocsc() if order == "F" else self.X.tocsr()).astype(dtype))
        return np.asarray(self.X, dtype=dtype, order=order)

    def smooth(self, w):
        """(value, gradient) of all but l1."""
        p = self.X @ w
        if self.loss == "log_loss":
            value, slope = np.logaddexp(0, p) - self.y * p, expit(p) - self.y
        else:
            value, slope = 0.5 * (p - self.y) ** 2, p - self.y
        return value.mean() + self.l2 / 2 * (w @ w), self.X.T @ slope / len(p) + self.l2 * w

    def value(self, w):
        w = np.asarray(w, dtype=np.float64).ravel()
        return self.smooth(w)[0] + self.l1 * np.abs(w).sum()

    def doubt(self, w):
        """How far above the minimum w can be at most."""
        value, gradient = self.smooth(w)
        if not self.l1:
            return gradient @ gradient / (2 * self.l2)
        return value + self.l1 * np.abs(w).sum() - self._dual(w, gradient)

    def _dual(self, w, gradient):
        """A lower bound of the minimum: the dual objective at the residuals, shrunk until they are feasible."""
        p = self.X @ w
        shrink = min(1, self.l1 / np.abs(gradient).max())
        if self.loss == "squared_error":
            theta = (self.y - p) * shrink
            return (self.y @ theta - theta @ theta / 2) / len(p)
        theta = np.abs((self.y - expit(p)) * shrink)
        return -np.mean(xlogy(theta, theta) + xlogy(1 - theta, 1 - theta))


def optimum_l2(problem):
    """w at the minimum of a smooth problem: L-BFGS, then Newton by conjugate gradients until the gradient is rounding."""
    X, n = problem.X, len(problem.y)

    def product(w, v):
        q = expit(X @ w)
        return X.T @ (q * (1 - q) * (X @ v)) / n + problem.l2 * v

    w = minimize(problem.smooth, np.zeros(X.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 200, "maxcor": 30}).x
    return minimize(problem.smooth, w, jac=True, hessp=product, method="trust-ncg", options={"gtol": 1e-9, "maxiter": 200}).x


def _dense(X, y):
    return X.astype(np.float64, order="C"), y.astype(float)


def _covtype():
    X, y = load("covtype") if is_real() else narrow(20_000, 54)
    scale = X.std(axis=0, dtype=np.float64)
    X = (X - X.mean(axis=0, dtype=np.float64)) / np.where(scale > 0, scale, 1)
    return _dense(X.astype(np.float32), y == 1)


def _sparse(name):
    X, y = load(name)
    X = int32_indices(sp.csr_matrix(X, dtype=np.float64, copy=True))   # sorted in place: indices of its own
    X.sort_indices()
    return X, np.asarray(y, dtype=float)


def _fashion_mnist():
    X, y = load("fashion_mnist")
    return _dense(X, y >= 5)


@functools.cache
def _wide(n=1_000, d=10_000):
    """A dense problem of more columns than rows, columns correlated with their neighbours, one in a hundred of them telling."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((n, d))
    X = np.empty((n, d))
    X[:, 0] = noise[:, 0]
    for j in range(1, d):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * noise[:, j]
    w = np.zeros(d)
    w[rng.choice(d, d // 100, replace=False)] = rng.standard_normal(d // 100)
    p = X @ w
    return np.float32(X).astype(np.float64), p + rng.standard_normal(n) * p.std() / 3


#: (X, y) by name; y is a class but for "wide"
SETS = {"covtype": _covtype, "a9a": functools.partial(_sparse, "a9a"), "imdb": functools.partial(_sparse, "imdb"),
        "fashion_mnist": _fashion_mnist, "wide": _wide}

_PARTS = tuple(f"{name}/{part}" for name in ("imdb", "a9a", "fashion_mnist", "wide") for part in (10, 100))

#: Problems by kind: "l2" is logistic with l2 = 1/n; "l1" (logistic) and "lasso" have l1 a part of the least that makes w = 0.
NAMES = {"l2": ("covtype", "a9a", "imdb", "fashion_mnist"), "l1": _PARTS, "lasso": _PARTS}


@functools.lru_cache(4)
def problem(kind: str, name: str):
    """The Problem of one of NAMES[kind]."""
    base, _, part = name.partition("/")
    X, y = SETS[base]()
    if kind == "l2":
        return Problem(name, X, y, l2=1 / len(y))
    if kind == "l1":
        plain = Problem(name, X, (y > 0).astype(float))
    else:
        plain = Problem(name, X, y if base == "wide" else 2 * y - 1, "squared_error")
    return plain._replace(l1=np.abs(plain.smooth(np.zeros(X.shape[1]))[1]).max() / int(part))


def _optimum_l1(problem):
    """w at the minimum of an l1 problem: nearly by a rival, then by Newton's method on the coefficients that are not 0, whose signs
    it knows; the certificate says whether it knew them right."""
    import skglm
    model = skglm.SparseLogisticRegression if problem.loss == "log_loss" else skglm.Lasso
    w = model(problem.l1, tol=1e-7, fit_intercept=False, max_epochs=1_000).fit(problem.data("float64", "F"), problem.y).coef_.ravel()
    support = np.flatnonzero(w)
    X, signs = problem.X[:, support], np.sign(w[support])
    X = X.toarray() if sp.issparse(X) else X
    for _ in range(4):
        p = problem.X @ w
        second = expit(p) * expit(-p) if problem.loss == "log_loss" else np.ones(len(p))
        slope = problem.smooth(w)[1][support] + problem.l1 * signs
        better = w.copy()
        better[support] -= np.linalg.lstsq((X.T * second) @ X / len(p), slope, rcond=None)[0]
        if problem.doubt(better) < problem.doubt(w):
            w = better
    return w


def optimum(problem):
    """The least value, within a relative 1e-11 by certificate (1e-9 for l1); kept in FASTOPT_OPTIMA, if that names a folder."""
    folder = os.environ.get("FASTOPT_OPTIMA")
    kept = folder and Path(folder) / f"{problem.kind}-{problem.name.replace('/', '-')}.npy"
    if kept and kept.exists():
        w = np.load(kept)
    else:
        w = (optimum_l2 if problem.l2 else _optimum_l1)(problem)
    doubt = problem.doubt(w) / problem.value(w)
    print(f"{problem.kind} {problem.name}: minimum {problem.value(w):.12g}, certified to {doubt:.1e} relative")
    if kept:
        np.save(kept, w)
    return problem.value(w)
