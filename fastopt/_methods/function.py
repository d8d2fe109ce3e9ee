"""The function to minimise as the methods call it: value, then gradient, at points that it cannot change.

Used by the front doors of minimize and by the methods.  What comes back from user code is checked here and counted here, and
finite differences are taken here; knows no method.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize._numdiff import approx_derivative

from fastopt._common.rules import short
from fastopt._linalg.lbfgs import dot
from fastopt.exceptions import InvalidParameterError

Array = NDArray[Any]
DIFFERENCES = ("2-point", "3-point", "cs")


class Raised(BaseException):
    """A StopIteration of the user's on its way out: by itself it would end the iterators that it passes, or change in them."""

    def __init__(self, error: StopIteration) -> None:
        self.error = error


class PassOn:
    """Within a ``with`` statement, whatever `called` raises comes out as it was."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, Raised):
            raise error.error from None


def called(fun: Callable[..., Any], *args: Any) -> Any:
    """What the user's function returns, where iterators are on the way between it and the front door."""
    try:
        return fun(*args)
    except StopIteration as error:
        raise Raised(error) from None


class Objective:
    """fun and its gradient, evaluated in two steps, so that gradients are computed only where they are needed.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)``: the value, or with ``jac=True`` the value and the gradient.
    args : tuple
    jac : True, callable or one of DIFFERENCES
    bounds : tuple of two ndarrays
        Finite differences stay within.
    steps : dict
        ``abs_step`` and ``rel_step`` of the finite differences.

    Attributes
    ----------
    nfev, njev : int
        Calls of fun, those for finite differences included, and gradients.
    joint : bool
        The gradient comes with the value and costs nothing more.
    """

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...], jac: Any,
                 bounds: tuple[Array, Array] | None, steps: dict[str, Any]) -> None:
        self.fun, self.args, self.jac, self.steps = fun, args, jac, steps
        self.bounds = bounds
        self.nfev = self.njev = 0
        self.joint = jac is True
        self._f = 0.0
        self._g: Any = None

    def value(self, x: Array) -> float:
        """The value at x, which may be infinite or nan; fun gets a copy of x, which it may change."""
        self.nfev += 1
        result = called(self.fun, x.copy(), *self.args)
        if self.joint:
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise InvalidParameterError(f"fun must return (value, gradient) with jac=True, got {short(result)}")
            result, self._g = result
            self.njev += 1
        self._f = scalar(result)
        return self._f

    def gradient(self, x: Array, out: Array) -> bool:
        """The gradient at x, that of the last `value`, into `out`; False if it is not finite."""
        if self.joint:
            g, self._g = self._g, None
        else:
            self.njev += 1
            g = called(self.jac, x.copy(), *self.args) if callable(self.jac) else self._differences(x)
        copy_gradient(g, out)
        # one pass; a sum of squares may overflow where the gradient is finite
        return math.isfinite(dot(out, out)) or bool(np.isfinite(out).all())

    def _differences(self, x: Array) -> Array:
        """SciPy's finite differences; what the bounds hold fixed is not varied."""
        free = np.ones(x.shape, bool) if self.bounds is None else self.bounds[0] < self.bounds[1]
        g = np.zeros(x.shape, x.dtype)
        if not free.any():
            return g

        def along(z: Array) -> float | complex:
            point = np.array(x, dtype=z.dtype)
            point[free] = z
            self.nfev += 1
            value = np.asarray(called(self.fun, point, *self.args))
            return complex(value.item()) if self.jac == "cs" else scalar(value)

        limits = {} if self.bounds is None else {"bounds": (self.bounds[0][free], self.bounds[1][free])}
        steps = {name: step[free] if np.ndim(step) else step for name, step in self.steps.items()}
        g[free] = approx_derivative(along, x[free], method=self.jac, f0=np.float64(self._f), **steps, **limits)
        return g


def scalar(value: Any) -> float:
    """What fun returned, as a float."""
    if isinstance(value, float):
        return float(value)
    try:
        array = np.asarray(value)
        if array.size == 1 and array.dtype.kind in "fiub":
            return float(array.item())
    except ValueError:   # lists of unequal length
        pass
    hint = "; with a gradient beside the value, pass jac=True" if isinstance(value, tuple) and len(value) == 2 else ""
    raise InvalidParameterError(f"fun must return a real number, got {short(value)}{hint}")


def copy_gradient(g: Any, out: Array) -> None:
    """What fun or jac returned as the gradient, into `out`."""
    g = np.asarray(g)
    if g.shape != out.shape and (g.size != 1 or out.size != 1):
        raise InvalidParameterError(f"the gradient must have the shape of x, {out.shape}, got {g.shape}")
    if g.dtype.kind not in "fiub":
        raise InvalidParameterError(f"the gradient must hold real numbers, got dtype {g.dtype}")
    np.copyto(out, g.reshape(out.shape), casting="same_kind")
