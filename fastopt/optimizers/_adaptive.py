"""Optimizers with a rate for each weight, from sums or means of squared gradients: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py, their mathematics in csrc/rules/rules_adaptive.h.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._base import Array, Optimizer

__all__ = ["AdaBelief", "Adadelta", "Adagrad", "RMSprop", "Yogi"]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastopt.schedules._base import LearningRate

    from ._settings import Options, Params


class Adagrad(Optimizer):
    """Adagrad: v ← v + g², w ← w − lr/(1 + t·lr_decay)·g/(√v + ε), for t from 0.

    Row-sparse gradients step the rows that they have; without decay and L1 that is the same as a dense step.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr]
    lr_decay : float, default=0
        Decay of the learning rate.
    [weight_decay, initial_accumulator_value, eps]

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer (2011), Adaptive subgradient methods for online learning and stochastic optimization,
    Journal of Machine Learning Research 12, 2121–2159.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Adagrad(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.9, 2.1])
    """

    name = "adagrad"
    kinds = {"adagrad": ("v",)}
    sparse = ("adagrad",)

    def __init__(self, params: Params, lr: LearningRate = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
                 initial_accumulator_value: float = 0.0, eps: float = 1e-10, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay,
                             "initial_accumulator_value": initial_accumulator_value, "eps": eps}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"a": settings["lr_decay"]}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return np.full_like(w, settings["initial_accumulator_value"])


class Adadelta(Optimizer):
    """Adadelta: v ← ρ·v + (1 − ρ)·g², Δ = √(u + ε)/√(v + ε)·g, u ← ρ·u + (1 − ρ)·Δ², w ← w − lr·Δ.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr]
    rho : float, default=0.9
        ρ.
    [eps, weight_decay]

    References
    ----------
    M. D. Zeiler (2012), ADADELTA: an adaptive learning rate method, arXiv:1212.5701.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Adadelta(w).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.996838, 2.003162])
    """

    name = "adadelta"
    kinds = {"adadelta": ("v", "u")}

    def __init__(self, params: Params, lr: LearningRate = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0,
                 **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay}, options)


class RMSprop(Optimizer):
    """RMSprop: v ← α·v + (1 − α)·g², w ← w − lr·g/(√v + ε), or with momentum μ: b ← μ·b + g/(√v + ε), w ← w − lr·b.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr]
    alpha : float, default=0.99
        α.
    [eps, weight_decay, momentum]
    centered : bool, default=False
        The variance v − mean² in place of v, with mean ← α·mean + (1 − α)·g.

    References
    ----------
    T. Tieleman and G. Hinton (2012), Lecture 6.5: RMSProp, Coursera, Neural networks for machine learning.
    A. Graves (2013), Generating sequences with recurrent neural networks, arXiv:1308.0850 (centered).

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.RMSprop(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0., 3.])
    """

    name = "rmsprop"
    kinds = {"rmsprop": ("v",), "rmsprop_momentum": ("v", "b"), "rmsprop_centered": ("v", "mean"),
             "rmsprop_centered_momentum": ("v", "mean", "b")}

    def __init__(self, params: Params, lr: LearningRate = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
                 momentum: float = 0.0, centered: bool = False, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum,
                             "centered": centered}, options)

    @classmethod
    def _kind(cls, settings: Mapping[str, Any]) -> str:
        return ("rmsprop_centered" if settings["centered"] else "rmsprop") + ("_momentum" if settings["momentum"] > 0 else "")


class AdaBelief(Optimizer):
    """AdaBelief: Adam with the variance about m, v ← β2·v + (1 − β2)·(g − m)² + ε, in place of the mean of squares.

    m ← β1·m + (1 − β1)·g first, then w ← w − lr·m̂/(√v̂ + ε), m̂ = m/(1 − β1ᵗ), v̂ = v/(1 − β2ᵗ).

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas]
    eps : float, default=1e-16
        ε, which is also added to √v̂.
    [weight_decay:either, decoupled_weight_decay]

    References
    ----------
    J. Zhuang et al. (2020), AdaBelief optimizer: adapting stepsizes by the belief in observed gradients, NeurIPS,
    arXiv:2010.07468.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.AdaBelief(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.888889, 2.111111])
    """

    name = "adabelief"
    kinds = {"adabelief": ("m", "v")}

    def __init__(self, params: Params, lr: LearningRate = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-16,
                 weight_decay: float = 0.0, decoupled_weight_decay: bool = True, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                             "decoupled_weight_decay": decoupled_weight_decay}, options)


class Yogi(Optimizer):
    """Yogi: Adam with v ← v − (1 − β2)·sign(v − g²)·g², which changes by little where gradients become small.

    m ← β1·m + (1 − β1)·g, w ← w − lr·m̂/(√v̂ + ε), m̂ = m/(1 − β1ᵗ), v̂ = v/(1 − β2ᵗ).

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps, initial_accumulator_value, weight_decay]

    References
    ----------
    M. Zaheer et al. (2018), Adaptive methods for nonconvex optimization, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Yogi(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.900022, 2.099978])
    """

    name = "yogi"
    kinds = {"yogi": ("m", "v")}

    def __init__(self, params: Params, lr: LearningRate = 1e-2, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-3,
                 initial_accumulator_value: float = 1e-6, weight_decay: float = 0.0,
                 **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps,
                             "initial_accumulator_value": initial_accumulator_value,
                             "weight_decay": weight_decay}, options)

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return np.full_like(w, settings["initial_accumulator_value"] if name == "v" else 0)
