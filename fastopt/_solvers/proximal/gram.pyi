"""Types of the compiled module _solvers.proximal.gram."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Columns

def gram(columns: Columns, D: NDArray[Any] | None, factor: float, threads: int = 1,
         known: NDArray[np.float64] | None = None) -> NDArray[np.float64]: ...
