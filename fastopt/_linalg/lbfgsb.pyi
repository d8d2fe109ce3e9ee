"""Types of the compiled module _linalg.lbfgsb."""
from typing import Any

from numpy.typing import NDArray

from .compact import Model

def longest_step(x: NDArray[Any], direction: NDArray[Any], lower: NDArray[Any], upper: NDArray[Any]) -> float: ...

class BoundedSteps:
    def __init__(self, model: Model) -> None: ...
    def step(self, x: NDArray[Any], g: NDArray[Any], lower: NDArray[Any], upper: NDArray[Any], out: NDArray[Any]) -> None: ...
    def cauchy(self, x: NDArray[Any], g: NDArray[Any], lower: NDArray[Any], upper: NDArray[Any], times: NDArray[Any],
               out: NDArray[Any]) -> None: ...
