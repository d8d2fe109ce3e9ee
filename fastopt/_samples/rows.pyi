"""Types of the compiled module _samples.rows."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core.tables import Matrix

def rows_of(X: Matrix) -> Matrix: ...
def source_of(X: Matrix) -> Any: ...
def row_squares(X: Matrix) -> NDArray[np.float64]: ...
