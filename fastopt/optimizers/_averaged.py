"""The optimizers that keep sums of the past beside the weights, averages or FTRL's: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py, their mathematics in csrc/rules/rules.h.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastopt._common.rules import refuse
from fastopt.exceptions import InvalidParameterError

from ._base import Array, Optimizer

__all__ = ["ASGD", "FTRL", "ScheduleFreeAdamW", "ScheduleFreeSGD"]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastopt.schedules._base import LearningRate

    from ._settings import Options, Params


class ASGD(Optimizer):
    """Averaged stochastic gradient descent: w ← (1 − λ·η)·w − η·g, η = lr/(1 + λ·lr·t)^α, and the mean of w from step t0 on.

    mean ← mean + (w − mean)/max(1, t − t0), for t from 0; `solution` returns it.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr]
    lambd : float, default=1e-4
        λ, the decay of w and of the rate.
    alpha : float, default=0.75
        α, the power of the decay of the rate.
    t0 : float, default=1e6
        Up to this step the mean is w itself.
    [weight_decay]

    References
    ----------
    B. T. Polyak and A. B. Juditsky (1992), Acceleration of stochastic approximation by averaging, SIAM Journal on Control and
    Optimization 30(4), 838–855.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> asgd = optimizers.ASGD(w, lr=0.1, t0=0)
    >>> for _ in range(3):
    ...     asgd.step(w - 1)
    >>> w.round(4), asgd.solution().round(4)
    (array([1.   , 1.729]), array([1.    , 1.7695]))
    """

    name = "asgd"
    kinds = {"asgd": ("mean",)}

    def __init__(self, params: Params, lr: LearningRate = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
                 weight_decay: float = 0.0, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"a": settings["lambd"], "b": settings["alpha"], "c": settings["t0"]}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return w.copy(order="K")

    def _averaged(self, w: Array, state: Mapping[str, Array], settings: Mapping[str, Any]) -> Array:
        return state["mean"].copy(order="K")


def _average(y: Array, z: Array, beta: float) -> Array:
    """x where y = (1 − β)·z + β·x."""
    return np.asarray(y + (1 - 1 / beta) * (z - y), dtype=y.dtype)


class ScheduleFreeSGD(Optimizer):
    """Schedule-free SGD: y = (1 − β)·z + β·x, z ← z − lr·g(y), x ← (1 − c)·x + c·z; no schedule is needed.

    `params` hold y, where gradients are wanted; `solution` returns x = y + (1 − 1/β)·(z − y), the point to use: a mean of the
    z with weights (t + 1)^r·max(lr)^weight_lr_power, whose share of the new one is c.  L1 acts on z.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr]
    momentum : float, default=0.9
        β, above 0 and below 1.
    weight_decay : float, default=0
        weight_decay·y is added to the gradient.
    [r, weight_lr_power]

    References
    ----------
    A. Defazio et al. (2024), The road less scheduled, NeurIPS, arXiv:2405.15682.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> free = optimizers.ScheduleFreeSGD(w, lr=0.5)
    >>> for _ in range(100):
    ...     free.step(2 * w)
    >>> bool(abs(free.solution()).max() < 0.01)
    True
    """

    name = "schedule_free_sgd"
    kinds = {"schedule_free_sgd": ("z",)}
    one_clock = True

    def __init__(self, params: Params, lr: LearningRate = 1.0, momentum: float = 0.9, weight_decay: float = 0.0, r: float = 0.0,
                 weight_lr_power: float = 2.0, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "r": r,
                             "weight_lr_power": weight_lr_power}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        if settings["momentum"] == 0:
            refuse("momentum", "above 0 for ScheduleFreeSGD, whose average it is the share of", settings["momentum"])
        return {"beta1": settings["momentum"], "b": settings["r"], "c": settings["weight_lr_power"]}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return w.copy(order="K")

    def _averaged(self, w: Array, state: Mapping[str, Array], settings: Mapping[str, Any]) -> Array:
        return _average(w, state["z"], settings["momentum"])


class ScheduleFreeAdamW(Optimizer):
    """Schedule-free AdamW: `ScheduleFreeSGD` with g/(√v̂ + ε) + λ·y in place of g, v̂ as in `Adam`, β = β1.

    `params` hold y, where gradients are wanted; `solution` returns x = y + (1 − 1/β1)·(z − y), the point to use.  L1 acts on z.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr]
    betas : tuple of two floats, default=(0.9, 0.999)
        β1, above 0, and β2.
    [eps]
    weight_decay : float, default=0
        λ, at y.
    [r, weight_lr_power]

    References
    ----------
    A. Defazio et al. (2024), The road less scheduled, NeurIPS, arXiv:2405.15682.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> free = optimizers.ScheduleFreeAdamW(w, lr=0.1)
    >>> for _ in range(200):
    ...     free.step(2 * w)
    >>> bool(abs(free.solution()).max() < 0.05)
    True
    """

    name = "schedule_free_adamw"
    kinds = {"schedule_free_adamw": ("z", "v")}
    one_clock = True
    decoupled = True

    def __init__(self, params: Params, lr: LearningRate = 2.5e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, r: float = 0.0, weight_lr_power: float = 2.0,
                 **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "r": r,
                             "weight_lr_power": weight_lr_power}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        if settings["betas"][0] == 0:
            raise InvalidParameterError("betas must begin above 0 for ScheduleFreeAdamW, whose average it is the share of, "
                                        f"got {settings['betas']}")
        return {"b": settings["r"], "c": settings["weight_lr_power"]}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return w.copy(order="K") if name == "z" else np.zeros_like(w)

    def _averaged(self, w: Array, state: Mapping[str, Array], settings: Mapping[str, Any]) -> Array:
        return _average(w, state["z"], settings["betas"][0])


class FTRL(Optimizer):
    """FTRL-Proximal: n ← n + g², z ← z + lr·g − (√n' − √n)·w, w = −soft(z, lr·l1)/(β + √n + lr·l2).

    soft(z, a) = sign(z)·max(|z| − a, 0): weights whose gradients are noise are exactly 0.  The paper's z is this one over lr,
    which keeps a gradient at the rate that it came with when the rate changes.  z begins so that w stays where it is
    without gradients.  Row-sparse gradients step the rows that they have, which is the same as a dense step.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float or callable, default=0.1
        Learning rate (the paper's α).
    beta : float, default=1
        β, above 0.
    l1 : float, default=0
        Strength of the L1 penalty.
    l2 : float, default=0
        Strength of the L2 penalty.

    References
    ----------
    H. B. McMahan et al. (2013), Ad click prediction: a view from the trenches, KDD, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.FTRL(w, lr=0.1, l1=1.0).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.916667, 2.083333])
    """

    name = "ftrl"
    kinds = {"ftrl": ("z", "n")}
    sparse = ("ftrl",)

    def __init__(self, params: Params, lr: LearningRate = 0.1, beta: float = 1.0, l2: float = 0.0, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "beta": beta, "l2": l2}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"a": settings["beta"]}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        if name == "n":
            return np.zeros_like(w)
        lr = settings["lr"](0) if callable(settings["lr"]) else settings["lr"]
        if not 0 <= lr < np.inf:
            raise InvalidParameterError(f"lr must give a finite number of at least 0, got {lr!r} at step 0")
        x = w.astype(np.float64)
        return np.asarray(-x * (settings["beta"] + lr * settings["l2"]) - np.sign(x) * (lr * settings["l1"]), dtype=w.dtype)
