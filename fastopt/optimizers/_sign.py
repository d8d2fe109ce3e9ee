"""The optimizers that step along the sign of a gradient: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py, their mathematics in csrc/rules/rules.h.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastopt._common.rules import refuse

from ._base import Array, Optimizer
from ._moments import Moments, PackedMoments

__all__ = ["Lion", "Rprop", "SignSGD"]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastopt.schedules._base import LearningRate

    from ._settings import Options, Params


class SignSGD(Optimizer):
    """Sign descent: w ← w − lr·sign(g), or with momentum μ (signum): m ← μ·m + (1 − μ)·g, w ← w − lr·sign(m).

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float or callable, default=1e-4
        Learning rate: what each weight moves in a step.
    [momentum, weight_decay]

    References
    ----------
    J. Bernstein et al. (2018), signSGD: compressed optimisation for non-convex problems, ICML, arXiv:1802.04434.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.SignSGD(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.9, 2.1])
    """

    name = "signsgd"
    kinds = {"signsgd": (), "signum": ("m",)}

    def __init__(self, params: Params, lr: LearningRate = 1e-4, momentum: float = 0.0, weight_decay: float = 0.0,
                 **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}, options)

    @classmethod
    def _kind(cls, settings: Mapping[str, Any]) -> str:
        return "signum" if settings["momentum"] > 0 else "signsgd"


class Lion(PackedMoments):
    """Lion: w ← (1 − lr·λ)·w − lr·sign(β1·m + (1 − β1)·g), m ← β2·m + (1 − β2)·g.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float or callable, default=1e-4
        Learning rate: what each weight moves in a step.
    [betas]
    weight_decay : float, default=0
        λ, decoupled.
    moments : {'bfloat16', '8bit'} or None, default=None
        Keep m in 2 bytes or 1 for each weight; see docs/optimizers.md.

    References
    ----------
    X. Chen et al. (2023), Symbolic discovery of optimization algorithms, NeurIPS, arXiv:2302.06675.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Lion(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.9, 2.1])
    """

    name = "lion"
    kinds = {"lion": ("m",)}
    decoupled = True

    def __init__(self, params: Params, lr: LearningRate = 1e-4, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0,
                 moments: Moments = None, **options: Unpack[Options]) -> None:
        self._build_packed(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay}, options, moments)


class Rprop(Optimizer):
    """Resilient backpropagation: each weight has a step of its own, which its gradient's sign alone makes grow or shrink.

    step ← step·η+ where g has the sign that it had, step·η− where it turned, within `step_sizes`; w ← w − sign(g)·step, but no
    step where it turned, and the next gradient there counts as the first.  For gradients of the full data.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float, default=1e-2
        The step of each weight at first; not a schedule.
    etas : tuple of two floats, default=(0.5, 1.2)
        η− and η+.
    step_sizes : tuple of two floats, default=(1e-6, 50)
        The smallest and the largest step.

    References
    ----------
    M. Riedmiller and H. Braun (1993), A direct adaptive method for faster backpropagation learning: the RPROP algorithm,
    IEEE International Conference on Neural Networks.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.array([1.0, 2.0])
    >>> optimizers.Rprop(w, lr=0.1).step(np.array([5.0, -5.0]))
    >>> w.round(6)
    array([0.9, 2.1])
    """

    name = "rprop"
    kinds = {"rprop": ("g", "step")}

    def __init__(self, params: Params, lr: float = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50.0), **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes}, options)

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        if callable(settings["lr"]):
            refuse("lr", "a number for Rprop, which finds its own steps", settings["lr"])
        (low, high), (least, largest) = settings["etas"], settings["step_sizes"]
        return {"a": low, "b": high, "c": least, "d": largest}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array:
        return np.full_like(w, np.clip(settings["lr"], *settings["step_sizes"]) if name == "step" else 0)
