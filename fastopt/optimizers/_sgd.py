"""The optimizers that step along the gradient, its running mean or its sign: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py, their mathematics in csrc/rules/rules.h.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastopt.exceptions import InvalidParameterError

from ._base import Optimizer

__all__ = ["Momentum", "Nesterov", "SGD"]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastopt.schedules._base import LearningRate

    from ._settings import Options, Params


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w − lr·g, or with momentum μ: v ← μ·v + (1 − τ)·g, w ← w − lr·v.

    With `nesterov` the step is lr·(g + μ·v).  In the first step v is g.  Row-sparse gradients, without momentum, step the rows
    that they have; weight decay and L1 act on these rows alone.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, momentum, dampening, weight_decay]
    nesterov : bool, default=False
        Nesterov's momentum; needs momentum above 0 and no dampening.
    lr_in_velocity : bool, default=False
        With momentum: v ← μ·v + (1 − τ)·lr·g, w ← w − v, as in scikit-learn and Keras.  It is another step only where lr changes.

    References
    ----------
    H. Robbins and S. Monro (1951), A stochastic approximation method, Annals of Mathematical Statistics 22, 400–407.
    I. Sutskever et al. (2013), On the importance of initialization and momentum in deep learning, ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.SGD(w, lr=0.1).step(np.array([1.0, -1.0]))
    >>> w
    array([0.9, 2.1])
    """

    name = "sgd"
    kinds = {"sgd": (), "momentum": ("v",)}
    sparse = ("sgd",)

    def __init__(self, params: Params, lr: LearningRate = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
                 weight_decay: float = 0.0, nesterov: bool = False, lr_in_velocity: bool = False,
                 **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
                             "nesterov": nesterov, "lr_in_velocity": lr_in_velocity}, options)

    @classmethod
    def _kind(cls, settings: Mapping[str, Any]) -> str:
        return "momentum" if settings["momentum"] > 0 else "sgd"

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        if settings["nesterov"] and not (settings["momentum"] > 0 and settings["dampening"] == 0):
            raise InvalidParameterError("nesterov must be False without momentum or with dampening, got True with momentum="
                                        f"{settings['momentum']} and dampening={settings['dampening']}")
        return {"flag": int(settings["nesterov"]), "c": float(settings.get("lr_in_velocity", False))}


class Momentum(Optimizer):
    """Gradient descent with momentum: v ← μ·v + (1 − τ)·g, w ← w − lr·v; in the first step v is g.  `SGD` with another default.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, momentum, dampening, weight_decay]

    References
    ----------
    B. T. Polyak (1964), Some methods of speeding up the convergence of iteration methods, USSR Computational Mathematics and
    Mathematical Physics 4(5), 1–17.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Momentum(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.5, 2.5])
    """

    name = "momentum"
    kinds = {"momentum": ("v",)}

    def __init__(self, params: Params, lr: LearningRate = 1e-3, momentum: float = 0.9, dampening: float = 0.0,
                 weight_decay: float = 0.0, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "momentum": momentum, "dampening": dampening,
                             "weight_decay": weight_decay}, options)


class Nesterov(Optimizer):
    """Gradient descent with Nesterov's momentum: v ← μ·v + g, w ← w − lr·(g + μ·v); in the first step v is g.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, momentum, weight_decay]

    References
    ----------
    Y. Nesterov (1983), A method for solving the convex programming problem with convergence rate O(1/k²), Soviet Mathematics
    Doklady 27, 372–376.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Nesterov(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.05, 2.95])
    """

    name = "nesterov"
    kinds = {"momentum": ("v",)}

    def __init__(self, params: Params, lr: LearningRate = 1e-3, momentum: float = 0.9, weight_decay: float = 0.0,
                 **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"flag": 1}
