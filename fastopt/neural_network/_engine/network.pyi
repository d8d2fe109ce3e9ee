"""Types of the compiled module neural_network._engine.network."""
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastopt.losses import Loss
from fastopt.optimizers import Optimizer
from fastopt.schedules._base import LearningRate

Array = NDArray[Any]

class Network:
    sizes: tuple[int, ...]
    activations: tuple[tuple[str, float], ...]
    loss: Loss
    dtype: np.dtype[Any]
    l2: float | Sequence[float]
    l1: float | Sequence[float]
    dropout: tuple[float, ...]
    seed: int
    value_scale: float
    gradient_scale: float
    last_loss: float
    last_penalty: float
    optimizer: Optimizer
    learning_rate: LearningRate
    def __init__(self, sizes: Sequence[int], activations: Sequence[str | tuple[str, float]], loss: Loss, dtype: DTypeLike, *,
                 l2: float | Sequence[float] = 0.0, l1: float | Sequence[float] = 0.0, value_scale: float = 1.0,
                 dropout: Sequence[float] | None = None, seed: int = 0, ema: float = 0.0, n_threads: int | None = None) -> None: ...
    def set_weights(self, coefs: Sequence[Array], intercepts: Sequence[Array]) -> None: ...
    def get_weights(self) -> tuple[list[Array], list[Array]]: ...
    def get_solution(self) -> tuple[list[Array], list[Array]]: ...
    def gradient_norms(self) -> list[float]: ...
    def start(self, optimizer: Optimizer) -> None: ...
    def get_state(self) -> dict[str, Any]: ...
    def set_state(self, state: dict[str, Any]) -> None: ...
    def epoch(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, order: ArrayLike, batch_size: int) -> float: ...
    def value_and_gradient(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float, list[Array], list[Array]]: ...
    def forward(self, X: Any, layers: int | None = None) -> Array: ...
