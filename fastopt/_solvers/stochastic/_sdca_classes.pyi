"""Types of the compiled module _sdca_classes."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.own_loss import LossSpec
from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples

from .chains import Chains

CLASS_LOSSES: tuple[str, ...]

class SdcaClassChains(Chains):
    u: NDArray[Any]
    shrink_margin: float
    whole: bool
    def __init__(self, X: Matrix, samples: Samples, loss: LossSpec, outputs: int, squares: NDArray[np.float64], *,
                 l1: float = 0, positive: bool = False, column: float = 0, shrunk: NDArray[np.uint8] | None = None) -> None: ...
    def place(self, v: NDArray[Any], v_column: NDArray[Any] | None = None, intercept: NDArray[Any] | None = None) -> None: ...
    def centre(self, intercept: NDArray[Any]) -> None: ...
    def weights(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
    def seen(self) -> NDArray[np.float64]: ...
