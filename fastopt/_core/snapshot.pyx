"""The arrays that an epoch of training changes, and copies of them: an epoch that diverges is undone.

Used by the loops over epochs (_samples/epochs.pyx) and their subclasses, which add their arrays.  Knows nothing of what the arrays mean.
"""
cimport numpy as cnp
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from fastopt._core.memory cimport address
from fastopt._core.tables cimport kernels

cnp.import_array()


cdef class Snapshot:
    """Arrays that change, and what they held when the snapshot was last taken."""

    def __cinit__(self):
        self.arrays = []

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.n):
            free(self.saved[i].copy)
        free(self.saved)

    cdef int add(self, array) except -1:
        """One more array, of floats or of structs, which stays where it is; None adds nothing."""
        cdef SavedArray *saved
        if array is None:
            return 0
        saved = <SavedArray *>realloc(self.saved, (self.n + 1) * sizeof(SavedArray))
        if saved == NULL:
            raise MemoryError
        self.saved = saved
        self.saved[self.n] = SavedArray(address(array), NULL, array.nbytes, array.itemsize if array.dtype.kind == "f" else 0)
        self.arrays.append(array)
        self.n += 1
        return 0

    cdef int take(self) except -1 nogil:
        """Copy all arrays; the memory of the copies is made the first time."""
        cdef Py_ssize_t i
        cdef SavedArray *saved
        for i in range(self.n):
            saved = &self.saved[i]
            if saved.copy == NULL:
                saved.copy = malloc(max(<size_t>1, saved.n_bytes))
                if saved.copy == NULL:
                    with gil:
                        raise MemoryError
            memcpy(saved.copy, saved.array, saved.n_bytes)
        return 0

    cdef void restore(self) noexcept nogil:
        """Put back what the arrays held when the snapshot was taken; nothing if none was."""
        cdef Py_ssize_t i
        for i in range(self.n):
            if self.saved[i].copy != NULL:
                memcpy(self.saved[i].array, self.saved[i].copy, self.saved[i].n_bytes)

    cdef bint all_finite(self) noexcept nogil:
        """Whether all numbers in the arrays are finite; structs are not looked into."""
        cdef Py_ssize_t i
        cdef const SavedArray *saved
        for i in range(self.n):
            saved = &self.saved[i]
            if saved.itemsize > 0 and not kernels(saved.itemsize == 4).all_finite(saved.n_bytes // saved.itemsize, saved.array):
                return False
        return True
