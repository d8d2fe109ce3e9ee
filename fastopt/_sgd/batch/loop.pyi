"""Types of the compiled module _sgd.batch.loop."""
from typing import Any

from fastopt._samples.epochs import EpochLoop
from fastopt._sgd.per_sample.identical_columns import IdenticalColumns

class BatchLoop(EpochLoop):
    untrained: IdenticalColumns | None
    def trained_weights(self) -> list[Any]: ...
    def all_weights(self, trained: list[Any], places: Any = None) -> list[Any]: ...
    def weights(self, last: bool = False, places: Any = None) -> list[Any]: ...
