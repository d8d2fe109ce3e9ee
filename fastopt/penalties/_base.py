"""What all penalties have in common: parameters, checks, evaluation, the register of names.

Used by the modules that hold the penalties, penalties._convex, penalties._concave and penalties._group.  The mathematics is in
csrc/penalties/penalties.h, the way to it in penalties/_regularizer.pyx; nothing here knows a formula.
"""
from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common import rules
from fastopt._common.checks import flag, number
from fastopt._common.docs import filled
from fastopt._common.registry import Registry
from fastopt._common.settings import Stateful
from fastopt._core.tables import PENALTY_NAMES
from fastopt.exceptions import InvalidParameterError

from ._regularizer import Regularizer

Array = NDArray[Any]
#: numbers by weight
Numbers = tuple[float, ...] | None

#: what is said of parameters that several penalties have
SHARED = {"alpha": ("float, at least 0", "Strength."),
          "positive": ("bool", "Weights must not be negative."),
          "weights": ("array_like of shape (d,), optional", "Factors of alpha, at least 0; by default 1.")}


class Penalty(Stateful):
    """What all penalties have in common.

    A penalty is a function of the coefficients, never of intercepts, and stands beside the mean of the losses.  It can be compared,
    copied, pickled and shared; its attributes cannot be set.  Coefficients may be of shape (d,) or, for several outputs, (k, d):
    each output is penalised alike.

    Attributes
    ----------
    name : str
        The name for ``penalties.get``.
    params : dict
        The parameters.
    convex : bool
        Otherwise solvers find a local minimum.
    grouped : bool
        Whether weights are penalised in groups, not each by itself.
    sparse : bool
        Whether it makes weights exactly 0.
    """

    convex: ClassVar[bool] = True
    grouped: ClassVar[bool] = False
    sparse: ClassVar[bool] = True
    #: name in csrc/include/lists.h
    _kernel: ClassVar[str]
    #: the parameter that is the kernel's second one
    _second: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__module__ = "fastopt.penalties"
        cls.__doc__ = filled(cls, SHARED)
        if "name" in cls.__dict__:
            registry[cls.name] = cls

    def _keep_terms(self, alpha: float, positive: bool, weights: ArrayLike | None, **own: Any) -> None:
        """Remember what most penalties have, a strength, the sign and the factors of weights, and parameters that are checked."""
        self._keep({"alpha": number("alpha", alpha, at_least=0), **own, "positive": flag("positive", positive),
                    "weights": numbers("weights", weights, 0)})

    def _terms(self) -> dict[str, Any]:
        """alpha, and the kernel's second parameter."""
        return {"alpha": self._params.get("alpha", 0.0), "a": self._params.get(self._second, 0.0)}

    def _bounds(self, d: int) -> tuple[Any, Any]:
        """Lower and upper bounds of d weights, or None and None."""
        return (np.zeros(d), np.full(d, np.inf)) if self._params.get("positive", False) else (None, None)

    def _arrays(self, d: int) -> dict[str, Any]:
        """What the kernel needs by weight, for the d of one output."""
        low, high = self._bounds(d)
        return {"weight": _spread("weights", self._params.get("weights"), d), "low": low, "high": high}

    def bind(self, d: int, k: int = 1) -> Regularizer:
        """The penalty of k outputs with d weights each, for solvers.

        Parameters
        ----------
        d : int
            Weights of an output.
        k : int, default=1
            Outputs.

        Returns
        -------
        Regularizer
            With methods ``value``, ``prox`` and ``violation`` of vectors of k·d weights.

        Raises
        ------
        InvalidParameterError
            If a parameter that is by weight is for another number of weights.
        """
        arrays = self._arrays(d)
        if k > 1:
            arrays = {key: value if value is None else np.tile(value, k) for key, value in arrays.items()}
        terms: dict[str, Any] = {**self._terms(), **arrays}
        return Regularizer(k * d, PENALTY_NAMES.index(self._kernel), **terms)

    def with_alpha(self, alpha: float) -> Penalty:
        """The same penalty with another strength; itself if it has none.

        Parameters
        ----------
        alpha : float

        Returns
        -------
        Penalty
        """
        if "alpha" not in self._params:
            return self
        return type(self)(**{**self._params, "alpha": alpha})

    def value(self, w: ArrayLike) -> float:
        """The penalty of the weights, infinite where they are not allowed.

        Parameters
        ----------
        w : array_like of shape (d,) or (k, d)

        Returns
        -------
        float

        Raises
        ------
        TypeError, InvalidParameterError
            If w is no array of numbers of such a shape.
        """
        flat = _weights("w", w)
        return self._bound(flat).value(flat.ravel())

    def prox(self, w: ArrayLike, step: float = 1.0) -> Array:
        """argmin over z of value(z) + ‖z − w‖²/(2·step).

        Parameters
        ----------
        w : array_like of shape (d,) or (k, d)
        step : float, at least 0, default=1.0

        Returns
        -------
        ndarray
            Of the shape of w.

        Raises
        ------
        TypeError, InvalidParameterError
            If w is no array of numbers of such a shape, or step is negative.
        """
        flat, step = _weights("w", w), number("step", step, at_least=0)
        out = np.empty_like(flat)
        if step == 0:   # as if it were the least step
            step = float(np.finfo(flat.dtype).tiny)
        self._bound(flat).prox(flat.ravel(), step, out.reshape(-1))
        return out

    def violation(self, w: ArrayLike, g: ArrayLike) -> float:
        """The largest distance of −g from the subdifferential at w: 0 where w is optimal for a loss with gradient g there.

        Parameters
        ----------
        w : array_like of shape (d,) or (k, d)
        g : array_like of the same shape

        Returns
        -------
        float

        Raises
        ------
        TypeError, InvalidParameterError
            If w and g are no arrays of numbers of the same such shape.
        """
        flat = _weights("w", w)
        gradient = _weights("g", g).astype(flat.dtype, copy=False)
        if gradient.shape != flat.shape:
            raise InvalidParameterError(f"g must have the shape of w, {flat.shape}, got {gradient.shape}")
        return self._bound(flat).violation(flat.ravel(), gradient.ravel())

    def _bound(self, w: Array) -> Regularizer:
        return self.bind(w.shape[-1], w.size // w.shape[-1])


#: classes by name
registry = Registry("penalty", Penalty)


def _weights(name: str, value: ArrayLike) -> Array:
    """A contiguous float array of one or two dimensions."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    if array.ndim not in (1, 2) or not array.size:
        raise InvalidParameterError(f"{name} must have shape (d,) or (k, d) and hold a number, got shape {array.shape}")
    return np.require(array, np.float32 if array.dtype == np.float32 else np.float64, ["C", "A"])


def numbers(name: str, value: object, low: float = -np.inf, finite: bool = True) -> Numbers:
    """A parameter that is by weight, as a tuple; None stays."""
    if value is None:
        return None
    return tuple(rules.numbers(low, infinite=not finite, alone=False).check(name, value).tolist())


def _spread(name: str, value: float | Numbers, d: int) -> Array | None:
    """A parameter that is by weight, or one number for all, as an array of d numbers; None stays."""
    if value is None:
        return None
    array = np.asarray(value, dtype=np.float64)
    if array.ndim and array.size != d:
        raise InvalidParameterError(f"{name} must hold a number for each of the {d} weights, got {array.size}")
    return np.array(np.broadcast_to(array, d))
