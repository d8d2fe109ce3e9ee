"""The optimizers that take the size of their steps from norms of whole arrays: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py, their mathematics in csrc/rules/rules_scaled.h.
"""
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._base import Array, Optimizer

__all__ = ["DoG", "LAMB", "LARS", "Prodigy"]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastopt.schedules._base import LearningRate

    from ._settings import Options, Params


class LARS(Optimizer):
    """Layer-wise adaptive rate scaling: rate = lr·η·‖w‖/(‖g‖ + λ·‖w‖ + ε), v ← μ·v + rate·(g + λ·w), w ← w − v.

    Norms are those of each array of `params`; the rate is lr where one of them is 0.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, momentum]
    weight_decay : float, default=0
        λ.
    trust_coefficient : float, default=0.001
        η.
    [eps]

    References
    ----------
    Y. You, I. Gitman and B. Ginsburg (2017), Large batch training of convolutional networks, arXiv:1708.03888.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.LARS(w, lr=10.0).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.984189, 2.015811])
    """

    name = "lars"
    kinds = {"lars": ("v",)}

    def __init__(self, params: Params, lr: LearningRate = 0.1, momentum: float = 0.9, weight_decay: float = 0.0,
                 trust_coefficient: float = 1e-3, eps: float = 1e-8, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay,
                             "trust_coefficient": trust_coefficient, "eps": eps}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"a": settings["trust_coefficient"]}


class LAMB(Optimizer):
    """LAMB: u = m̂/(√v̂ + ε) + λ·w with the m̂ and v̂ of `Adam`, w ← w − lr·‖w‖/‖u‖·u.

    Norms are those of each array of `params`; w ← w − lr·u where one of them is 0.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps]
    weight_decay : float, default=0
        λ.

    References
    ----------
    Y. You et al. (2020), Large batch optimization for deep learning: training BERT in 76 minutes, ICLR, arXiv:1904.00962.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.LAMB(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.841886, 2.158114])
    """

    name = "lamb"
    kinds = {"lamb": ("m", "v")}
    decoupled = True

    def __init__(self, params: Params, lr: LearningRate = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-6,
                 weight_decay: float = 0.0, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}, options)


class DoG(Optimizer):
    """Distance over gradients: w ← w − lr·max‖w − w₀‖/√(Σ‖g‖² + ε)·g; there is no learning rate to choose.

    w₀ is where `params` were at construction; norms are over all arrays of a group.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float or callable, default=1.0
        Factor of the rate that it finds; 1 is the method as published.
    reps_rel : float, default=1e-6
        The distance is reps_rel·(1 + ‖w₀‖) at first.
    [weight_decay:either, decoupled_weight_decay, eps]

    References
    ----------
    M. Ivgi, O. Hinder and Y. Carmon (2023), DoG is SGD's best friend: a parameter-free dynamic step size schedule, ICML,
    arXiv:2302.12022.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> dog = optimizers.DoG(w)
    >>> for _ in range(500):
    ...     dog.step(2 * w)
    >>> bool(abs(w).max() < 0.01)
    True
    """

    name = "dog"
    kinds = {"dog": ("w0",)}
    one_clock = True

    def __init__(self, params: Params, lr: LearningRate = 1.0, reps_rel: float = 1e-6, weight_decay: float = 0.0,
                 decoupled_weight_decay: bool = False, eps: float = 1e-8, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "reps_rel": reps_rel, "weight_decay": weight_decay,
                             "decoupled_weight_decay": decoupled_weight_decay, "eps": eps}, options)

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return w.copy(order="K")

    def _carry(self, settings: Mapping[str, Any], arrays: list[Array]) -> list[float]:
        most = max((float(np.abs(w).max()) for w in arrays if w.size), default=0.0)
        scale = math.ldexp(1.0, max(-1000, -math.frexp(most)[1]))   # squares neither overflow nor underflow
        norm = float(np.sqrt(sum(np.square(scale * w.astype(np.float64)).sum() for w in arrays))) / scale
        return [settings["reps_rel"] * (1 + norm), 0.0]   # largest distance, Σ‖g‖²


class Prodigy(Optimizer):
    """Prodigy: Adam in units of d, an estimate of the distance to the solution; there is no learning rate to choose.

    m ← β1·m + (1 − β1)·d·g, v ← β2·v + (1 − β2)·d²·g², w ← w − d·lr·m/(√v + d·ε); a ← β3·a + d²·lr/d0·⟨g, w₀ − w⟩,
    s ← β3·s + d²·lr/d0·g, d ← max(d, d_coef·a/‖s‖₁).  w₀ is where `params` were at construction; each group has its own d.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float or callable, default=1.0
        Factor of the rate that it finds; 1 is the method as published.
    [betas]
    beta3 : float or None, default=None
        Mean of the sums behind d; None: √β2.
    [eps, weight_decay:either, decoupled_weight_decay]
    use_bias_correction : bool, default=False
        The correction of `Adam`'s moments.
    safeguard_warmup : bool, default=False
        The learning rate is left out of the sums behind d: for schedules that begin with a warm-up.
    d0 : float, default=1e-6
        The first d.
    d_coef : float, default=1
        Factor of the estimate.
    growth_rate : float, default=inf
        d grows by no more than this factor a step.

    References
    ----------
    K. Mishchenko and A. Defazio (2024), Prodigy: an expeditiously adaptive parameter-free learner, ICML, arXiv:2306.06101.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> prodigy = optimizers.Prodigy(w)
    >>> for _ in range(500):
    ...     prodigy.step(2 * w)
    >>> bool(abs(w).max() < 0.05)
    True
    """

    name = "prodigy"
    kinds = {"prodigy": ("m", "v", "s", "w0")}
    one_clock = True

    def __init__(self, params: Params, lr: LearningRate = 1.0, betas: tuple[float, float] = (0.9, 0.999), beta3: float | None = None,
                 eps: float = 1e-8, weight_decay: float = 0.0, decoupled_weight_decay: bool = True,
                 use_bias_correction: bool = False, safeguard_warmup: bool = False, d0: float = 1e-6,
                 d_coef: float = 1.0, growth_rate: float = math.inf, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "beta3": beta3, "eps": eps, "weight_decay": weight_decay,
                             "decoupled_weight_decay": decoupled_weight_decay,
                             "use_bias_correction": use_bias_correction, "safeguard_warmup": safeguard_warmup,
                             "d0": d0, "d_coef": d_coef, "growth_rate": growth_rate}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        beta3 = math.sqrt(settings["betas"][1]) if settings["beta3"] is None else settings["beta3"]
        return {"beta3": beta3, "a": settings["d0"], "b": settings["d_coef"], "c": settings["growth_rate"],
                "d": float(settings["use_bias_correction"]), "flag": int(settings["safeguard_warmup"])}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return w.copy(order="K") if name == "w0" else np.zeros_like(w)

    def _carry(self, settings: Mapping[str, Any], arrays: list[Array]) -> list[float]:
        return [settings["d0"], settings["d0"], 0.0]   # d, its largest estimate, a
