"""The step of optimizer="auto" at the end of a batch: every thread steps its columns, and the intercepts for itself.

Used by _sgd/auto/run.pyx, in the threads of the loop.  The mathematics is csrc/sgd/auto.h.  CSR rows have one thread, and steps of the
columns that a batch touches alone.
"""
from libc.string cimport memset

from fastopt._core.tables cimport fo_chunk, kernels


cdef void step_batch(const RowBlock *block, AutoWeights *weights, AutoStepper *stepper, const ThreadState *thread) noexcept nogil:
    """Step the columns of a thread, and the intercepts."""
    cdef const fo_chunk *chunk = &thread.chunk
    cdef Py_ssize_t k = chunk.k, d = block.X.d, j, at, first = chunk.begin * block.width
    cdef Py_ssize_t n = min(chunk.end * block.width, d) - first, itemsize = block.itemsize
    if weights.sparse:
        block.kernels.auto_columns(&stepper.auto, weights.n_touched, weights.touched, weights.seen, weights.inverse, weights.g,
                                   &weights.columns)
        weights.n_touched = 0
    else:
        for j in range(k):
            at = (j * d + first) * itemsize
            block.kernels.auto_dense(&stepper.auto, j, n, weights.inverse + first * itemsize, weights.g + at,
                                     <char *>weights.columns.V + at, <char *>weights.columns.w + at, <char *>weights.columns.mean + at)
    if weights.intercept:
        kernels(False).auto_intercepts(&stepper.auto, stepper.b + 3 * k, stepper.b + k, stepper.b, stepper.b + 2 * k)
    memset(stepper.b + 3 * k, 0, k * sizeof(double))
    stepper.auto.t += 1
