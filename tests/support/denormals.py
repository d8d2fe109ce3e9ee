"""Numbers below the smallest of full precision, and whether a thread has them."""
import numpy as np

SMALL = {np.float32: 1e-40, np.float64: 1e-310}


def denormals_count():
    """Whether this thread has numbers below the smallest of full precision."""
    return all(float(np.asarray(small, dtype) * dtype(0.5)) != 0 for dtype, small in SMALL.items())
