"""Types of the compiled module objective._line."""
from typing import Any

from numpy.typing import ArrayLike, NDArray

from ._objective import Objective

class Line:
    w: NDArray[Any]
    direction: NDArray[Any]
    def __init__(self, objective: Objective, w: ArrayLike, direction: ArrayLike) -> None: ...
    def __call__(self, step: float) -> tuple[float, float]: ...
    def accept(self, step: float) -> NDArray[Any]: ...
