"""Adam and its kin: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in _optimizer.py, their mathematics in csrc/rules_adaptive.h.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._optimizer import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._optimizer_settings import Options


class Adam(Optimizer):
    """Adam: m ← β1·m + (1 − β1)·g, v ← β2·v + (1 − β2)·g², w ← w − lr·m̂/(√v̂ + ε), m̂ = m/(1 − β1ᵗ), v̂ = v/(1 − β2ᵗ).

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float or callable, default=1e-3
        Learning rate.
    betas : tuple of two floats, default=(0.9, 0.999)
        β1 and β2.
    eps : float, default=1e-8
        ε.
    weight_decay : float, default=0
        L2 penalty: weight_decay·w is added to the gradient; see `AdamW` for decay beside it.
    amsgrad : bool, default=False
        The largest v so far in place of v.

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
    sparse = True

    def __init__(self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0, amsgrad: bool = False, **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}, options)

    def _kind(self, settings: Mapping[str, Any]) -> str:
        return "amsgrad" if settings["amsgrad"] else "adam"
