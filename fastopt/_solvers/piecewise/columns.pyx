"""Dense columns brought to a common origin and scale, in place: their sizes, shifts and sums, each in one reading.

Used by _solvers/piecewise/design.py.
"""


def enlarge(const double[:, ::1] x, double[::1] most):
    """Raise `most` to the largest magnitude in each column.

    Parameters
    ----------
    x : ndarray of shape (n, d)
    most : ndarray of shape (d,)
    """
    cdef Py_ssize_t i, j, d = x.shape[1]
    cdef double size
    _same(d, most)
    with nogil:
        for i in range(x.shape[0]):
            for j in range(d):
                size = x[i, j] if x[i, j] >= 0 else -x[i, j]
                most[j] = size if size > most[j] else most[j]


def move(double[:, ::1] x, const double[::1] factor, const double[::1] shift):
    """x ← x·factor − shift, column by column.

    Parameters
    ----------
    x : ndarray of shape (n, d)
    factor, shift : ndarray of shape (d,)
    """
    cdef Py_ssize_t i, j, d = x.shape[1]
    _same(d, factor)
    _same(d, shift)
    with nogil:
        for i in range(x.shape[0]):
            for j in range(d):
                x[i, j] = x[i, j] * factor[j] - shift[j]


def add_up(const double[:, ::1] x, bint squares, double[::1] to):
    """to += the sums of the columns, or of their squares.

    Parameters
    ----------
    x : ndarray of shape (n, d)
    squares : bool
    to : ndarray of shape (d,)
    """
    cdef Py_ssize_t i, j, d = x.shape[1]
    _same(d, to)
    with nogil:
        for i in range(x.shape[0]):
            for j in range(d):
                to[j] += x[i, j] * x[i, j] if squares else x[i, j]


cdef int _same(Py_ssize_t d, const double[::1] vector) except -1:
    if vector.shape[0] != d:
        raise ValueError(f"expected {d} numbers, got {vector.shape[0]}")
    return 0
