"""Types of the compiled module _walk."""
import numpy as np
from numpy.typing import NDArray

from fastopt.penalties._regularizer import Regularizer

Vector = NDArray[np.float64]

DONE: int
ROUNDS_OVER: int
ROUNDING: int

class Walk:
    def __init__(self, w: Vector, g: Vector, square: float, H: Vector | None = None, X: Vector | None = None,
                 y: Vector | None = None) -> None: ...
    def solve(self, penalty: Regularizer, l2: float, sparse: bool, gaps: bool, tol: float,
              max_iter: int) -> tuple[float, float, float, int, int]: ...
