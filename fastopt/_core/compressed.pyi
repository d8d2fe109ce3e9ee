"""Types of the compiled module _core.compressed."""
from typing import Any

from numpy.typing import NDArray

def check_compressed(indptr: NDArray[Any], indices: NDArray[Any], n: int, d: int, stored: int, *, looks: bool = True,
                     words: str = "columns") -> bool: ...
