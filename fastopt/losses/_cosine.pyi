"""Types of the compiled module losses._cosine."""
from typing import Any

from numpy.typing import NDArray

PARALLEL_FROM: int

def evaluate(y: NDArray[Any], p: NDArray[Any], weight: NDArray[Any] | None, factor: float, values: NDArray[Any] | None, in_y: NDArray[Any] | None,
             in_p: NDArray[Any] | None, threads: int) -> float | None: ...
