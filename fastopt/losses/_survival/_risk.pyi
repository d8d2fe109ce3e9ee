"""Types of the compiled module losses._survival._risk."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

def cox(efron: bool, time: NDArray[np.float64], event: NDArray[np.uint8], p: NDArray[Any], weight: NDArray[np.float64],
        v: NDArray[np.float64] | None,
        starts: NDArray[np.int64], losses: NDArray[np.float64] | None, grads: NDArray[np.float64] | None, product: NDArray[np.float64] | None,
        diagonal: NDArray[np.float64] | None) -> None: ...
def concordance(time: NDArray[np.float64], event: NDArray[np.uint8], p: NDArray[Any]) -> tuple[int, int, int]: ...
