"""Types of the compiled module losses._likelihood_blocks."""
from typing import Any

from numpy.typing import NDArray

PARALLEL_FROM: int

def evaluate(kind: int, constant: float, y: NDArray[Any], p: NDArray[Any], scale: NDArray[Any], shape: NDArray[Any] | None,
             weight: NDArray[Any] | None, factor: float, values: NDArray[Any] | None, in_p: NDArray[Any] | None, in_scale: NDArray[Any] | None,
             in_shape: NDArray[Any] | None, threads: int) -> tuple[float, float, float] | None: ...
