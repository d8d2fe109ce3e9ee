"""Types of the compiled module _samples.order."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix

TARGET_TYPES: tuple[type, ...]

class Samples:
    block_rows: int
    train_count: int
    def __init__(self, X: Matrix, y: NDArray[Any], k: int, negative: float = 0, weight: NDArray[Any] | None = None,
                 held_out: NDArray[Any] | None = None, shuffle: bool = True, seed: int = 0, threads: int = 1,
                 block_rows: int = 0, replace: bool = False) -> None: ...
    def has_ordinary_numbers(self) -> bool: ...

def shuffled(n: int, seed: int, epochs: int = 1) -> NDArray[Any]: ...
