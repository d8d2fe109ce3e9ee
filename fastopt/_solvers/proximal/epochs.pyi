"""Types of the compiled module _quadratic."""
import numpy as np
from numpy.typing import NDArray

from fastopt.penalties._regularizer import Regularizer

Vector = NDArray[np.float64]

def extrapolated(points: Vector) -> Vector | None: ...
def minimize_quadratic(penalty: Regularizer, H: Vector, g: Vector, w: Vector, tol: float, value: float = ...,
                       gap: float = -1) -> int: ...
