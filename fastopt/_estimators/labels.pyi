"""Types of the compiled module linear_model._shared.labels."""
from typing import Any

from numpy.typing import NDArray

def whole_numbers(y: NDArray[Any]) -> NDArray[Any] | None: ...
def codes_of(y: NDArray[Any], classes: NDArray[Any], codes: NDArray[Any], counts: NDArray[Any]) -> bool: ...
