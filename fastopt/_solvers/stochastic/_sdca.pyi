"""Types of the compiled module _sdca."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.own_loss import LossSpec
from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples

from .chains import Chains

LOSSES: tuple[str, ...]

class SdcaChains(Chains):
    u: NDArray[Any]
    shrink_margin: float
    def __init__(self, X: Matrix, samples: Samples, loss: LossSpec, k: int, squares: NDArray[np.float64], *,
                 l1: float = 0, positive: bool = False, column: float = 0, shrunk: NDArray[np.uint8] | None = None,
                 threads: int = 1) -> None: ...
    def place(self, v: NDArray[Any], v_column: NDArray[Any] | None = None, intercept: NDArray[Any] | None = None) -> None: ...
    def centre(self, intercept: NDArray[Any]) -> None: ...
    def weights(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
    def seen(self) -> NDArray[np.float64]: ...

def gap(loss: LossSpec, y: NDArray[np.float64], u: NDArray[np.float64], p: NDArray[np.float64],
        weight: NDArray[np.float64] | None = None) -> tuple[float, float]: ...
