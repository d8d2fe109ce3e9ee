"""Types of the compiled module _samples.shuffle."""
import numpy as np
from numpy.typing import NDArray

def shuffle(rng: np.random.RandomState, order: NDArray[np.int64]) -> None: ...
