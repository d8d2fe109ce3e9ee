"""Weights that training starts from: scikit-learn's own and those of the literature, by name.

Used by all networks.  Knows layers by their sizes and activations, and nothing of training.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
Random = np.random.RandomState
#: (random numbers, inputs, outputs) → weights (inputs, outputs) in double
Draw = Callable[[Random, int, int], Array]


def _uniform(bound: Callable[[int, int], float]) -> Draw:
    def draw(rng: Random, fan_in: int, fan_out: int) -> Array:
        limit = bound(fan_in, fan_out)
        return rng.uniform(-limit, limit, (fan_in, fan_out))
    return draw


def _normal(deviation: Callable[[int, int], float]) -> Draw:
    return lambda rng, fan_in, fan_out: rng.normal(0.0, deviation(fan_in, fan_out), (fan_in, fan_out))


def _orthogonal(rng: Random, fan_in: int, fan_out: int) -> Array:
    """Orthonormal columns, or rows where there are fewer of them: Q of a normal matrix, with the signs that make it unique."""
    tall = max(fan_in, fan_out), min(fan_in, fan_out)
    q, r = np.linalg.qr(rng.normal(size=tall))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    found: Array = q if fan_in >= fan_out else q.T
    return found


#: weights; intercepts are 0.  Glorot & Bengio 2010, He et al. 2015, LeCun et al. 1998, Saxe et al. 2014
DRAWS: dict[str, Draw] = {
    "glorot_uniform": _uniform(lambda fan_in, fan_out: math.sqrt(6 / (fan_in + fan_out))),
    "glorot_normal": _normal(lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out))),
    "he_uniform": _uniform(lambda fan_in, fan_out: math.sqrt(6 / fan_in)),
    "he_normal": _normal(lambda fan_in, fan_out: math.sqrt(2 / fan_in)),
    "lecun_normal": _normal(lambda fan_in, fan_out: math.sqrt(1 / fan_in)),
    "orthogonal": _orthogonal,
}
#: all names that `initial_weights` takes
NAMES = ("scikit-learn", *DRAWS)


def initial_weights(name: str, sizes: Sequence[int], activations: Sequence[str], rng: Random, dtype: DTypeLike) -> tuple[list[Array], list[Array]]:
    """Weights and intercepts of all layers, drawn layer by layer.

    Parameters
    ----------
    name : str
        One of `NAMES`.  'scikit-learn' draws weights and then intercepts uniformly up to √(6/(inputs + outputs)), or √(2/…) of a layer
        with activation 'logistic', as its multi-layer perceptrons do; all others leave intercepts at 0.
    sizes : sequence of int
        Inputs, units of the hidden layers, outputs.
    activations : sequence of str
        One a layer, but for the inputs; what they mean for the bound of 'scikit-learn'.
    rng : RandomState
    dtype : dtype
        What double numbers are rounded to.

    Returns
    -------
    coefs : list of ndarray of shape (inputs, outputs)
    intercepts : list of ndarray of shape (outputs,)
    """
    coefs, intercepts = [], []
    for fan_in, fan_out, activation in zip(sizes, sizes[1:], activations):
        if name == "scikit-learn":
            bound = np.sqrt((2.0 if activation == "logistic" else 6.0) / (fan_in + fan_out))
            coef, intercept = rng.uniform(-bound, bound, (fan_in, fan_out)), rng.uniform(-bound, bound, fan_out)
        else:
            coef, intercept = DRAWS[name](rng, fan_in, fan_out), np.zeros(fan_out)
        coefs.append(coef.astype(dtype))
        intercepts.append(intercept.astype(dtype))
    return coefs, intercepts
