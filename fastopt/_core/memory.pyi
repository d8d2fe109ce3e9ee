"""Types of the compiled module _core.memory."""
from typing import Any

from numpy.typing import DTypeLike, NDArray

def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]: ...
