"""Types of the compiled module _linalg.lbfgs."""
from typing import Any

from numpy.typing import DTypeLike, NDArray

def dot(a: NDArray[Any], b: NDArray[Any]) -> float: ...
def largest(a: NDArray[Any]) -> float: ...

class History:
    pairs: NDArray[Any]
    count: int
    first: int
    appended: int
    size: int
    yy: float
    newest_sy: float
    def __init__(self, size: int, d: int, dtype: DTypeLike) -> None: ...
    def clear(self) -> None: ...
    def append(self, x1: NDArray[Any], x0: NDArray[Any], g1: NDArray[Any], g0: NDArray[Any]) -> bool: ...
    def direction(self, g: NDArray[Any], out: NDArray[Any]) -> None: ...
