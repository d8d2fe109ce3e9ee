"""Arrays whose memory is aligned for the kernels.  Used by everything that holds weights."""
cimport numpy as cnp

import numpy as np

cnp.import_array()


def aligned(shape, dtype):
    """Zeros whose first element lies on a 64-byte boundary."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    cdef cnp.ndarray raw = np.zeros(size + 64, dtype=np.uint8)
    start = -<size_t>cnp.PyArray_DATA(raw) % 64
    return raw[start:start + size].view(dtype).reshape(shape)
