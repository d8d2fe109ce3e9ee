"""Adam and its closest kin: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py, their mathematics in csrc/rules/rules_adaptive.h.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._base import Array, Optimizer
from ._moments import Moments, PackedMoments

__all__ = ["AMSGrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam"]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastopt.schedules._base import LearningRate

    from ._settings import Options, Params


class Adam(PackedMoments):
    """Adam: m ← β1·m + (1 − β1)·g, v ← β2·v + (1 − β2)·g², w ← w − lr·m̂/(√v̂ + ε), m̂ = m/(1 − β1ᵗ), v̂ = v/(1 − β2ᵗ).

    Row-sparse gradients, without `amsgrad`, step lazily, as torch.optim.SparseAdam does: moments and weights of rows that a
    gradient lacks stay as they are, while t goes on for all.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps]
    weight_decay : float, default=0
        L2 penalty: weight_decay·w is added to the gradient; see `AdamW` for decay beside it.
    [amsgrad, moments, eps_hat]

    References
    ----------
    D. P. Kingma and J. Ba (2015), Adam: a method for stochastic optimization, ICLR, arXiv:1412.6980.
    S. J. Reddi, S. Kale and S. Kumar (2018), On the convergence of Adam and beyond, ICLR, arXiv:1904.09237.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Adam(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.9, 2.1])
    """

    name = "adam"
    kinds = {"adam": ("m", "v"), "amsgrad": ("m", "v", "v_max")}
    sparse = ("adam",)

    def __init__(self, params: Params, lr: LearningRate = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, amsgrad: bool = False, moments: Moments = None, eps_hat: bool = False,
                 **options: Unpack[Options]) -> None:
        self._build_packed(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                    "amsgrad": amsgrad, "eps_hat": eps_hat}, options, moments)

    @classmethod
    def _kind(cls, settings: Mapping[str, Any]) -> str:
        return "amsgrad" if settings["amsgrad"] else "adam"

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"c": float(settings.get("eps_hat", False))}


class AdamW(Adam):
    """Adam with decoupled weight decay λ: w ← (1 − lr·λ)·w − lr·m̂/(√v̂ + ε); m̂ and v̂ as in `Adam`.

    Row-sparse gradients step and decay the rows that they have; see `Adam`.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps]
    weight_decay : float, default=0.01
        λ.
    [amsgrad, moments, eps_hat]

    References
    ----------
    I. Loshchilov and F. Hutter (2019), Decoupled weight decay regularization, ICLR, arXiv:1711.05101.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.AdamW(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.899, 2.098])
    """

    name = "adamw"
    decoupled = True

    def __init__(self, params: Params, lr: LearningRate = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, moments: Moments = None, eps_hat: bool = False,
                 **options: Unpack[Options]) -> None:
        self._build_packed(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                    "amsgrad": amsgrad, "eps_hat": eps_hat}, options, moments)


class AMSGrad(Optimizer):
    """`Adam` with the largest v so far, v̄ ← max(v̄, v), in place of v: w ← w − lr·m̂/(√(v̄/(1 − β2ᵗ)) + ε).

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps, weight_decay]

    References
    ----------
    S. J. Reddi, S. Kale and S. Kumar (2018), On the convergence of Adam and beyond, ICLR, arXiv:1904.09237.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.AMSGrad(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.9, 2.1])
    """

    name = "amsgrad"
    kinds = {"amsgrad": ("m", "v", "v_max")}

    def __init__(self, params: Params, lr: LearningRate = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}, options)


class Adamax(Optimizer):
    """Adamax: m as in `Adam`, u ← max(β2·u, |g| + ε), w ← w − lr·m̂/u.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps, weight_decay]

    References
    ----------
    D. P. Kingma and J. Ba (2015), Adam: a method for stochastic optimization, section 7.1, ICLR, arXiv:1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Adamax(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.9, 2.1])
    """

    name = "adamax"
    kinds = {"adamax": ("m", "u")}

    def __init__(self, params: Params, lr: LearningRate = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}, options)


class NAdam(Optimizer):
    """Adam with Nesterov's momentum: w ← w − lr·((1 − μₜ)/(1 − Πμ)·g + μₜ₊₁/(1 − Πμ·μₜ₊₁)·m)/(√v̂ + ε).

    m and v are those of `Adam`, μₜ = β1·(1 − 0.96^(t·ψ)/2) for t from 1, and Πμ is the product of μ up to t.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps, weight_decay:either]
    momentum_decay : float, default=4e-3
        ψ.
    [decoupled_weight_decay]

    References
    ----------
    T. Dozat (2016), Incorporating Nesterov momentum into Adam, ICLR workshop.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.NAdam(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.894355, 2.105645])
    """

    name = "nadam"
    kinds = {"nadam": ("m", "v")}

    def __init__(self, params: Params, lr: LearningRate = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False,
                 **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                             "momentum_decay": momentum_decay,
                             "decoupled_weight_decay": decoupled_weight_decay}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"a": settings["momentum_decay"]}

    def _carry(self, settings: Mapping[str, Any], arrays: list[Array]) -> list[float]:
        return [1.0]   # Πμ


class RAdam(Optimizer):
    """Rectified Adam: w ← w − lr·r·m̂/(√v̂ + ε), and w ← w − lr·m̂ as long as the variance of 1/√v̂ is unbounded (ρ <= 5).

    ρ∞ = 2/(1 − β2) − 1, ρ = ρ∞ − 2·t·β2ᵗ/(1 − β2ᵗ), r² = (ρ − 4)(ρ − 2)ρ∞/((ρ∞ − 4)(ρ∞ − 2)ρ); m̂ and v̂ as in `Adam`, but ε is
    added to √v before its correction, as in PyTorch.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    [lr, betas, eps, weight_decay:either, decoupled_weight_decay]

    References
    ----------
    L. Liu et al. (2020), On the variance of the adaptive learning rate and beyond, ICLR, arXiv:1908.03265.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.RAdam(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.5, 2.5])
    """

    name = "radam"
    kinds = {"radam": ("m", "v")}

    def __init__(self, params: Params, lr: LearningRate = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, decoupled_weight_decay: bool = False, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                             "decoupled_weight_decay": decoupled_weight_decay}, options)
