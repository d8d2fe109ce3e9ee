"""Gradients as they come in: checked against the parameters, so that the kernels can read them where they lie.

Used by fastopt.optimizers._update at every step, so a check costs some nanoseconds.  Knows nothing of rules.
"""
cimport numpy as cnp
from cpython.list cimport PyList_GET_ITEM
from libc.stdint cimport int64_t

import numpy as np

from fastopt._core.tables cimport kernels
from fastopt.exceptions import InvalidParameterError

cnp.import_array()


cdef class RowSparse:
    """A gradient of which only some rows are not zero, as those of embeddings are.

    Parameters
    ----------
    rows : array-like of int, shape (r,)
        The rows, in any order; values of a row that comes twice are added.
    values : ndarray of shape (r, …)
        Their gradients, of the dtype of the parameters.

    Raises
    ------
    ValueError, TypeError
        If rows are not integers, or if there are not as many values.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt.optimizers import SGD, RowSparse
    >>> w = np.zeros((3, 2))
    >>> SGD(w, lr=1.0).step(RowSparse([2, 0, 2], np.ones((3, 2))))
    >>> w
    array([[-1., -1.],
           [ 0.,  0.],
           [-2., -2.]])
    """
    def __init__(self, rows, values):
        rows, values = np.asarray(rows), np.ascontiguousarray(values)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" and rows.size:
            raise InvalidParameterError(f"rows must be a 1-dimensional array of integers, got {rows.dtype} of shape {rows.shape}")
        if values.ndim < 1 or values.shape[0] != rows.size:
            raise InvalidParameterError(f"values must have one entry a row, {rows.size}, got shape {values.shape}")
        rows = rows.astype(np.int64)
        if not (np.diff(rows) > 0).all():
            order = np.argsort(rows, kind="stable")
            rows, starts = np.unique(rows[order], return_index=True)
            values = np.add.reduceat(values[order], starts, axis=0)
        self.rows, self.values = (np.require(array, None, ["C", "A"]) for array in (rows, values))


cdef str name_of(const Arrays *a, Py_ssize_t i, str what):
    return what if a.n == 1 else f"{what}[{i}]"


cdef int take(Arrays *a, list params, grads, bint lazy) except -1:
    """Check parameters and gradients, and point the arrays at them."""
    cdef Py_ssize_t i
    if type(grads) is not list:
        if (cnp.PyArray_Check(grads) or isinstance(grads, RowSparse)) and a.n == 1:
            grads = [grads]
        elif isinstance(grads, tuple):
            grads = list(grads)
        else:
            raise InvalidParameterError(f"grads must be {'an array' if a.n == 1 else 'a list of arrays'}, got {type(grads).__name__}"
                                        + ("; call it, and give its gradients" if callable(grads) else ""))
    if len(grads) != a.n:
        raise InvalidParameterError(f"grads must have one array for each of the {a.n} of params, got {len(grads)}")
    for i in range(a.n):
        _check_param(a, i, <cnp.ndarray>PyList_GET_ITEM(params, i))
    for i in range(a.n):   # an array is written where something has changed: other threads then need not fetch it anew
        grad = <object>PyList_GET_ITEM(grads, i)
        if a.at[i].absent != (grad is None):
            a.at[i].absent = grad is None
        if grad is None:
            a.at[i].g, a.at[i].n_rows = NULL, -1
        elif type(grad) is RowSparse:
            _take_rows(a, i, <cnp.ndarray>PyList_GET_ITEM(params, i), grad, lazy)
        else:
            _take_dense(a, i, <cnp.ndarray>PyList_GET_ITEM(params, i), grad)
    return 0


cdef int _check_param(Arrays *a, Py_ssize_t i, cnp.ndarray w) except -1:
    """It is still the array that it was: users may have resized it or taken the right to write away."""
    cdef Array *array = &a.at[i]
    if cnp.PyArray_SIZE(w) != array.n or <char *>cnp.PyArray_DATA(w) != array.w or not cnp.PyArray_ISWRITEABLE(w):
        raise InvalidParameterError(f"{name_of(a, i, 'params')} must be writeable and the memory that it was at construction, "
                                    f"{array.n} elements; got shape {np.shape(w)}, writeable: {w.flags.writeable}")
    if array.kernel != kernels(array.type == cnp.NPY_FLOAT32):
        array.kernel = kernels(array.type == cnp.NPY_FLOAT32)
    return 0


cdef int _take_dense(Arrays *a, Py_ssize_t i, cnp.ndarray w, grad) except -1:
    cdef Array *array = &a.at[i]
    cdef cnp.ndarray g
    cdef int k, dims = cnp.PyArray_NDIM(w)
    if not cnp.PyArray_Check(grad):
        raise InvalidParameterError(f"{name_of(a, i, 'grads')} must be an ndarray, got {type(grad).__name__}")
    g = grad
    cdef bint same = (cnp.PyArray_TYPE(g) == array.type and cnp.PyArray_NDIM(g) == dims and cnp.PyArray_ISALIGNED(g)
                      and (cnp.PyArray_IS_F_CONTIGUOUS(g) if array.fortran else cnp.PyArray_IS_C_CONTIGUOUS(g))
                      and cnp.PyArray_ISNOTSWAPPED(g))
    for k in range(dims if same else 0):
        same = same and cnp.PyArray_DIM(g, k) == cnp.PyArray_DIM(w, k)
    if not same:
        raise InvalidParameterError(
            f"{name_of(a, i, 'grads')} must be like its parameters: {w.dtype} of shape {np.shape(w)}, aligned and "
            f"{'F' if array.fortran else 'C'}-contiguous; got {g.dtype} of shape {np.shape(g)}"
            f"{'' if g.flags.forc else ', not contiguous'}{'' if g.flags.aligned else ', not aligned'}")
    if array.g != <const char *>cnp.PyArray_DATA(g) or array.n_rows != -1:
        array.g, array.n_rows = <const char *>cnp.PyArray_DATA(g), -1
    return _check_apart(a, i, array.n * array.size)


cdef int _take_rows(Arrays *a, Py_ssize_t i, cnp.ndarray w, RowSparse grad, bint lazy) except -1:
    cdef Array *array = &a.at[i]
    cdef cnp.ndarray values = grad.values, rows = grad.rows
    cdef tuple shape = np.shape(w)
    if not lazy:
        raise InvalidParameterError(f"{name_of(a, i, 'grads')} is row-sparse, which is not taken here: accumulate adds up whole "
                                    "arrays, and most rules move weights whose gradient is 0 too")
    if values.dtype != w.dtype or not shape or np.shape(values)[1:] != shape[1:] or array.fortran:
        raise InvalidParameterError(f"{name_of(a, i, 'grads')}.values must be {w.dtype} with rows of shape {shape[1:]} for "
                                    f"C-contiguous parameters, got {values.dtype} of shape {np.shape(values)}")
    if rows.size and (rows.min() < 0 or rows.max() >= shape[0]):
        raise InvalidParameterError(f"{name_of(a, i, 'grads')}.rows must lie in 0 … {shape[0] - 1}, got "
                                    f"{rows.min() if rows.min() < 0 else rows.max()}")
    array.g, array.n_rows = <const char *>cnp.PyArray_DATA(values), rows.size
    array.rows = <const int64_t *>cnp.PyArray_DATA(rows)
    array.width = array.n // max(1, <Py_ssize_t>shape[0])
    return _check_apart(a, i, array.n_rows * array.width * array.size)


cdef int _check_apart(Arrays *a, Py_ssize_t i, Py_ssize_t size) except -1:
    """Gradients must not lie in parameters, which a step changes under way: a search among their addresses."""
    cdef const char *g = a.at[i].g
    cdef Py_ssize_t low = 0, high = a.n, middle
    cdef Array *w
    if g == a.at[i].apart and size == a.at[i].apart_size:
        return 0   # as in the step before: parameters stay where they are
    while low < high:   # the first whose end is behind the start of g
        middle = (low + high) // 2
        w = &a.at[a.by_address[middle]]
        if w.w + w.n * w.size > g:
            high = middle
        else:
            low = middle + 1
    if low < a.n and a.at[a.by_address[low]].w < g + size:
        raise InvalidParameterError(f"{name_of(a, i, 'grads')} must not share memory with "
                                    f"{name_of(a, a.by_address[low], 'params')}")
    a.at[i].apart, a.at[i].apart_size = g, size
    return 0
