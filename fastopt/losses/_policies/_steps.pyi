"""Types of the compiled module losses._policies._steps."""
from typing import Any

from numpy.typing import NDArray

PARALLEL_FROM: int

def categorical(actions: NDArray[Any], p: NDArray[Any], advantages: NDArray[Any] | None, old: NDArray[Any] | None, weight: NDArray[Any] | None,
                clip: float, entropy: float, factor: float, values: NDArray[Any] | None, grads: NDArray[Any] | None,
                threads: int) -> float | None: ...
def normal(actions: NDArray[Any], mean: NDArray[Any], log_std: NDArray[Any], advantages: NDArray[Any] | None, old: NDArray[Any] | None,
           weight: NDArray[Any] | None, clip: float, entropy: float, factor: float, values: NDArray[Any] | None, g_mean: NDArray[Any] | None,
           g_log_std: NDArray[Any] | None, threads: int) -> float | None: ...
def value_function(spec: tuple[int, float, float], y: NDArray[Any], p: NDArray[Any], old: NDArray[Any] | None, weight: NDArray[Any] | None,
                   clip: float, factor: float, values: NDArray[Any] | None, grads: NDArray[Any] | None, threads: int) -> float: ...
def q_values(spec: tuple[int, float, float], actions: NDArray[Any], p: NDArray[Any], rewards: NDArray[Any], ends: NDArray[Any],
             next: NDArray[Any], chooser: NDArray[Any], weight: NDArray[Any] | None, discount: float, factor: float,
             values: NDArray[Any] | None, grads: NDArray[Any] | None, errors: NDArray[Any] | None, threads: int) -> float | None: ...
def discounted(rewards: NDArray[Any], ends: NDArray[Any], last: NDArray[Any], discount: float, out: NDArray[Any]) -> None: ...
def advantages(rewards: NDArray[Any], values: NDArray[Any], ends: NDArray[Any], last: NDArray[Any], discount: float, trace: float,
               out: NDArray[Any]) -> None: ...
