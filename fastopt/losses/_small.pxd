"""Few samples in arrays as they are: what can be told of them without the checks of Python, which take longer than the loss.

Used by the loops over samples, each of which has a way for these: a call that looks at nothing else, gives the bits of the ordinary way, and
None where that one has to look.
"""
cimport numpy as cnp

cdef enum:
    SMALL = 4096   # elements: one block of every loop


cdef inline int float_type(object array) noexcept:
    """Its type, if it is an array of floats; else NPY_VOID, which nothing here is."""
    cdef int type_ = cnp.PyArray_TYPE(<cnp.ndarray>array) if cnp.PyArray_CheckExact(array) else cnp.NPY_VOID
    return type_ if type_ == cnp.NPY_FLOAT or type_ == cnp.NPY_DOUBLE else cnp.NPY_VOID


cdef inline bint is_small(object array, int type_) noexcept:
    """Whether it is an array of that type that one block takes, in C order, aligned, not empty."""
    return (cnp.PyArray_CheckExact(array) and cnp.PyArray_TYPE(<cnp.ndarray>array) == type_ and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>array)
            and 0 < cnp.PyArray_SIZE(<cnp.ndarray>array) <= SMALL)


cdef inline bint is_like(object array, int type_, cnp.ndarray other) noexcept:
    """The same, and of the shape of another one."""
    return is_small(array, type_) and cnp.PyArray_SAMESHAPE(<cnp.ndarray>array, other)


cdef inline const void *data(object array) noexcept:
    """Its elements; NULL of None."""
    return NULL if array is None else <const void *>cnp.PyArray_DATA(<cnp.ndarray>array)


cdef inline cnp.ndarray like(cnp.ndarray array):
    """A new array of its shape and type."""
    return cnp.PyArray_EMPTY(array.ndim, array.shape, cnp.PyArray_TYPE(array), 0)
