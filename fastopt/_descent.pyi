"""Types of the compiled module _descent."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._core import Matrix
from ._penalties import Regularizer

Vector = NDArray[np.float64]

class Columns:
    n: int
    m: int
    is_float: bool
    is_sparse: bool
    mean: NDArray[Any] | None
    def __init__(self, X: Matrix, columns: NDArray[Any], rows: NDArray[Any] | None = None, stored: NDArray[Any] | None = None,
                 turned: bool = False, standard: tuple[NDArray[Any], NDArray[Any]] | None = None, centred: bool = False) -> None: ...
    @property
    def stored(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def moments(self, e: NDArray[Any] | None, D: NDArray[Any] | None, factor: float, threads: int = 1) -> tuple[Vector, Vector, Vector]: ...
    def gram(self, D: NDArray[Any] | None, factor: float, threads: int = 1) -> Vector: ...
    def products(self, delta: Vector, out: NDArray[Any]) -> None: ...
    def descend(self, penalty: Regularizer, w: Vector, s: NDArray[Any], D: NDArray[Any] | None, factor: float, l2: float, total: float,
                h: Vector | None, shift: float, square: Vector, tol: float, history: Vector) -> tuple[int, float]: ...

def stored_values(X: Matrix, rows: NDArray[Any] | None = None) -> NDArray[Any] | None: ...
