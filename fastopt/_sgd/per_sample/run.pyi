"""Types of the compiled module _sgd."""
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples

from .touched import Rest

class Run:
    t: float
    n_iter: int
    diverged: bool
    stopped: bool
    rest: Rest | None
    def __init__(self, X: Matrix, samples: Samples, loss: tuple[int, float, float], penalty: tuple[int, float, float],
                 schedule: tuple[int, float, float, float], coef: NDArray[Any], intercept: NDArray[Any],
                 coef_avg: NDArray[Any] | None = None, intercept_avg: NDArray[Any] | None = None,
                 class_weight: NDArray[Any] | None = None, t: float = 1, fit_intercept: bool = True,
                 one_class: bool = False, average: float = 0, threads: int = 1, columns: NDArray[Any] | None = None,
                 owned: bool = False, judged: bool = True) -> None: ...
    def run(self, max_iter: int, tol: float | None = None, n_iter_no_change: int = 5,
            on_epoch: Callable[[Run], Any] | None = None) -> int: ...
    @property
    def learning(self) -> bool: ...
    @property
    def loss(self) -> float: ...
    @property
    def loss_curve(self) -> list[float]: ...
    @property
    def learning_rate(self) -> float: ...
    def snapshot(self) -> Any: ...
    def wide(self, snapshot: Any, places: Any = None) -> list[Any]: ...
    def weights(self, last: bool = False, places: Any = None) -> list[Any]: ...
