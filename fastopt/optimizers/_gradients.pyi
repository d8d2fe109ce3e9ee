"""Types of the compiled module _gradients."""
from typing import Any

from numpy.typing import ArrayLike, NDArray

class RowSparse:
    rows: NDArray[Any]
    values: NDArray[Any]
    def __init__(self, rows: ArrayLike, values: ArrayLike) -> None: ...
