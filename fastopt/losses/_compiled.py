"""A loss that a user wrote in C, or in Python that numba compiles: what it takes, and the way to the kernels.

Used through fastopt.losses.  Kernels call it as they call the losses of csrc/losses/losses.h, one sample at a time.
"""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from scipy import LowLevelCallable

from fastopt._common.checks import choice, flag, number
from fastopt._common.settings import Settings
from fastopt._core.own_loss import SIGNATURES, SLOPE_SIGNATURES, OwnLoss
from fastopt._core.tables import KIND_TARGETS, OWN_LOSS_TARGETS
from fastopt.exceptions import InvalidParameterError

from ._base import Loss

if TYPE_CHECKING:
    from typing import Self


class CompiledLoss(Loss):
    """A loss of your own, compiled: a C function of one sample that runs inside SGD, mini-batches, `LinearObjective` and the solvers.

    The function has the signature ``double loss(double y, double p, double *derivatives)``, or with a last argument ``void *data``.  It returns the
    loss of the target y and the raw prediction p, and writes its first derivative in p to ``derivatives[0]`` and its second to ``derivatives[1]``
    (Newton's method reads it; both are 0 before).  It is told numbers in double, whatever the type of the data, and called by several threads at
    once.

    Parameters
    ----------
    function : scipy.LowLevelCallable, numba cfunc or ctypes function
        The function.
    target : {'real', 'nonnegative', 'positive', 'unit', 'sign'}, default='real'
        What y may be, as `Loss.target` says it.  With 'sign' targets are 0 or 1, as those of the other losses of classes, and the function sees
        -1 or 1.  Targets above 0 have a log link: `predict` is exp(p).
    convex : bool, default=True
        Whether it is convex in p.
    smooth : bool, default=True
        Whether its derivative is continuous.
    curvature : float, default=inf
        The largest second derivative in p, if it is known.
    slope : function, optional
        The first derivative in p alone, ``double slope(double y, double p)``, with or without ``void *data``: SGD and mini-batches, which need
        no more, ask this one if it is there, and are spared the logarithm of a value.

    Raises
    ------
    TypeError
        If the function is of another kind.
    InvalidParameterError
        If its signature or another argument is not one of those above.

    Notes
    -----
    `check_gradient` compares the derivatives with differences of values: use it before anything is fitted.  A function at an address cannot be
    pickled; it is kept as long as the loss is.

    Examples
    --------
    >>> import ctypes
    >>> from scipy import LowLevelCallable
    >>> from fastopt import losses
    >>> kind = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double, ctypes.POINTER(ctypes.c_double))
    >>> @kind      # numba.cfunc("double(double, double, CPointer(double))") compiles it
    ... def cubic(y, p, derivatives):
    ...     size = abs(p - y)
    ...     derivatives[0], derivatives[1] = size * (p - y), 2 * size
    ...     return size ** 3 / 3
    >>> loss = losses.CompiledLoss(LowLevelCallable(cubic))
    >>> loss.value_and_gradient([0.0, 0.0], [1.0, -3.0])
    (4.666666666666667, array([ 0.5, -4.5]))
    """

    name = "compiled"
    of_errors = False   # it may be any function of y and p
    function: LowLevelCallable

    def __init__(self, function: Any, target: str = "real", convex: bool = True, smooth: bool = True, curvature: float = math.inf,
                 slope: Any = None) -> None:
        target, value = choice("target", target, *OWN_LOSS_TARGETS), _low_level("function", function, SIGNATURES)
        derivative = None if slope is None else _low_level("slope", slope, SLOPE_SIGNATURES)
        kind = len(KIND_TARGETS) - len(OWN_LOSS_TARGETS) + OWN_LOSS_TARGETS.index(target)
        params = {"function": value, "target": target, "convex": flag("convex", convex), "smooth": flag("smooth", smooth),
                  "curvature": number("curvature", curvature, above=0, at_most=math.inf), "slope": derivative}
        Settings._keep(self, params, spec=(kind, 0.0, 0.0, OwnLoss(value, derivative)))

    def __eq__(self, other: object) -> bool:
        return self is other   # of functions at addresses

    __hash__ = object.__hash__

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self   # it cannot change, and an address has no copy

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a CompiledLoss cannot be pickled: its function is an address in this process; make it anew from the function")


def _low_level(name: str, function: Any, signatures: tuple[str, str]) -> LowLevelCallable:
    """The function as SciPy has it, of one of the signatures."""
    if not isinstance(function, LowLevelCallable):
        try:
            function = LowLevelCallable(getattr(function, "ctypes", function))   # a cfunc of numba has it there
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a scipy.LowLevelCallable, a numba cfunc or a ctypes function, got "
                            f"{type(function).__name__}") from None
    if function.signature not in signatures:
        raise InvalidParameterError(f"{name} must have the signature {' or '.join(map(repr, signatures))}, got {function.signature!r}")
    return function
