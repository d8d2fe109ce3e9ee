"""What an epoch of training changes, and the copies from before it.  Used by the loops over epochs: a run that diverges puts back
what the last good epoch left."""
cimport numpy as cnp
from libc.string cimport memcpy

from fastopt._core.tables cimport kernels

ctypedef struct Kept:
    void *live     # an array that training changes
    void *copy     # what it was when the epoch began
    size_t bytes   # 0: there is none
    int item       # bytes of a number in it; 0: it is not one of numbers


cdef inline void *address(array):
    """Where an array's elements lie; NULL without one."""
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray>array)


cdef inline void keep(Kept *kept, int n, bint back) noexcept nogil:
    """Copy n arrays, or put them back."""
    cdef int i
    for i in range(n):
        if kept[i].bytes > 0:
            memcpy(kept[i].live if back else kept[i].copy, kept[i].copy if back else kept[i].live, kept[i].bytes)


cdef inline bint all_finite(const Kept *kept, int n) noexcept nogil:
    """Whether all numbers in n arrays are."""
    cdef int i
    for i in range(n):
        if kept[i].bytes > 0 and kept[i].item > 0 and not kernels(kept[i].item == 4).all_finite(
                kept[i].bytes // kept[i].item, kept[i].live):
            return False
    return True
