"""The arrays that an epoch of training changes, and copies of them."""

ctypedef struct SavedArray:
    void *array        # that training changes
    void *copy         # what it held when the snapshot was taken; NULL: none was taken yet
    size_t n_bytes
    int itemsize       # bytes of a number; 0: the elements are structs


cdef class Snapshot:
    cdef list arrays
    cdef SavedArray *saved
    cdef Py_ssize_t n

    cdef int add(self, array) except -1
    cdef int take(self) except -1 nogil
    cdef void restore(self) noexcept nogil
    cdef bint all_finite(self) noexcept nogil
