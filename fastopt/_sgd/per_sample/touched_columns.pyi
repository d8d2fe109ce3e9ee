"""Types of the compiled module _sgd.per_sample.touched_columns."""
from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix

PER_VALUE: int
BEHIND: int

def narrow(X: Matrix) -> tuple[NDArray[Any], Matrix] | None: ...

def renumbered(X: Matrix, numbers: NDArray[Any], d: int) -> Matrix: ...

def located(columns: NDArray[Any], among: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]: ...

class UntouchedColumns:
    def places(self, among: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...

def assign(attributes: dict[str, Any], found: dict[str, Any], passing: Iterable[str],
           untrained: UntouchedColumns | None, before: dict[str, Any]) -> None: ...
