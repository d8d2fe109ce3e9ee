"""Types of the compiled module _sgd.batch.columns."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix

def block_columns(d: int, is_float: bool) -> int: ...
def columns_ascend(X: Matrix) -> bool: ...
def column_bounds(X: Matrix, parts: int, k: int, rows: float) -> NDArray[Any]: ...
