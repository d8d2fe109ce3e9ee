"""A loss that a user writes in Python, over all predictions at once.

Used through fastopt.losses; what objectives ask of it is in losses._whole.
"""
from __future__ import annotations

import copyreg
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from ._base import Array
from ._whole import WholeLoss


class CustomLoss(WholeLoss):
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

    def __init__(self) -> None:
        pass

    def value_and_gradient(self, y: Array, p: Array, sample_weight: Array | None = None,   # type: ignore[override]
                           ) -> tuple[float, Array]:
        """The loss and its derivative in each prediction: yours to write.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, q)
            Targets, in float64.
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
