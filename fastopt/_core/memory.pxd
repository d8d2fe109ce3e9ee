"""Where the elements of an array lie, for structs that point into it."""
cimport numpy as cnp


cdef inline void *address(array):
    """The first element; NULL for None."""
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray>array)
