"""Types of the compiled module _core.own_loss."""
from typing import TypeAlias

from scipy import LowLevelCallable

#: kind and two parameters, and a function that a user wrote
LossSpec: TypeAlias = tuple[int, float, float] | tuple[int, float, float, "OwnLoss"]

SIGNATURES: tuple[str, str]
SLOPE_SIGNATURES: tuple[str, str]

class OwnLoss:
    def __init__(self, function: LowLevelCallable, slope: LowLevelCallable | None = None) -> None: ...
