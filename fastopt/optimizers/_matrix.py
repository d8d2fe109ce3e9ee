"""The optimizers that treat a matrix as a whole, Adafactor and Muon: settings, documentation, Muon's products.

Used through fastopt.optimizers.  What optimizers share is in optimizers/_base.py; Adafactor's mathematics is in
csrc/rules/matrix_rules.h, its passes in optimizers/_factored.pyx.
"""
from __future__ import annotations

import math
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

    from ._settings import Options, Params

Array = NDArray[Any]

#: the quintic iteration that brings singular values near 1 (Jordan et al. 2024)
NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)


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
        return {}

    def _outer(self, w: Array) -> tuple[int, int]:
        """Outputs and inputs of a matrix."""
        rows, columns = w.shape
        return rows, columns

    def _advance(self, grads: list[Array | None], factors: list[tuple[float, float, float]]) -> int:
        """A step by products of matrices; wide as they lie in memory, so that the Gram matrix is the small one.

        All new weights are computed before the first is written, and the first array is returned whose are not finite, or −1.
        """
        if not hasattr(self, "_work"):
            self._work: dict[int, _Work] = {}
        bad, moved = -1, []
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            for i, (w, g, (scale, lr, decay_factor)) in enumerate(zip(self.params, grads, factors)):
                if g is None or w.ndim != 2 or not w.size:
                    continue
                settings, m = self._groups[self._places[i]].settings, self._named(self.states[i])["m"]
                if i not in self._work:
                    self._work[i] = _Work(w)
                work = self._work[i]
                rows, columns = self._outer(w)
                size = (math.sqrt(max(1, rows / columns)) if settings["adjust_lr"] == "original"
                        else 0.2 * math.sqrt(max(rows, columns)))
                work.orthogonalise(g, m, scale, settings)
                if not work.step(w, lr * size, decay_factor) and bad < 0:
                    bad = i
                moved.append((w, g, m, work, scale, settings["momentum"]))
            for w, g, m, work, scale, momentum in moved:
                work.move(w, g, m, scale, momentum)
        return bad


class _Work:
    """Memory for the iteration on one matrix, made once: x (short, long) and two of (short, short), Fortran-ordered."""

    def __init__(self, w: Array) -> None:
        from scipy.linalg import blas  # a quarter of a second that only Muon is to cost

        self.turned = w.shape[0] > w.shape[1]
        short, long = sorted(w.shape)
        self.x, self.next = (np.empty((short, long), w.dtype, order="F") for _ in range(2))
        self.gram, self.polynomial = (np.empty((short, short), w.dtype, order="F") for _ in range(2))
        self.gemm = blas.get_blas_funcs("gemm", dtype=w.dtype)

    def _like(self, x: Array) -> Array:
        """Memory in the shape of the weights."""
        return x.T if self.turned else x

    def _moved(self, g: Array, m: Array, scale: float, momentum: float) -> tuple[Array, Array]:
        """The share of g in the mean, and the mean that it makes of m, in x and next."""
        share, mean = self._like(self.x), self._like(self.next)
        np.multiply(g, scale * (1 - momentum), out=share)
        np.multiply(m, momentum, out=mean)
        mean += share
        return share, mean

    def orthogonalise(self, g: Array, m: Array, scale: float, settings: Mapping[str, Any]) -> None:
        """Leave in x the orthogonalised direction of the mean that g makes of m (or Nesterov's)."""
        a, b, c = NEWTON_SCHULZ
        x, mean = self._moved(g, m, scale, settings["momentum"])
        if settings["nesterov"]:   # g + μ·(m − g), of which (1 − μ)·g is there
            mean *= settings["momentum"]
            x += mean
        else:
            np.copyto(x, mean)
        norm = float(np.linalg.norm(self.x))
        if not norm < math.inf:   # its square is beyond the type's largest number
            self.x /= np.abs(self.x).max()
            norm = float(np.linalg.norm(self.x))
        self.x /= max(norm, settings["eps"])
        for _ in range(settings["ns_steps"]):
            gram = self.gemm(1.0, self.x, self.x, trans_b=True, c=self.gram, overwrite_c=True)
            np.copyto(self.polynomial, gram)
            polynomial = self.gemm(c, gram, gram, beta=b, c=self.polynomial, overwrite_c=True)
            np.copyto(self.next, self.x)
            self.next = self.gemm(1.0, polynomial, self.x, beta=a, c=self.next, overwrite_c=True)
            self.x, self.next = self.next, self.x

    def step(self, w: Array, rate: float, decay_factor: float) -> bool:
        """The weights after a step along x, in x; whether they are finite."""
        x, kept = self._like(self.x), self._like(self.next)
        x *= rate
        np.multiply(w, decay_factor, out=kept)
        np.subtract(kept, x, out=x)
        return bool(np.isfinite(x).all())

    def move(self, w: Array, g: Array, m: Array, scale: float, momentum: float) -> None:
        """Weights and mean become what they are after the step."""
        np.copyto(w, self._like(self.x))
        np.copyto(m, self._moved(g, m, scale, momentum)[1])
