"""Types of the compiled module chains."""
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
