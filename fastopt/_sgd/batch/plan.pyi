"""Types of _sgd/batch/plan.pyx."""
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

def rates_of(schedule: Callable[[int], float], step: int, n: int) -> NDArray[np.float64]: ...
