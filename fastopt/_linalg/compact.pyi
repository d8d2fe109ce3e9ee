"""Types of the compiled module _linalg.compact."""
from typing import Any

from numpy.typing import ArrayLike, NDArray

from .lbfgs import History

class Model:
    theta: float
    scale: NDArray[Any]
    inverse: NDArray[Any]
    def __init__(self, history: History) -> None: ...
    def update(self) -> bool: ...
    def w(self, v: ArrayLike) -> NDArray[Any]: ...
    def free_gram(self, free: NDArray[Any]) -> NDArray[Any]: ...
