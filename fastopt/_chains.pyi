"""Types of the compiled module _chains."""
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core import Matrix

class Chains:
    t: float
    n_iter: int
    diverged: bool
    stopped: bool
    def run(self, max_iter: int, tol: float | None = None, n_iter_no_change: int = 5,
            on_epoch: Callable[[Any], Any] | None = None) -> int: ...
    def finish(self, j: int) -> None: ...
    @property
    def losses_seen(self) -> NDArray[np.float64]: ...

def rows_of(X: Matrix) -> Matrix: ...
def source_of(X: Matrix) -> Any: ...
def row_squares(X: Matrix) -> NDArray[np.float64]: ...
