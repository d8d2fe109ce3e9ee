"""Types of the compiled module losses._returns."""
from typing import Any

from numpy.typing import NDArray

def discounted(rewards: NDArray[Any], ends: NDArray[Any], last: NDArray[Any], discount: float, out: NDArray[Any]) -> None: ...
def better_than_expected(rewards: NDArray[Any], values: NDArray[Any], ends: NDArray[Any], last: NDArray[Any], discount: float, trace: float,
                         out: NDArray[Any]) -> None: ...
