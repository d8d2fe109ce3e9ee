"""What all losses have in common: parameters, checks, evaluation, the register of names.

Used by the modules that hold the losses, _loss_regression and _loss_classification.  The mathematics is in csrc/losses.h, the loop over blocks in
_losses.pyx; here is nothing that touches single elements, except to say which one was refused.
"""
import math
import numbers

import numpy as np

from fastopt import _losses
from fastopt._core import LOSS_NAMES, LOSS_TARGETS

#: classes by name, in the order of their definition
registry = {}

#: what y may be: in words, and as a test
_DOMAINS = {"real": ("finite", np.isfinite),
            "nonnegative": ("finite and at least 0", lambda y: np.isfinite(y) & (y >= 0)),
            "positive": ("finite and above 0", lambda y: np.isfinite(y) & (y > 0)),
            "unit": ("between 0 and 1", lambda y: (y >= 0) & (y <= 1)),
            "sign": ("a class, 0 or 1", lambda y: (y == 0) | (y == 1))}


def probability(p):
    """1/(1 + exp(−p)) by way of exp(−|p|): no overflow, and small probabilities keep their accuracy."""
    e = np.exp(-np.abs(p))
    return np.where(p >= 0, 1, e) / (1 + e)


#: what a prediction means, by domain of the target
_INVERSE_LINKS = {"real": np.copy, "nonnegative": np.exp, "positive": np.exp, "unit": probability,
                  "sign": lambda p: (p > 0).astype(np.int64)}


def number(name, value, above=-math.inf, below=math.inf, at_least=None, at_most=None):
    """`value` as a float, if it is a number in its range."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    value = float(value)
    low = value > above if at_least is None else value >= at_least
    high = value < below if at_most is None else value <= at_most
    if not (low and high):
        bounds = [("above", above), ("at least", at_least), ("below", below), ("at most", at_most)]
        wanted = [f"{word} {bound}" for word, bound in bounds if bound is not None and math.isfinite(bound)]
        if not math.isfinite(value):
            wanted.append("not nan" if math.isnan(value) else "finite")
        raise ValueError(f"{name} must be {' and '.join(wanted)}, got {value!r}")
    return value


def _array(name, value, dtype=None):
    """`value` as a contiguous, aligned float array: itself if it is one.  Without dtype float32 if it is, else float64."""
    value = np.asarray(value)
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {value.dtype}")
    if dtype is None:
        dtype = np.float32 if value.dtype == np.float32 else np.float64
    return np.require(value, dtype, "CA")


def _same_shape(name, value, p):
    if value.shape != p.shape:
        raise ValueError(f"{name} must have the shape of p, {p.shape}, got {value.shape}")
    return value


def _refuse(name, value, words, test):
    """Raise for the first element that fails the test, if any does."""
    bad = np.flatnonzero(~test(value))
    if bad.size:
        index = np.unravel_index(bad[0], value.shape)
        where = f" at index {', '.join(str(i) for i in index)}" if index else ""
        raise ValueError(f"{name} must be {words}, got {value[index]}{where}")


class Loss:
    """What all losses have in common.

    A loss is immutable: it can be shared, compared, hashed and pickled.  `y` is the target and `p` the raw prediction,
    before the inverse link; they may have any shape, but the same.  Contiguous float32 and float64 arrays are read where
    they lie, read-only ones too; integers, strided and Fortran-ordered arrays are copied first.  The computation is done
    in the type of `p`, in float64 if `p` holds no floats, and `y` and weights of another type are copied to it.  Sums
    over more than 4096 samples are float64.  Results have the same bits for any number of threads.

    Attributes
    ----------
    name : str
        The name for ``losses.get``.
    target : str
        What `y` may be: ``'real'``, ``'nonnegative'``, ``'positive'``, ``'sign'`` (a class, 0 or 1) or ``'unit'``
        (0 <= y <= 1).
    params : dict
        The parameters.
    spec : tuple (int, float, float)
        Kind and two parameters, as the kernels take them.
    """

    name = None

    def __init_subclass__(cls):
        cls.__module__ = "fastopt.losses"
        cls.target = LOSS_TARGETS[cls.name]
        registry[cls.name] = cls

    def __init__(self):
        self._keep({})

    def _keep(self, params, kernel=None):
        """Remember the parameters; `kernel` is what the kernels are told, where that differs."""
        a, b, *_ = *(kernel or params.values()), 0.0, 0.0
        self.__dict__.update(params, _params=params, spec=(LOSS_NAMES.index(self.name), a, b))

    @property
    def params(self):
        return dict(self._params)

    def __setattr__(self, key, value=None):
        raise AttributeError(f"{type(self).__name__} cannot be changed, make another one")

    __delattr__ = __setattr__

    def __reduce__(self):
        return type(self), tuple(self.params.values())

    def __eq__(self, other):
        return type(self) is type(other) and self.params == other.params

    def __hash__(self):
        return hash((type(self), tuple(self.params.values())))

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.params.items())})"

    def value(self, y, p, sample_weight=None):
        """Mean of the losses, weighted by `sample_weight`.

        Parameters
        ----------
        y : array_like
            Targets.
        p : array_like, of the same shape
            Raw predictions.
        sample_weight : array_like, of the same shape, optional
            At least 0, not all 0.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape or an element that is not finite or outside its domain.
        """
        return self._evaluate(y, p, sample_weight)[0]

    def gradient(self, y, p, sample_weight=None, out=None):
        """Derivative of `value` in each element of `p`.

        Parameters
        ----------
        y, p, sample_weight
            As in `value`.
        out : ndarray, of the shape of p and the type of the computation, optional
            Where to put the result; it may be `p` itself.  After an error its contents are undefined.

        Returns
        -------
        ndarray
            `out`, or a new array.
        """
        return self._evaluate(y, p, sample_weight, wants_value=False, wants_gradient=True, out=out)[1]

    def value_and_gradient(self, y, p, sample_weight=None, out=None):
        """Both in one pass: ``(value, gradient)``, with the arguments of `gradient`."""
        return self._evaluate(y, p, sample_weight, wants_gradient=True, out=out)

    def pointwise(self, y, p):
        """The loss of each sample, in the shape of `p`."""
        y, p = self._inputs(y, p)
        values = np.empty_like(p)
        self._run(y, p, None, 1.0, True, values, None)
        return values

    def predict(self, p):
        """Inverse link: the mean of the target, the probability of class 1, or the class, that `p` stands for."""
        p = _array("p", p)
        _refuse("p", p, *_DOMAINS["real"])
        return self._predict(p)

    def _predict(self, p):
        return _INVERSE_LINKS[self.target](p)

    def _inputs(self, y, p):
        p = _array("p", p)
        y = _same_shape("y", _array("y", y, p.dtype), p)
        if p.size == 0:
            raise ValueError(f"p must hold at least one prediction, got shape {p.shape}")
        return y, p

    def _weights(self, sample_weight, p):
        """The weights, and their sum; None, and the number of samples."""
        if sample_weight is None:
            return None, p.size
        weight = _same_shape("sample_weight", _array("sample_weight", sample_weight, p.dtype), p)
        total = float(weight.sum(dtype=np.float64))
        if not (weight.min() >= 0 and math.isfinite(total)):
            _refuse("sample_weight", weight, *_DOMAINS["nonnegative"])
        if total == 0:
            raise ValueError("sample_weight must not be all 0")
        return weight, total

    def _evaluate(self, y, p, sample_weight, wants_value=True, wants_gradient=False, out=None):
        y, p = self._inputs(y, p)
        weight, total = self._weights(sample_weight, p)
        gradient = _output(out, p, (y, p, weight)) if wants_gradient else None
        value = self._run(y, p, weight, 1 / total, wants_value, None, gradient) / total
        if out is not None and gradient is not out:
            np.copyto(out, gradient)
            gradient = out
        return value, gradient

    def _run(self, y, p, weight, factor, wants_value, values, gradient):
        flat = [None if a is None else a.reshape(-1) for a in (y, p, weight, values, gradient)]
        total = _losses.evaluate(self.spec, *flat[:3], factor, wants_value, *flat[3:], threads=1)
        if total is None:
            _refuse("p", p, *_DOMAINS["real"])
            _refuse("y", y, *_DOMAINS[self.target])
        return total


def _output(out, p, inputs):
    """Where the kernels may write the gradient: `out`, or a new array if it is strided or overlaps an input."""
    if out is None:
        return np.empty_like(p)
    if not isinstance(out, np.ndarray) or out.dtype != p.dtype:
        raise TypeError(f"out must be an ndarray of {p.dtype}, got {getattr(out, 'dtype', type(out).__name__)}")
    _same_shape("out", out, p)
    if not out.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array")
    usable = out.flags.c_contiguous and out.flags.aligned and not any(np.may_share_memory(out, a) for a in inputs
                                                                      if a is not None)
    return out if usable else np.empty_like(p)
