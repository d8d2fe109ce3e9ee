"""Types of the compiled module _losses."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.own_loss import LossSpec

PARALLEL_FROM: int

def evaluate(spec: LossSpec, y: NDArray[Any], p: NDArray[Any], weight: NDArray[Any] | None,
             factor: float, wants_sum: bool, values: NDArray[Any] | None, grads: NDArray[Any] | None,
             threads: int) -> float | None: ...
def evaluate_rows(spec: LossSpec, y: NDArray[Any], p: NDArray[Any], weight: NDArray[Any] | None, factor: float,
                  values: NDArray[Any] | None, grads: NDArray[Any] | None, threads: int) -> float | None: ...
def overlap(alpha: float, beta: float, smooth: float, squared: bool, y: NDArray[Any], p: NDArray[Any], weight: NDArray[Any] | None,
            factor: float, values: NDArray[Any], grads: NDArray[Any] | None, threads: int) -> None: ...
def softmax(p: NDArray[Any]) -> None: ...
