"""The solver 'lbfgs': SciPy's L-BFGS-B on the mean loss of all rows.

Used by the base of this room.
"""
from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning

from fastopt._estimators.sklearn import FIT_LEVELS
from fastopt._estimators.types import Array

from .epochs import Rows
from .held_out import Weights

LEVEL = 5 + FIT_LEVELS


class Solution(NamedTuple):
    """What the solver found."""
    weights: Weights
    loss: float
    n_iter: int


def _packed(coefs: list[Array], intercepts: list[Array]) -> Array:
    """All in one vector, in double, which is SciPy's."""
    return np.concatenate([np.ravel(array) for array in (*coefs, *intercepts)]).astype(np.float64)


def _unpacked(x: Array, like: Weights) -> Weights:
    """The arrays in such a vector."""
    arrays, at = [], 0
    for array in (*like[0], *like[1]):
        arrays.append(x[at:at + array.size].reshape(array.shape).astype(array.dtype))
        at += array.size
    return arrays[:len(like[0])], arrays[len(like[0]):]


def minimize(network: Any, rows: Rows, *, tol: float, max_iter: int, max_fun: int) -> Solution:
    """The weights of least loss, from those that the network has on."""
    start = network.get_weights()

    def value_and_gradient(x: Array) -> tuple[float, Array]:
        network.set_weights(*_unpacked(x, start))
        value, coefs, intercepts = network.value_and_gradient(rows.X, rows.y, rows.weight)
        return float(value), _packed(coefs, intercepts)

    with np.errstate(all="ignore"):   # what overflows is looked for at the end
        found = scipy.optimize.minimize(value_and_gradient, _packed(*start), method="L-BFGS-B", jac=True,
                                        options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol})
    n_iter = min(int(found.nit), max_iter)
    if found.status != 0:
        more = f"\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})." if n_iter == max_iter else ""
        warnings.warn(f"lbfgs failed to converge after {n_iter} iteration(s) (status={found.status}):\n{found.message}\n{more}\nYou might also "
                      "want to scale the data as shown in:\n    https://scikit-learn.org/stable/modules/preprocessing.html",
                      ConvergenceWarning, stacklevel=LEVEL)
    return Solution(_unpacked(found.x, start), float(found.fun), n_iter)
