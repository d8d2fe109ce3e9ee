"""Types of _hessian.pyx."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._objective import Objective

def sums(o: Objective, w: NDArray[np.float64], a: int = 0, b: int = 0, gradient: bool = False) -> NDArray[np.float64]: ...
def hessian(o: Objective, w: NDArray[Any], whole: bool = True) -> NDArray[np.float64]: ...
