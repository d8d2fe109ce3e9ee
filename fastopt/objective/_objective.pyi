"""Types of the compiled module _objective."""
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt._core.tables import Matrix
from fastopt.losses import Loss

from ._problem import Problem, Standardization

class Objective:
    problem: Problem
    X: Matrix
    n_samples: int
    n_features: int
    n_outputs: int
    n_params: int
    fit_intercept: bool
    turned: bool
    passes: int
    n_threads: int | None
    l2: float
    total: float
    y: NDArray[Any]
    weight: NDArray[Any] | None
    rows_: NDArray[Any] | None
    columns: Standardization | None
    def __init__(self, problem: Problem, l2: float, n_threads: int | None) -> None: ...
    @property
    def loss(self) -> Loss: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def value(self, w: ArrayLike) -> float: ...
    def gradient(self, w: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]: ...
    def value_and_gradient(self, w: ArrayLike, out: NDArray[Any] | None = None) -> tuple[float, NDArray[Any]]: ...
    def stand_at(self, other: Objective) -> None: ...
    def forget(self) -> None: ...
    def predictions(self, w: ArrayLike) -> NDArray[Any]: ...
    def hessp(self, w: ArrayLike, v: ArrayLike, *args: Any) -> NDArray[Any]: ...
