"""Types of the compiled module losses._images._planes."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARALLEL_FROM: int

def evaluate(x: NDArray[Any], y: NDArray[Any] | None, settings: tuple[float, float], window: NDArray[Any] | None, factors: NDArray[np.float64],
             values: NDArray[np.float64], grads: NDArray[Any] | None, threads: int) -> None: ...
