"""Types of the compiled module _auto."""
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples

Array = NDArray[Any]

class AutoRun:
    t: float
    n_iter: int
    diverged: bool
    stopped: bool
    rest: Any
    def __init__(self, X: Matrix, samples: Samples, loss: tuple[int, float, float], weights: list[Array], intercepts: Array,
                 steps: int, sizes: Any, inverse: Array, centre: Array | None, rate: Array, l2: Array, slope: Array,
                 scale: Array, l1: float = 0, limits: Array | None = None, softmax: bool = False,
                 class_weight: Array | None = None, fit_intercept: bool = True, threads: int = 1) -> None: ...
    def run(self, max_iter: int, tol: float | None = None, n_iter_no_change: int = 5,
            on_epoch: Callable[[Any], Any] | None = None) -> int: ...
    @property
    def learning(self) -> bool: ...
    @property
    def loss(self) -> float: ...
    @property
    def loss_curve(self) -> list[float]: ...
    def wide(self, snapshot: Any, places: Any = None) -> list[Any]: ...
    def weights(self, last: bool = False, places: Any = None) -> list[Any]: ...
    @property
    def intercepts(self) -> Array: ...
    @property
    def steps(self) -> int: ...
