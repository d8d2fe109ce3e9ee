"""Types of the compiled module _samples.statistics."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix

Vector = NDArray[Any]

class Reader:
    count: int
    total: float
    def __init__(self, X: Matrix, weight: Vector | None = None, skip: Vector | None = None) -> None: ...
    def first(self) -> Vector: ...
    def learn(self, origin: Vector, mean: Vector, sum1: Vector, sum2: Vector, before: float, centred: bool) -> None: ...
    def means(self, origin: Vector) -> Vector: ...
    def squares(self, centre: Vector) -> Vector: ...
