"""Gradients against central differences.

Used through fastopt.losses; knows of a loss that it has a value and a gradient.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._common.checks import number


class Differentiable(Protocol):
    """A loss, or what is used as one."""

    def value_and_gradient(self, y: ArrayLike, p: ArrayLike, /, **arguments: object) -> tuple[float, NDArray[np.float64]]:
        """The value, and its derivative in each element of p."""


@dataclass(frozen=True)
class GradientCheck:
    """How a gradient compares with central differences, where it does worst.

    Parameters
    ----------
    passed : bool
        Whether all elements agree.
    index : tuple of int
        The worst element of `p`.
    gradient, difference : float
        The derivative there, and what the values say it is.
    allowed : float
        How far apart they may be.
    """

    passed: bool
    index: tuple[int, ...]
    gradient: float
    difference: float
    allowed: float

    def __str__(self) -> str:
        apart = abs(self.gradient - self.difference)
        where = ", ".join(map(str, self.index)) or "()"
        return (f"{'agrees' if self.passed else 'differs'}: worst at index {where}, gradient {self.gradient:.9g}, central difference "
                f"{self.difference:.9g}, {apart:.2g} apart, {self.allowed:.2g} allowed")


def check_gradient(loss: Differentiable, y: ArrayLike, p: ArrayLike, *, step: float = 6e-6, rtol: float = 1e-6, atol: float = 1e-9,
                   **arguments: object) -> GradientCheck:
    """Compare a loss's gradient with central differences of its value, element by element, in float64.

    Two values are taken for each element of `p`: it is for tests, on a few dozen elements away from kinks.

    Parameters
    ----------
    loss : Loss, or any object with ``value_and_gradient(y, p, **arguments)``
    y : array_like
        Targets.
    p : array_like
        Raw predictions.
    step : float above 0, default=6e-6
        Half the distance of the two values, times max(1, |p|).
    rtol : float, at least 0, default=1e-6
        How far apart the two may be, relative to the larger.
    atol : float, at least 0, default=1e-9
        The same in units of 1 + |value|.
    **arguments
        Passed to the loss: ``sample_weight``, for example.

    Returns
    -------
    GradientCheck
        Printed, it names the worst element.

    Examples
    --------
    >>> from fastopt import losses
    >>> losses.check_gradient(losses.Huber(), [0.0, 1.0], [0.5, 4.0]).passed
    True
    >>> class Halved:
    ...     def value_and_gradient(self, y, p):
    ...         value, gradient = losses.SquaredError().value_and_gradient(y, p)
    ...         return value, gradient / 2
    >>> print(losses.check_gradient(Halved(), [0.0, 1.0], [0.5, 4.0]))
    differs: worst at index 1, gradient 0.75, central difference 1.5, 0.75 apart, 1.5e-06 allowed
    """
    step, rtol, atol = number("step", step, above=0), number("rtol", rtol, at_least=0), number("atol", atol, at_least=0)
    at = np.array(p, dtype=np.float64)
    value, gradient = loss.value_and_gradient(y, at, **arguments)
    gradient = np.asarray(gradient)
    if gradient.shape != at.shape:
        raise ValueError(f"the gradient must have the shape of p, {at.shape}, got {gradient.shape}")
    differences = np.empty_like(at)
    for index in np.ndindex(at.shape):
        middle, half = float(at[index]), step * max(1.0, abs(float(at[index])))
        at[index] = high = middle + half
        above = loss.value_and_gradient(y, at, **arguments)[0]
        at[index] = low = middle - half
        differences[index] = (above - loss.value_and_gradient(y, at, **arguments)[0]) / (high - low)
        at[index] = middle
    allowed = rtol * np.maximum(np.abs(gradient), np.abs(differences)) + atol * (1 + abs(value))
    finite = np.isfinite(gradient) & np.isfinite(differences)
    excess = np.divide(np.abs(gradient - differences), allowed, out=np.full_like(at, np.inf), where=finite & (allowed > 0))
    worst = np.unravel_index(int(np.argmax(excess)), at.shape)
    return GradientCheck(bool((excess <= 1).all()), tuple(int(i) for i in worst), float(gradient[worst]), float(differences[worst]),
                         float(allowed[worst]))
