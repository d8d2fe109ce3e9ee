"""Types of the compiled module _solvers.piecewise.columns."""
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def enlarge(x: Array, most: Array) -> None: ...
def move(x: Array, factor: Array, shift: Array) -> None: ...
def add_up(x: Array, squares: bool, to: Array) -> None: ...
