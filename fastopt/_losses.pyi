"""Types of the compiled module _losses."""
from typing import Any

from numpy.typing import NDArray

SHARED: int

def evaluate(spec: tuple[int, float, float], y: NDArray[Any] | None, p: NDArray[Any] | None,
             weight: NDArray[Any] | None, factor: float, wants_sum: bool, values: NDArray[Any] | None,
             grads: NDArray[Any] | None, threads: int) -> float | None: ...
