"""What all losses have in common: parameters, checks, evaluation, the register of names.

Used by the modules that hold the losses, losses._regression, losses._classification and losses._rows.  The mathematics is in
csrc/losses/losses.h, the loop over blocks in losses/_arrays.pyx; nothing here touches single elements, except to say which one was
refused.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.registry import Registry
from fastopt._common.settings import Settings
from fastopt._core.tables import COUPLED_LOSS_NAMES, LOSS_NAMES, LOSS_TARGETS
from fastopt._core.threads import resolve_threads

from . import _arrays

if TYPE_CHECKING:
    from fastopt._core.own_loss import LossSpec

Array = NDArray[Any]
#: what is made of the losses of all samples
Reduction = Literal["mean", "sum", "none"]
REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum", "none")

#: in the order of their kinds
KINDS = LOSS_NAMES + COUPLED_LOSS_NAMES
_FLOAT64 = np.dtype(np.float64)
#: sums of weights up to this, and down to its inverse, neither overflow nor underflow in products with losses
_SAFE = {np.dtype(dtype): float(np.finfo(dtype).max) ** 0.5 for dtype in (np.float32, np.float64)}

_TESTS: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "real": ("finite", np.isfinite),
    "nonnegative": ("finite and at least 0", lambda y: np.isfinite(y) & (y >= 0)),
    "positive": ("finite and above 0", lambda y: np.isfinite(y) & (y > 0)),
    "unit": ("between 0 and 1", lambda y: (y >= 0) & (y <= 1)),
    "sign": ("a class, 0 or 1", lambda y: (y == 0) | (y == 1)),
}
#: what y may be: in words, as a test, and as the kind of a loss whose kernel tests the same
DOMAINS = {domain: (words, test, list(LOSS_TARGETS.values()).index(domain)) for domain, (words, test) in _TESTS.items()}


def probability(p: Array) -> Array:
    """1/(1 + exp(−p)) by way of exp(−|p|): no overflow, and small probabilities keep their accuracy."""
    e = np.exp(-np.abs(p))
    return np.asarray(np.where(p >= 0, 1, e) / (1 + e))


#: what a prediction means, by domain of the target
_INVERSE_LINKS: dict[str, Callable[[Array], Array]] = {
    "real": np.copy, "nonnegative": np.exp, "positive": np.exp, "unit": probability,
    "sign": lambda p: (p > 0).astype(np.int64),
}


def _array(name: str, value: ArrayLike, dtype: np.dtype[Any] | None = None) -> Array:
    """`value` as a contiguous, aligned float array: itself if it is one.  Without dtype float32 stays, else float64."""
    try:
        value = np.asarray(value)
    except ValueError as error:   # lists of unequal length
        raise ValueError(f"{name}: {error}") from None
    if value.dtype == (dtype or _FLOAT64) and value.flags.c_contiguous and value.flags.aligned:
        return value  # np.require does the same in ten times the time
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {value.dtype}")
    if dtype is None:
        dtype = np.dtype(np.float32 if value.dtype == np.float32 else np.float64)
    value = np.asarray(value, dtype, order="C")
    return value if value.flags.aligned else value.copy()   # np.require does the same in twice the time


def _same_shape(name: str, value: Array, p: Array) -> Array:
    if value.shape != p.shape:
        raise ValueError(f"{name} must have the shape of p, {p.shape}, got {value.shape}")
    return value


def _refuse(name: str, value: Array, words: str, test: Callable[[Array], Array], kind: int | None = None) -> None:
    """Raise for the first element that fails the test, if any does; `kind` says whose kernel tests the same."""
    if kind is not None and _arrays.admits(kind, value):
        return
    bad = np.flatnonzero(~test(value))
    if bad.size:
        index = np.unravel_index(bad[0], value.shape)
        where = f" at index {', '.join(str(i) for i in index)}" if index else ""
        raise ValueError(f"{name} must be {words}, got {value[index]}{where}")


def _weighed(weight: Array, is_mean: bool) -> tuple[Array, float]:
    """The weights, and what losses are divided by: of a mean, where only ratios matter, their sum, which neither overflows nor underflows beside
    losses; else 1."""
    if not is_mean:
        _refuse("sample_weight", weight, *DOMAINS["nonnegative"])
        return weight, 1.0
    with np.errstate(over="ignore"):
        total = float(weight.sum(dtype=np.float64))
    if not (weight.min() >= 0 and math.isfinite(total)):
        _refuse("sample_weight", weight, *DOMAINS["nonnegative"])
    if total == 0:
        raise ValueError("sample_weight must not be all 0")
    if not 1 / _SAFE[weight.dtype] < total < _SAFE[weight.dtype]:
        weight = weight / weight.max()
        total = float(weight.sum(dtype=np.float64))
    return weight, total


class Loss(Settings):
    """What all losses have in common.

    A loss is immutable: it can be shared, compared, hashed and pickled.  `y` is the target and `p` the raw prediction,
    before the inverse link; they may have any shape, but the same.  Contiguous float32 and float64 arrays are read
    where they lie, read-only ones too; integers, strided and Fortran-ordered arrays are copied first.  The computation
    is done in the type of `p`, in float64 if `p` holds no floats; `y` and weights of another type are copied to it.
    Sums over more than 4096 samples are float64.  Results have the same bits for any number of threads.

    Attributes
    ----------
    name : str
        The name for ``losses.get``.
    target : str
        What `y` may be: ``'real'``, ``'nonnegative'``, ``'positive'``, ``'sign'`` (a class, 0 or 1) or ``'unit'``
        (0 <= y <= 1); of a loss that couples k outputs also ``'class'``: the number of one, from 0 on, ``'shares'``: k numbers of at
        least 0 whose sum is 1, or ``'amounts'``: k numbers of at least 0.
    couples_outputs : bool
        Whether it is a loss of all predictions of a sample together, which form a row of `p`, as `Multinomial` is.
    shift_invariant : bool
        Whether what all predictions of a row have in common changes nothing.
    params : dict
        The parameters.
    convex : bool
        Whether it is convex in `p`.
    smooth : bool
        Whether its derivative in `p` is continuous.
    curvature : float
        The largest second derivative in `p`, the Lipschitz constant of the derivative; infinite where there is none.
    of_errors : bool
        Whether it is a function of p − y alone, so that both can be shifted.
    spec : tuple (int, float, float) or (int, float, float, OwnLoss)
        Kind and two parameters, as the kernels take them, and a function that a user wrote.
    plain : bool
        Whether these say all of it.  Otherwise it has weights of classes, a label that does not count, or probabilities for predictions, or is a
        loss of many labels, which objectives and estimators do not take: they have `sample_weight`, and classifiers `class_weight`.
    """

    target: str
    couples_outputs: bool = False
    shift_invariant: bool = False
    convex: bool = True
    smooth: bool = True
    of_errors: bool
    curvature: float = math.inf
    spec: LossSpec
    plain: bool = True

    def __init_subclass__(cls) -> None:
        if cls.__module__.startswith("fastopt.losses."):   # else it is the user's
            cls.__module__ = "fastopt.losses"
        if cls.__dict__.get("name") in LOSS_TARGETS:   # others are bases, or have kernels of their own
            cls.target = LOSS_TARGETS[cls.name]
            cls.of_errors = cls.target == "real" and cls.name in LOSS_NAMES
            registry[cls.name] = cls

    def __init__(self) -> None:
        self._keep({})

    def _keep(self, params: dict[str, Any], kernel: tuple[float, ...] = (), **derived: Any) -> None:
        """Remember the parameters; `kernel` is what the kernels are told, where that differs."""
        a, b, *_ = *(kernel or tuple(params.values())), 0.0, 0.0
        super()._keep(params, spec=(KINDS.index(self.name), a, b), **derived)

    @overload
    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None, *, reduction: Literal["mean", "sum"] = "mean") -> float: ...
    @overload
    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None, *, reduction: Literal["none"]) -> Array: ...
    def value(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None, *, reduction: Reduction = "mean") -> float | Array:
        """Mean of the losses, weighted by `sample_weight`.

        Parameters
        ----------
        y : array_like
            Targets.
        p : array_like, of the same shape
            Raw predictions.
        sample_weight : array_like, of the same shape, optional
            At least 0, not all 0.
        reduction : {'mean', 'sum', 'none'}, default='mean'
            The mean, Σ weight·loss/Σ weight; the sum, Σ weight·loss, of weights that may all be 0; or 'none': the array of all
            weight·loss, each by itself.

        Returns
        -------
        float, or ndarray with reduction='none'

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape or an element that is not finite or outside its domain.
        """
        y, p, weight, total = self._prepare(y, p, sample_weight, reduction)
        if reduction == "none":
            return self._each(y, p, weight, 1.0, None)
        return self._run(y, p, weight, 1.0, True, None, None) / total

    def gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None,
                 out: Array | None = None, *, reduction: Reduction = "mean") -> Array:
        """Derivative of `value` in each element of `p`.

        Parameters
        ----------
        y, p, sample_weight
            See `value`.
        out : ndarray, of the shape of p and the type of the computation, optional
            Where to put the result; it may be `p` itself.  After an error its contents are undefined.
        reduction : {'mean', 'sum', 'none'}, default='mean'
            Of what: see `value`.  With 'none' it is the derivative of the sum: no loss depends on the predictions of another.

        Returns
        -------
        ndarray
            `out`, or a new array.
        """
        return self._gradient(y, p, sample_weight, out, reduction, wants_value=False)[1]

    @overload
    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None, out: Array | None = None, *,
                           reduction: Literal["mean", "sum"] = "mean") -> tuple[float, Array]: ...
    @overload
    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None, out: Array | None = None, *,
                           reduction: Literal["none"]) -> tuple[Array, Array]: ...
    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None = None,
                           out: Array | None = None, *, reduction: Reduction = "mean") -> tuple[float | Array, Array]:
        """Both in one pass.

        Parameters
        ----------
        y, p, sample_weight, out, reduction
            See `gradient`.

        Returns
        -------
        value : float, or ndarray with reduction='none'
        gradient : ndarray
        """
        if sample_weight is None and out is None and reduction == "mean":
            found = self._at_once(y, p)
            if found is not None:
                return found
        return self._gradient(y, p, sample_weight, out, reduction, wants_value=True)

    def _at_once(self, y: ArrayLike, p: ArrayLike) -> tuple[float, Array] | None:
        """Both of a few samples in plain arrays, or None."""
        return _arrays.at_once(self.spec, y, p)

    def pointwise(self, y: ArrayLike, p: ArrayLike) -> Array:
        """The loss of each sample, in the shape of `p`: `value` with reduction='none'.

        Parameters
        ----------
        y, p
            See `value`.

        Returns
        -------
        ndarray
        """
        return self.value(y, p, reduction="none")

    def predict(self, p: ArrayLike) -> Array:
        """Inverse link: the mean of the target, the probability of class 1, or the class, that `p` stands for.

        Parameters
        ----------
        p : array_like
            Raw predictions.

        Returns
        -------
        ndarray of the shape of p
        """
        p = _array("p", p)
        _refuse("p", p, *DOMAINS["real"])
        return self._predict(p)

    def _predict(self, p: Array) -> Array:
        return _INVERSE_LINKS[self.target](p)

    def _inputs(self, y: ArrayLike, p: ArrayLike) -> tuple[Array, Array]:
        p = _array("p", p)
        y = _same_shape("y", _array("y", y, p.dtype), p)
        if p.size == 0:
            raise ValueError(f"p must hold at least one prediction, got shape {p.shape}")
        return y, p

    def _prepare(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None, reduction: Reduction) -> tuple[Array, Array, Array | None, float]:
        """Targets and predictions, checked; the weights, None for 1, and what their losses are divided by."""
        y, p = self._inputs(y, p)
        weight, total = self._weights(sample_weight, p, reduction)
        return y, p, weight, total

    def _weights(self, sample_weight: ArrayLike | None, p: Array, reduction: Reduction) -> tuple[Array | None, float]:
        """The weights, None for 1, and what losses are divided by: of a mean their sum, or the number of samples; else 1."""
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {reduction!r}")
        is_mean = reduction == "mean"
        if sample_weight is None:
            return None, p.size if is_mean else 1.0
        weight = _same_shape("sample_weight", _array("sample_weight", sample_weight, p.dtype), p)
        return _weighed(weight, is_mean)

    def _gradient(self, y: ArrayLike, p: ArrayLike, sample_weight: ArrayLike | None, out: Array | None, reduction: Reduction,
                  wants_value: bool) -> tuple[float | Array, Array]:
        y, p, weight, total = self._prepare(y, p, sample_weight, reduction)
        gradient = _output(out, p, (y, p, weight))
        value: float | Array
        if reduction == "none" and wants_value:
            value = self._each(y, p, weight, 1 / total, gradient)
        else:
            value = self._run(y, p, weight, 1 / total, wants_value, None, gradient) / total
        return value, _put_in(out, gradient)

    def _each(self, y: Array, p: Array, weight: Array | None, factor: float, gradient: Array | None) -> Array:
        """The weighted loss of each sample; the gradient goes where it is told."""
        values = np.empty(p.shape[:1] if self.couples_outputs else p.shape, p.dtype)
        self._run(y, p, weight, factor, True, values, gradient)
        return values

    def _run(self, y: Array, p: Array, weight: Array | None, factor: float, wants_value: bool, values: Array | None,
             gradient: Array | None) -> float:
        """Sum of the weighted losses; these and gradients go where they are told."""
        weight, values, gradient = (None if a is None else _flat(a) for a in (weight, values, gradient))
        threads = 1 if p.size < _arrays.PARALLEL_FROM else resolve_threads()
        total = _arrays.evaluate(self.spec, _flat(y), _flat(p), weight, factor, wants_value, values, gradient, threads)
        if total is None:
            _refuse("p", p, *DOMAINS["real"])
            _refuse("y", y, *DOMAINS[self.target])
            raise AssertionError("refused for no reason")
        if values is not None and weight is not None:
            np.multiply(weight, values, out=values, where=weight != 0)
            values[weight == 0] = 0
        return total


#: classes by name
registry = Registry("loss", Loss)


def _flat(array: Array) -> Array:
    return array if array.ndim == 1 else array.reshape(-1)


def _output(out: Array | None, p: Array, inputs: tuple[Array | None, ...]) -> Array:
    """Where the kernels may write the gradient: `out`, or a new array if it is strided or overlaps an input."""
    if out is None:
        return np.empty_like(p)
    if not isinstance(out, np.ndarray) or out.dtype != p.dtype:
        raise TypeError(f"out must be an ndarray of {p.dtype}, got {getattr(out, 'dtype', type(out).__name__)}")
    _same_shape("out", out, p)
    if not out.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array")
    apart = not any(np.may_share_memory(out, a) for a in inputs if a is not None)
    return out if apart and out.flags.c_contiguous and out.flags.aligned else np.empty_like(p)


def _put_in(out: Array | None, gradient: Array) -> Array:
    """`out` with the gradient, wherever the kernels wrote it; the gradient where there is no `out`."""
    if out is None or gradient is out:
        return gradient
    np.copyto(out, gradient)
    return out
