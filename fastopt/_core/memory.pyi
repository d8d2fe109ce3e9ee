"""Types of the compiled module _memory."""
from typing import Any

from numpy.typing import DTypeLike, NDArray

def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]: ...
