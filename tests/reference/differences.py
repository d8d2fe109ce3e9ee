"""Central differences: what a gradient is held against.  Never imports fastopt."""
import numpy as np


def central(value, p, step=1e-6):
    """The derivative of value(p) in each element of p."""
    found = np.empty_like(p)
    for index in np.ndindex(p.shape):
        e = np.zeros_like(p)
        e[index] = step
        found[index] = (value(p + e) - value(p - e)) / (2 * step)
    return found
