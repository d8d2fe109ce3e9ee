"""Types of the compiled module _sgd.per_sample.predict."""
from typing import Any

from numpy.typing import NDArray

from fastopt._core.tables import Matrix

def predict(X: Matrix, coef: Any, intercept: Any, rows: NDArray[Any] | None = None,
            threads: int = 1) -> NDArray[Any]: ...
