"""Types of the compiled module _linalg.factor."""
from typing import Any

from numpy.typing import NDArray

class Factor:
    scale: NDArray[Any]
    damping: float
    def __init__(self, hessian: NDArray[Any]) -> None: ...
    def solve(self, g: NDArray[Any]) -> NDArray[Any]: ...
