"""Types of the compiled module losses._sequences._transducer."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARALLEL_FROM: int

def evaluate(p: NDArray[Any], frames: NDArray[np.int64], labels: NDArray[np.int32], starts: NDArray[np.int64], blank: int,
             factors: NDArray[np.float64], losses: NDArray[np.float64], grads: NDArray[Any] | None, threads: int) -> None: ...
