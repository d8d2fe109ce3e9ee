"""What classes weigh: how users say it, and as an array.

Used by losses._row_losses.  Knows no loss.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from fastopt._common.checks import integer, number

from ._base import Array

#: as it is kept, so that it can be compared and hashed: a weight for each class; or classes with theirs, the others weighing 1
Kept = tuple[float, ...] | tuple[tuple[int, float], ...] | str | None


def kept(name: str, value: ArrayLike | Mapping[int, float] | str | None) -> Kept:
    """Weights of classes as an immutable value; what it returned it takes, too."""
    if value is None or isinstance(value, str) and value == "balanced":
        return value
    if isinstance(value, str):
        raise ValueError(f"{name} must be 'balanced', an array of weights, a dict of them by class, or None, got {value!r}")
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        value = dict(value)
    if isinstance(value, Mapping):
        return tuple(sorted((integer(f"a class of {name}", key, 0), number(f"{name}[{key}]", weight, at_least=0)) for key, weight in value.items()))
    array = np.asarray(value)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must have shape (k,), a weight for each class, got {array.shape}")
    return tuple(number(f"{name}[{j}]", weight, at_least=0) for j, weight in enumerate(cast(Iterable[float], array.tolist())))


def by_class(name: str, value: Kept, k: int, labels: Array) -> Array:
    """(k,) weights; 'balanced' those of the labels that are given."""
    if isinstance(value, str):
        counts = np.bincount(labels, minlength=k)
        return np.divide(len(labels), k * counts, out=np.ones(k), where=counts > 0)
    weights = np.ones(k)
    if value and isinstance(value[0], tuple):
        for label, weight in cast(Any, value):
            if label >= k:
                raise ValueError(f"{name} must be of the classes 0 … {k - 1}, got class {label}")
            weights[label] = weight
    elif value is not None:
        if len(value) != k:
            raise ValueError(f"{name} must have {k} weights, one for each column of p, got {len(value)}")
        weights[:] = value
    return weights


def class_balanced_weights(counts: ArrayLike, beta: float = 0.999) -> Array:
    """Weights of classes by their effective numbers of samples: (1 − beta)/(1 − beta^n), scaled to a mean of 1.

    Parameters
    ----------
    counts : array_like of shape (k,)
        The number of samples of each class, at least 1.
    beta : float, at least 0 and below 1, default=0.999
        0: all weigh 1; towards 1: by the inverse of their numbers.

    Returns
    -------
    ndarray of shape (k,)
        For `class_weight` of `Multinomial`.

    Raises
    ------
    ValueError
        If a class has no sample, or beta is outside its range.

    References
    ----------
    Y. Cui et al. (2019), Class-balanced loss based on effective number of samples, CVPR.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.class_balanced_weights([1000, 10], beta=0.99).round(3)
    array([0.175, 1.825])
    """
    beta = number("beta", beta, at_least=0, below=1)
    numbers = np.asarray(counts, dtype=np.float64)
    if numbers.ndim != 1 or numbers.size == 0 or not (np.isfinite(numbers) & (numbers >= 1)).all():
        raise ValueError(f"counts must have shape (k,) and hold numbers of at least 1, got {counts!r}")
    if beta == 0:
        return np.ones(len(numbers))
    weights = (1 - beta) / -np.expm1(numbers * np.log(beta))
    return np.asarray(weights * (len(weights) / weights.sum()))
