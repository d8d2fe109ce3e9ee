"""Types of the compiled module _samples.epochs."""
from collections.abc import Callable
from typing import Any

class EpochLoop:
    t: float
    n_iter: int
    diverged: bool
    stopped: bool
    look: Callable[[], object] | None
    def run(self, max_iter: int, tol: float | None = None, n_iter_no_change: int = 5,
            on_epoch: Callable[[Any], Any] | None = None) -> int: ...
    @property
    def learning(self) -> bool: ...
    @property
    def loss(self) -> float: ...
    @property
    def loss_curve(self) -> list[float]: ...
