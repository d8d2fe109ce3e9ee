"""Types of the compiled module _update."""
from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

class Update:
    size: int
    skipped: int
    lazy: bool
    collected: list[Array | None]
    count: int
    params: list[Array]
    states: list[list[Array | None]]
    carries: list[list[float]]
    began: list[int]
    behind: list[list[float]]
    @property
    def t(self) -> int: ...
    def _setup(self, params: list[Array], groups: list[int], states: Sequence[Sequence[Array | None]],
               rules: list[tuple[dict[str, Any], float | Callable[[int], float]]], carries: list[list[float]], *,
               n_threads: int | None = ..., lazy: bool = ..., packing: int = ..., factored: bool = ...,
               matrix_step: bool = ..., one_clock: bool = ..., began: list[int] | None = ...) -> None: ...
    def _collect(self, sums: list[Array | None] | None, count: int) -> None: ...
    def set_bounds(self, clip_norm: float, clip_global_norm: float, maximize: bool, nonfinite: str) -> None: ...
    def set_counters(self, t: int, skipped: int) -> None: ...
    def set_rule(self, group: int, fields: dict[str, Any], rate: float | Callable[[int], float]) -> None: ...
    def accumulate(self, grads: Any) -> None: ...
    def step(self, grads: Any = ...) -> None: ...
    def step_matrices(self) -> int: ...
