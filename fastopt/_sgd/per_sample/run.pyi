"""Types of the compiled module _sgd.per_sample.run."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.epochs import EpochLoop
from fastopt._samples.order import Samples
from fastopt._sgd.settings import FitSettings, Start

from .touched_columns import UntouchedColumns

class PerSampleRun(EpochLoop):
    untrained: UntouchedColumns | None
    def __init__(self, X: Matrix, samples: Samples, settings: FitSettings, start: Start, class_weight: NDArray[Any] | None = None,
                 columns: NDArray[Any] | None = None) -> None: ...
    @property
    def learning_rate(self) -> float: ...
    def trained_weights(self) -> Any: ...
    def all_weights(self, trained: Any, places: Any = None) -> list[Any]: ...
    def weights(self, last: bool = False, places: Any = None) -> list[Any]: ...
