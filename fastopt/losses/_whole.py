"""Losses of all samples together, which need be no sums over samples: what objectives, solvers and estimators ask of them.

Base of losses._custom and losses._survival; knows neither.
"""
from __future__ import annotations

import math
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fastopt.exceptions import InvalidParameterError

from ._base import Array, Loss


class WholeLoss(Loss):
    """What losses of all samples together have in common: `CustomLoss`, `Cox`.

    They have ``value_and_gradient(y, p, sample_weight=…)``, and are for `LinearObjective`, `minimize`, `GeneralizedLinearEstimator` and the
    solvers that ask for values and gradients.

    Attributes
    ----------
    sees_shift : bool
        Whether a constant that is added to all predictions changes the loss; otherwise a model has no intercept.
    """

    target = "real"
    of_errors = False
    sees_shift: bool = True

    def targets(self, y: ArrayLike) -> Array:
        """Targets as `value_and_gradient` takes them, of shape (n,) or (n, q), from what a user has.

        Parameters
        ----------
        y : array_like
            Targets.

        Returns
        -------
        ndarray
        """
        return np.asarray(y)

    def n_outputs(self, y: Array) -> int:
        """How many predictions a sample has: one for each column of y, unless the class knows better.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, q)
            Targets.

        Returns
        -------
        int
        """
        return 1 if y.ndim == 1 else y.shape[1]

    def hessian_product(self, y: Array, p: Array, q: Array, sample_weight: Array | None = None) -> Array:
        """The derivative of the gradient along q: by a central difference, unless the class has a better one.

        Parameters
        ----------
        y, p
            See `value_and_gradient`.
        q : ndarray of the shape of p
            A direction.
        sample_weight : ndarray of shape (n,), optional
            Weights.

        Returns
        -------
        ndarray of the shape of p
        """
        size = float(np.abs(q).max())
        if size == 0:
            return np.zeros_like(q)
        step = float(np.finfo(p.dtype).eps) ** (1 / 3) * max(1.0, float(np.abs(p).max())) / size
        above, below = (self._evaluate(y, p + p.dtype.type(side * step) * q, sample_weight)[1] for side in (1, -1))
        return np.asarray((above.reshape(p.shape) - below.reshape(p.shape)) / (2 * step))

    def score(self, y: Array, p: Array, sample_weight: Array | None = None) -> float:
        """How good predictions are, the greater the better: what `GeneralizedLinearEstimator.score` returns.  Minus the loss, unless the class has
        a better measure.

        Parameters
        ----------
        y, p, sample_weight
            See `value_and_gradient`.

        Returns
        -------
        float
        """
        return -self.value(y, p, sample_weight)

    # ---- what an objective asks ----

    @property
    def spec(self) -> NoReturn:   # type: ignore[override]  # there is none
        """Refused: kernels cannot ask a loss in Python."""
        raise InvalidParameterError(f"loss must be one that kernels can ask, of fastopt.losses or a CompiledLoss, got {self!r}: a loss in Python is "
                                    "for LinearObjective, minimize and the solvers of values and gradients")

    def _evaluate(self, y: Array, p: Array, sample_weight: Array | None) -> tuple[float, Array]:
        """Value and gradient, checked; p and the gradient (n, k)."""
        value, gradient = self.value_and_gradient(
            y, p[:, 0] if p.ndim == 2 and p.shape[1] == 1 else p, sample_weight=sample_weight)
        value = float(value)
        return (value if not math.isnan(value) else math.inf), self._shaped("value_and_gradient", gradient, p)

    def _evaluate_product(self, y: Array, p: Array, q: Array, sample_weight: Array | None) -> Array:
        """The product with the second derivatives, checked; p, q and the product (n, k)."""
        one = p.shape[1] == 1
        return self._shaped("hessian_product", self.hessian_product(y, p[:, 0] if one else p, q[:, 0] if one else q, sample_weight), p)

    def _shaped(self, method: str, gradient: object, p: Array) -> Array:
        found = np.asarray(gradient)
        if found.size != p.size or found.dtype.kind not in "fiu":
            raise ValueError(f"{type(self).__name__}.{method} must return a gradient of the shape of p, {p.shape}, got one of shape "
                             f"{found.shape} and dtype {found.dtype}")
        return np.require(found.reshape(p.shape), p.dtype, ["C", "A"])
