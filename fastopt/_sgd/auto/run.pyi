"""Types of the compiled module _sgd.auto.run."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples
from fastopt._sgd.batch.loop import BatchLoop
from fastopt._sgd.settings import FitSettings

from .units import Units

Array = NDArray[Any]

class AutoRun(BatchLoop):
    def __init__(self, X: Matrix, samples: Samples, settings: FitSettings, weights: list[Array], intercepts: Array, steps: int,
                 units: Units, class_weight: Array | None = None) -> None: ...
    @property
    def intercepts(self) -> Array: ...
    @property
    def steps(self) -> int: ...
