"""Types of the compiled module _core.tables."""
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOSS_NAMES: tuple[str, ...]
COUPLED_LOSS_NAMES: tuple[str, ...]
OWN_LOSS_TARGETS: tuple[str, ...]
KIND_TARGETS: tuple[str, ...]
LIKELIHOOD_NAMES: tuple[str, ...]
ACTIVATION_NAMES: tuple[str, ...]
ACTIVATIONS_OF_INPUT: tuple[str, ...]
LOSS_TARGETS: dict[str, str]
PENALTY_NAMES: tuple[str, ...]
PENALTY_PLACES: dict[str, str]
SCHEDULE_NAMES: tuple[str, ...]
RULE_NAMES: tuple[str, ...]
RULE_STATES: dict[str, int]
SGD_SCHEDULE_NAMES: tuple[str, ...]

def isa() -> str: ...
def available_isas() -> list[str]: ...
def set_isa(name: str) -> None: ...
def all_finite(array: NDArray[Any]) -> bool: ...

class Matrix:
    is_float: bool
    n: int
    d: int
    row_size: float
    def __init__(self, X: Any, small: bool = False, *, checked: bool = False) -> None: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def is_sparse(self) -> bool: ...
    @property
    def arrays(self) -> Any: ...
