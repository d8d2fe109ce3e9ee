"""Seconds of an epoch of SGDClassifier, as users call it: the difference between fits of more epochs and of fewer, without what a fit costs once.

Used by _limits/dense.py, shared.py, sparse.py and small.py.
"""
from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fastopt.linear_model import SGDClassifier

from .timing import Call

FEWER, MORE = 2, 12
SMALL = 1_000_000         # numbers of X below which fits have more epochs, as an epoch takes no time beside a fit
TIMES_AS_MANY = 20


def sgd(**params: Any) -> SGDClassifier:
    """Logistic regression in steps of one size, for as many epochs as are said."""
    return SGDClassifier("log_loss", tol=None, learning_rate="constant", eta0=1e-3, random_state=0, **params)


def classes(n: int) -> NDArray[np.int64]:
    """Classes of n rows, by chance."""
    return np.random.default_rng(2).integers(0, 2, n)


class Epochs:
    """Fits of one model on the same rows.

    Parameters
    ----------
    model : SGDClassifier
    X : ndarray or CSR matrix of shape (n, d)
    y : ndarray of shape (n,)
    threads : int, default=1
        That share the fit.
    """

    def __init__(self, model: SGDClassifier, X: NDArray[np.float32] | csr_matrix, y: NDArray[np.int64], threads: int = 1) -> None:
        self.samples = int(X.shape[0])
        factor = TIMES_AS_MANY if X.size < SMALL else 1
        self.fewer, self.more = FEWER, FEWER + (MORE - FEWER) * factor
        params = model.get_params(deep=False)
        self.calls: dict[str, Call] = {
            name: Call(partial(SGDClassifier(**{**params, "max_iter": count}).fit, X, y), threads)
            for name, count in (("fewer", self.fewer), ("more", self.more))}

    def seconds(self, best: dict[str, float]) -> float:
        """Of a sample, from the times of the calls; where noise hides the difference, a share of the longer fit."""
        fewer, more = best["fewer"], best["more"]
        epoch = (more - fewer) / (self.more - self.fewer) if more > fewer else more / self.more
        return epoch / self.samples
