"""The optimizers that treat a matrix as a whole, Adafactor and Muon: settings and documentation.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py; Adafactor's mathematics is in
csrc/rules/matrix_rules.h, its passes in optimizers/_factored.pyx, Muon's in csrc/rules/orthogonal.h and optimizers/_orthogonal.pyx.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastopt._common.rules import refuse
from fastopt.exceptions import InvalidParameterError

from ._base import Optimizer

__all__ = ["Adafactor", "Muon"]

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastopt.schedules._base import LearningRate

    from ._orthogonal import MatrixSteps
    from ._settings import Options, Params

Array = NDArray[Any]


class Adafactor(Optimizer):
    """Adafactor: Adam's second moment of a matrix as the product of its means over rows and columns, r + c numbers for r·c.

    R ← β·R + (1 − β)·mean_rows(g²), C ← β·C + (1 − β)·mean_columns(g²), v = R·Cᵀ/mean(R), u = g/√max(v, ε1²),
    w ← w − α·u/max(1, RMS(u)/d), with 1 − β = tᵇ and α = max(ε2, RMS(w))·min(lr, 1/√t), t from 1.  Arrays of one
    dimension keep all of v; of more than two, each matrix of the last two dimensions has its own means.

    Parameters
    ----------
    params, **options
        See `Optimizer`.
    lr : float or callable, default=0.01
        Largest relative step.
    beta2_decay : float, default=-0.8
        b, from −1 to 0.
    eps : tuple, default=(None, 1e-3)
        ε1, or None for the type's own, and ε2; in parameter groups they go by eps1 and eps2.
    d : float, default=1.0
        Bound of the root mean square of a step.
    [weight_decay:decoupled]

    References
    ----------
    N. Shazeer and M. Stern (2018), Adafactor: adaptive learning rates with sublinear memory cost, ICML, arXiv:1804.04235.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.ones((2, 3))
    >>> optimizers.Adafactor(w).step(np.full((2, 3), 5.0))
    >>> w.round(6)
    array([[0.99, 0.99, 0.99],
           [0.99, 0.99, 0.99]])
    """

    name = "adafactor"
    kinds = {"adafactor": ("v", "v_columns")}
    decoupled = True

    def __init__(self, params: Params, lr: LearningRate = 0.01, beta2_decay: float = -0.8, eps: tuple[float | None, float] = (None, 1e-3),
                 d: float = 1.0, weight_decay: float = 0.0, **options: Unpack[Options]) -> None:
        self._build(params, self._spelt({"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
                                         "weight_decay": weight_decay}), options, factored=True)

    @classmethod
    def _spelt(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        spelt: dict[str, Any] = {}
        for name, value in settings.items():
            if name != "eps":
                spelt[name] = value
            elif isinstance(value, (tuple, list)) and len(value) == 2:
                spelt["eps1"], spelt["eps2"] = value
            else:
                refuse("eps", "two numbers, or None and a number", value)
        return spelt

    @classmethod
    def _unspelt(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        eps = settings["eps1"], settings["eps2"]
        return {"eps": eps, **{name: value for name, value in settings.items() if name not in ("eps1", "eps2")}}

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"eps": settings["eps1"] or 0.0, "a": settings["eps2"], "b": settings["d"], "c": settings["beta2_decay"]}

    def _initial(self, name: str, w: Array, settings: Mapping[str, Any]) -> Array | None:
        """As the passes go: rows and columns are those of memory, swapped where a matrix is Fortran-ordered."""
        if w.ndim < 2:
            return np.zeros_like(w) if name == "v" else None
        shape = w.shape if w.flags.c_contiguous or w.ndim > 2 else w.shape[::-1]
        return np.zeros(shape[:-1] if name == "v" else shape[:-2] + shape[-1:], w.dtype)


class Muon(Optimizer):
    """Muon: m ← μ·m + (1 − μ)·g, and a step along the nearest matrix to m with orthonormal rows or columns.

    u = g + μ·(m − g) with `nesterov`, else m; Newton–Schulz iterations bring the singular values of u/‖u‖ near 1:
    X ← a·X + (b·XXᵀ + c·(XXᵀ)²)·X; w ← w − lr·s·X.

    Parameters
    ----------
    params, **options
        See `Optimizer`; matrices only.  Vectors (biases, gains) and embeddings are for another optimizer, AdamW say.
    [lr, weight_decay:decoupled]
    momentum : float, default=0.95
        μ.
    nesterov : bool, default=True
        See above.
    eps : float, default=1e-7
        Least ‖u‖ that is divided by.
    ns_steps : int, default=5
        Newton–Schulz iterations.
    adjust_lr : {'original', 'match_rms_adamw'}, default='original'
        s = √max(1, rows/columns), or 0.2·√max(rows, columns), which lets AdamW's lr and decay be reused.

    References
    ----------
    K. Jordan et al. (2024), Muon: an optimizer for hidden layers in neural networks, https://kellerjordan.github.io/posts/muon.
    J. Liu et al. (2025), Muon is scalable for LLM training, arXiv:2502.16982.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt import optimizers
    >>> w = np.zeros((2, 2))
    >>> optimizers.Muon(w, lr=0.1).step(np.array([[3.0, 0.0], [0.0, 1.0]]))
    >>> bool(np.abs(np.linalg.svd(w)[1] / 0.1 - 1).max() < 0.4)
    True
    """

    name = "muon"
    kinds = {"muon": ("m",)}
    decoupled = True
    _matrices: MatrixSteps | None

    def __init__(self, params: Params, lr: LearningRate = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = True,
                 eps: float = 1e-7, ns_steps: int = 5, adjust_lr: str = "original", **options: Unpack[Options]) -> None:
        self._build(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov, "eps": eps,
                             "ns_steps": ns_steps, "adjust_lr": adjust_lr}, options, matrix_step=True)

    def _check_arrays(self, arrays: list[Array], first: int) -> None:
        for i, w in enumerate(arrays, first):
            if w.ndim != 2:
                raise InvalidParameterError(f"params[{i}] must be a matrix for Muon, got shape {w.shape}")

    @classmethod
    def _fields(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        if settings["l1"] or settings["clip_value"]:
            raise InvalidParameterError("l1 and clip_value must be left out: Muon's step is not one of single elements")
        return {"flag": int(settings["nesterov"]), "a": settings["ns_steps"], "b": float(settings["adjust_lr"] == "original")}

    def _outer(self, w: Array) -> tuple[int, int]:
        """Outputs and inputs of a matrix."""
        rows, columns = w.shape
        return rows, columns

    def _advance(self) -> int:
        """The step of the matrices, whose numbers are folded; the first array that ended up not finite, or −1."""
        if self._matrices is None:
            from ._orthogonal import MatrixSteps  # brings SciPy's BLAS, a quarter of a second that only Muon is to cost
            self._matrices = MatrixSteps(self, [self._outer(w) if w.ndim == 2 else (1, 1) for w in self.params])
        return self._matrices.step(self)

    def _install(self, *args: Any, **kwargs: Any) -> None:
        self._matrices = None
        super()._install(*args, **kwargs)
