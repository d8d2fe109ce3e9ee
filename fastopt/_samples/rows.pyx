"""The rows of X as solvers over samples read them: in a type of computation, their arrays, their squared norms.

Used by the solvers that take samples one after the other, and by the Hessian.
"""
import numpy as np

from fastopt._core.tables cimport FO_REAL, Matrix
from fastopt._samples.order cimport Samples


def rows_of(Matrix X):
    """X as these solvers read it: X itself, or a float32 copy where its elements are smaller."""
    return X if X.c.element == FO_REAL else Matrix(np.asarray(X.keep, dtype=np.float32))


def source_of(Matrix X):
    """The arrays that X reads: an ndarray, or data, indices and offsets of CSR rows."""
    return X.keep


def row_squares(Matrix X):
    """Squared norms of the rows of X: ndarray of shape (n,)."""
    cdef Samples samples = Samples(X, np.zeros(X.n, dtype=X.dtype), 1, shuffle=False)
    cdef double[::1] part = np.empty(samples.block_rows), squares = np.empty(X.n)
    cdef Py_ssize_t n, i
    with nogil:
        samples.start()
        n = samples.next_block()
        while n > 0:
            samples.kernels.chains.squares(&samples.matrix, n, samples.kernel_rows, &part[0])
            for i in range(n):
                squares[samples.rows[i]] = part[i]
            n = samples.next_block()
    return np.asarray(squares)
