"""Types of the compiled module losses._ranking._queries."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARALLEL_FROM: int
KINDS: dict[str, int]

def evaluate(spec: tuple[int, float, int, int, int], y: NDArray[Any], p: NDArray[Any], starts: NDArray[np.int64], factors: NDArray[np.float64],
             losses: NDArray[np.float64] | None, grads: NDArray[Any] | None, threads: int) -> None: ...
def ndcg(spec: tuple[int, float, int, int, int], y: NDArray[Any], p: NDArray[Any], starts: NDArray[np.int64], gains: NDArray[np.float64],
         threads: int) -> None: ...
