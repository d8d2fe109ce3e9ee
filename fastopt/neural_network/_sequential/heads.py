"""What the last layer and the loss are together: which of them the engine has fused, how y is read, what predictions are, how losses are told.

Used by the model and the loop of this room.  Knows no weights.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from fastopt import losses
from fastopt._common.rules import near, refuse
from fastopt.exceptions import InvalidParameterError
from fastopt.losses import Loss
from fastopt.losses._base import DOMAINS, registry

from .layers import ACTIVATIONS, SOFTMAX

Array = NDArray[Any]

#: what Keras has under a name of its own, or with other settings
_KERAS: dict[str, Callable[[], Loss]] = {
    "categorical_crossentropy": losses.KLDivergence, "kld": losses.KLDivergence, "kl_divergence": losses.KLDivergence,
    "huber": lambda: losses.Huber(delta=1.0), "huber_loss": lambda: losses.Huber(delta=1.0),
}
_CROSS_ENTROPY = "categorical_crossentropy"
#: what losses are told of where their targets are of a kind: activations that they are fused with
_FUSED = {"unit": ("sigmoid", "logistic"), "nonnegative": ("exponential",), "positive": ("exponential",), "amounts": ("exponential",),
          "class": (SOFTMAX,), "shares": (SOFTMAX,)}

def loss_named(loss: object) -> Loss:
    """The loss that a name or an object stands for."""
    if isinstance(loss, Loss):
        if not loss.plain:
            refuse("loss", "one without class_weight, ignore_index and from_probabilities: fit has weights, and activations make probabilities", loss)
        return loss
    if not isinstance(loss, str):
        refuse("loss", "a name, such as 'mse' or 'binary_crossentropy', or a loss of fastopt.losses", loss)
    if loss in _KERAS:
        return _KERAS[loss]()
    try:
        return losses.get(loss)
    except InvalidParameterError as error:
        found = near(loss, [*_KERAS, *registry, *registry.aliases])
        raise InvalidParameterError(f"loss must be one of fastopt.losses or Keras's name of it, got {loss!r}"
                                    + (f": did you mean {found!r}?" if found else "")) from error


@dataclass(frozen=True)
class Head:
    """The last layer with its loss.

    Parameters
    ----------
    activation : str or tuple
        The engine's.
    loss : Loss
        Of what the engine's last layer gives.
    fused : bool
        Whether the last activation is the loss's own, so that the engine gives raw predictions.
    outputs : int
    entropies : bool
        Whether the loss is told with what y alone says, which the engine leaves out.
    """
    activation: str | tuple[str, float]
    loss: Loss
    fused: bool
    outputs: int
    entropies: bool

    @property
    def scale(self) -> float:
        """Of the engine's losses, which are sums over outputs, where Keras's are means."""
        return 1.0 if self.loss.couples_outputs else 1 / self.outputs

    def predictions(self, raw: Array) -> Array:
        """What `predict` gives."""
        return self.loss._predict(raw) if self.fused else raw

    # ---- y ----

    def targets(self, y: object, n: int, dtype: Any, name: str = "y") -> Array:
        """y as the engine takes it, checked."""
        y = _numbers(name, y)
        if len(y) != n:
            raise ValueError(f"{name} must have as many rows as X, {n}, got shape {y.shape}")
        if self.loss.target == "class":
            return self._classes(y, name)
        if y.shape not in ((n, self.outputs), (n,) if self.outputs == 1 else None):
            more = (": numbers of classes go with 'sparse_categorical_crossentropy'"
                    if self.loss.target == "shares" and y.size == n else "")
            raise ValueError(f"{name} must have shape ({n}, {self.outputs}), as the last layer has {self.outputs} units, got {y.shape}{more}")
        y = y.reshape(n, self.outputs).astype(dtype)
        if self.loss.target == "sign" and (y == -1).any():
            y = np.where(y == -1, y.dtype.type(0), y)
        self._check(y, name)
        return y

    def _check(self, y: Array, name: str) -> None:
        """Raise for the first number that the loss has no meaning for."""
        domain = "nonnegative" if self.loss.target in ("shares", "amounts") else self.loss.target
        words, accepts, _ = DOMAINS[domain]
        bad = np.argwhere(~accepts(y))
        if len(bad):
            row, column = (int(i) for i in bad[0])
            raise ValueError(f"{name} must be {words} with {self.loss.name}, got {y[row, column]} in row {row}, column {column}")
        if self.loss.target == "shares":
            sums = y.sum(axis=1, dtype=np.float64)
            wrong = np.flatnonzero(np.abs(sums - 1) > 1e-4)
            if len(wrong):
                raise ValueError(f"{name} must have rows whose sum is 1, as one-hot rows have, got {sums[wrong[0]]} in row {wrong[0]}")

    def _classes(self, y: Array, name: str) -> Array:
        """(n,) numbers of classes."""
        k = self.outputs
        if y.ndim == 2 and y.shape[1] == k > 1:
            if not (((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()):
                raise ValueError(f"{name} must hold numbers of classes, or one-hot rows, with this loss; shares go with 'categorical_crossentropy'")
            return np.asarray(y.argmax(axis=1), np.int32)
        if y.size != len(y):
            raise ValueError(f"{name} must hold the number of a class for each row, shape ({len(y)},), got {y.shape}")
        y = y.reshape(-1)
        bad = np.flatnonzero(~((y >= 0) & (y < k) & (y == np.floor(y))))
        if len(bad):
            raise ValueError(f"{name} must hold numbers of classes from 0 to {k - 1}, as the last layer has {k} units, got {y[bad[0]]} in row "
                             f"{bad[0]}")
        return y.astype(np.int32)

    def classes(self, y: Array) -> Array | None:
        """The class of each row of checked targets; None where there are none."""
        if y.ndim == 1:
            return y
        if self.loss.target == "shares":
            return np.asarray(y.argmax(axis=1))
        if self.outputs == 1 and ((y == 0) | (y == 1)).all():
            return y[:, 0].astype(np.intp)
        return None

    # ---- losses ----

    def mean(self, y: Array, raw: Array, weight: Array | None) -> float:
        """The mean loss of raw predictions; nan where these are not finite."""
        if not np.isfinite(raw).all():
            return float("nan")
        if weight is None or y.shape[1:] in ((), (1,)) or self.loss.couples_outputs:
            each = weight if weight is None or self.loss.couples_outputs else weight.reshape(y.shape)
        else:
            each = np.repeat(weight[:, None], self.outputs, axis=1)
        return float(self.loss.value(y, raw, each)) + self.entropy(y, weight)

    def entropies_of(self, y: Array) -> Array | None:
        """Of each row of shares, what its cross-entropy has beyond the divergence; None where that is 0."""
        if not self.entropies or ((y == 0) | (y == 1)).all():
            return None
        found: Array = -xlogy(y, y).sum(axis=1, dtype=np.float64)
        return found

    def entropy(self, y: Array, weight: Array | None) -> float:
        """The mean of these."""
        each = self.entropies_of(y)
        return 0.0 if each is None else float(np.average(each, weights=weight))


def head(loss: object, activation: str, outputs: int) -> Head:
    """The last layer with its loss, if they go together."""
    found = loss_named(loss)
    if found.couples_outputs and found.target == "real":
        refuse("loss", "a loss of each output, or of classes", loss)
    entropies = loss == _CROSS_ENTROPY
    fused = _FUSED.get(found.target, ())
    if activation in fused and found.name != "mean_squared_log_error":
        return Head("identity", found, True, outputs, entropies)
    if activation == SOFTMAX:
        raise InvalidParameterError(f"loss must be a cross-entropy of classes, such as 'sparse_categorical_crossentropy', where the last layer has "
                                    f"activation 'softmax', got {loss!r}")
    raw = activation in ("linear", "identity")
    if fused and not (raw and isinstance(loss, Loss)):
        also = f"; of raw scores, with a linear last layer, it is losses.{type(found).__name__}()" if raw else ""
        raise InvalidParameterError(f"loss {loss!r} goes with a last layer of activation {fused[0]!r}, got {activation!r}{also}")
    return Head(ACTIVATIONS[activation], found, False, outputs, entropies)


def _numbers(name: str, y: object) -> Array:
    """An array of numbers that are not nan, of one or two dimensions."""
    found = np.asarray(y.toarray() if hasattr(y, "toarray") else y)
    if found.dtype.kind not in "fiub":
        raise ValueError(f"{name} must hold numbers, got dtype {found.dtype}: encode labels first, by sklearn.preprocessing.LabelEncoder for example")
    if found.ndim not in (1, 2):
        raise ValueError(f"{name} must have one or two dimensions, got shape {found.shape}")
    if found.dtype.kind == "f":
        bad = np.argwhere(~np.isfinite(found))
        if len(bad):
            where = f"row {bad[0][0]}" + (f", column {bad[0][1]}" if found.ndim == 2 else "")
            raise ValueError(f"{name} must be finite, got {found[tuple(bad[0])]} in {where}")
    return found
