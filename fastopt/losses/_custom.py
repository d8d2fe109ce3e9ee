"""A loss that a user writes in Python, over all predictions at once: what it has to say, and the checks of what it says.

Used through fastopt.losses, and by objectives, which ask it between their readings of X.
"""
from __future__ import annotations

import copyreg
import math
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from fastopt.exceptions import InvalidParameterError

from ._base import Array, Loss


class CustomLoss(Loss):
    """A loss of your own in Python, for `LinearObjective`, `minimize`, `GeneralizedLinearEstimator` and solvers that ask for values and gradients.

    Derive a class from it that has ``value_and_gradient(y, p, sample_weight=None)``, the loss of all predictions and its derivative in each of
    them.  It need not be a mean over samples: the loss of a sample may depend on the predictions of all others, as those of rankings and of
    survival do.  For SGD and mini-batches, which ask for one sample after the other, see `CompiledLoss`.

    Attributes
    ----------
    convex, smooth : bool, default=True
        Set them in your class, if it is not.
    curvature : float, default=inf
        The largest second derivative in a prediction, if it is known.

    Examples
    --------
    >>> import numpy as np
    >>> import fastopt as fo
    >>> class Spread(fo.losses.CustomLoss):
    ...     '''The standard deviation of the errors.'''
    ...     def value_and_gradient(self, y, p, sample_weight=None):
    ...         error = p - y - np.average(p - y, weights=sample_weight)
    ...         share = np.full(len(y), 1 / len(y)) if sample_weight is None else sample_weight / sample_weight.sum()
    ...         value = np.sqrt(share @ error ** 2)
    ...         return value, share * error / value
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 4.0])
    >>> objective = fo.LinearObjective(X, y, Spread())
    >>> value, gradient = objective.value_and_gradient([1.0])
    >>> round(value, 6), gradient.round(6)
    (0.471405, array([-0.707107]))
    """

    name = "custom"
    target = "real"
    of_errors = False

    def __init__(self) -> None:
        pass

    def value_and_gradient(self, y: Array, p: Array, sample_weight: Array | None = None,   # type: ignore[override]
                           ) -> tuple[float, Array]:
        """The loss and its derivative in each prediction: yours to write.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, q)
            Targets, of the type of the computation.
        p : ndarray of shape (n,), or (n, k) if there are several outputs
            Raw predictions.
        sample_weight : ndarray of shape (n,), optional
            Weights; a sample of weight 2 should count as two.

        Returns
        -------
        value : float
        gradient : ndarray of the shape of p
        """
        raise NotImplementedError(f"{type(self).__name__} has no value_and_gradient(y, p, sample_weight=None)")

    def hessian_product(self, y: Array, p: Array, q: Array, sample_weight: Array | None = None) -> Array:
        """The derivative of the gradient along q: by a central difference, unless your class has a better one.

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

    def n_outputs(self, y: Array) -> int:
        """How many predictions a sample has: one for each column of y, unless your class knows better.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, q)
            Targets.

        Returns
        -------
        int
        """
        return 1 if y.ndim == 1 else y.shape[1]

    def score(self, y: Array, p: Array, sample_weight: Array | None = None) -> float:
        """How good predictions are, the greater the better: what `GeneralizedLinearEstimator.score` returns.  Minus the loss, unless your class has
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

    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None) -> float:   # type: ignore[override]
        """The loss.

        Parameters
        ----------
        y, p, sample_weight
            See `value_and_gradient`.

        Returns
        -------
        float
        """
        return float(self.value_and_gradient(*self._arrays(y, p), _weights(sample_weight))[0])

    def gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None,   # type: ignore[override]
                 out: Array | None = None) -> Array:
        """The derivative of the loss in each prediction.

        Parameters
        ----------
        y, p, sample_weight
            See `value_and_gradient`.
        out : ndarray of the shape of p, optional
            Where to put it.

        Returns
        -------
        ndarray of the shape of p
        """
        found = np.asarray(self.value_and_gradient(*self._arrays(y, p), _weights(sample_weight))[1])
        if out is None:
            return found
        out[...] = found
        return out

    def pointwise(self, y: ArrayLike, p: ArrayLike) -> NoReturn:
        """Refused: the losses of samples are not known one by one.

        Parameters
        ----------
        y, p
            See `value_and_gradient`.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(f"{type(self).__name__} is a loss of all samples together, which has no pointwise values")

    @staticmethod
    def _arrays(y: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
        return np.asarray(y), np.asarray(p)

    # ---- what an objective asks ----

    @property
    def spec(self) -> NoReturn:   # type: ignore[override]
        """Refused: kernels cannot ask a loss in Python."""
        raise InvalidParameterError(f"loss must be one that kernels can ask, of fastopt.losses or a CompiledLoss, got {self!r}: a loss in Python is "
                                    "for LinearObjective, minimize and the solvers of values and gradients")

    def _evaluate(self, y: Array, p: Array, sample_weight: Array | None) -> tuple[float, Array]:
        """Value and gradient, checked; p and the gradient (n, k)."""
        value, gradient = self.value_and_gradient(y, p[:, 0] if p.ndim == 2 and p.shape[1] == 1 else p, sample_weight)
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

    # ---- an object of the user's class: it may have attributes of its own ----

    __setattr__ = object.__setattr__   # type: ignore[assignment]
    __delattr__ = object.__delattr__   # type: ignore[assignment]
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __reduce__(self) -> tuple[Any, ...]:
        return copyreg.__newobj__, (type(self),), self.__dict__   # type: ignore[attr-defined]

    @property
    def params(self) -> dict[str, Any]:
        """Its attributes."""
        return dict(vars(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"


def _weights(sample_weight: ArrayLike | None) -> Array | None:
    return None if sample_weight is None else np.asarray(sample_weight)
