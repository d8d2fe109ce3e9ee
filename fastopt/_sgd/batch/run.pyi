"""Types of the compiled module _batch."""
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples
from fastopt.optimizers._update import Update

class BatchRun:
    optimizer: Update
    t: float
    n_iter: int
    diverged: bool
    stopped: bool
    rest: Any
    def __init__(self, X: Matrix, samples: Samples, loss: tuple[int, float, float], optimizer: Update, sizes: Any,
                 rates: tuple[int, float, float, float] | Callable[[int], float], penalty: tuple[float, float] = (0.0, 0.0),
                 softmax: bool = False, averages: tuple[NDArray[Any], NDArray[Any]] | None = None, average: float = 0,
                 class_weight: NDArray[Any] | None = None, t: float = 1, fit_intercept: bool = True,
                 threads: int = 1, hogwild: bool = False) -> None: ...
    def run(self, max_iter: int, tol: float | None = None, n_iter_no_change: int = 5,
            on_epoch: Callable[[BatchRun], Any] | None = None) -> int: ...
    @property
    def learning(self) -> bool: ...
    @property
    def loss(self) -> float: ...
    @property
    def loss_curve(self) -> list[float]: ...
    @property
    def learning_rate(self) -> float: ...
    def snapshot(self) -> list[Any]: ...
    def wide(self, snapshot: Any, places: Any = None) -> list[Any]: ...
    def weights(self, last: bool = False, places: Any = None) -> list[Any]: ...
