"""Types of the compiled module _sgd.batch.run."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix
from fastopt._samples.order import Samples
from fastopt._sgd.settings import FitSettings, Start
from fastopt.optimizers._update import Update

from .loop import BatchLoop

class BatchRun(BatchLoop):
    optimizer: Update
    def __init__(self, X: Matrix, samples: Samples, settings: FitSettings, start: Start, optimizer: Update,
                 averages: tuple[NDArray[Any], NDArray[Any]] | None = None, class_weight: NDArray[Any] | None = None) -> None: ...
    @property
    def learning_rate(self) -> float: ...
