"""Types of the compiled module _saga."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.own_loss import LossSpec
from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples

from .chains import Chains

class SagaChains(Chains):
    memory: NDArray[Any]
    start: NDArray[Any] | None
    mix: float
    lr: float
    def __init__(self, X: Matrix, samples: Samples, loss: LossSpec, k: int, kind: str, *, l2: float = 0,
                 l1: float = 0, positive: bool = False, fit_intercept: bool = False, threads: int = 1) -> None: ...
    def place(self, coef: NDArray[Any], intercept: NDArray[Any], gradient: NDArray[Any],
              gradient_intercept: NDArray[Any]) -> None: ...
    def weights(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]: ...
