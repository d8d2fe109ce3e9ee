"""Types of the compiled module losses._sequences._rows."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARALLEL_FROM: int

def tokens(labels: NDArray[np.int32], p: NDArray[Any], weight: NDArray[Any] | None, smoothing: float, factor: float,
           values: NDArray[Any] | None, grads: NDArray[Any] | None, threads: int) -> float: ...
def risk(costs: NDArray[Any], p: NDArray[Any], mask: NDArray[np.uint8] | None, weight: NDArray[Any] | None, baseline: NDArray[Any] | None,
         expected: bool, alpha: float, factor: float, values: NDArray[Any], grads: NDArray[Any], threads: int) -> float: ...
def distances(a: NDArray[np.int64], a_starts: NDArray[np.int64], b: NDArray[np.int64], b_starts: NDArray[np.int64], out: NDArray[np.int64],
              threads: int) -> None: ...
