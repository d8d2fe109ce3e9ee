"""An update as other modules hold it: its plan can be stepped without the GIL."""
from fastopt.optimizers._plan cimport Planned


cdef class Update(Planned):
    cdef int threads(self) except -1
    cdef int _refuse_gradient(self, Py_ssize_t i) except -1
    cdef int _refuse(self, str words) except -1
    cdef int _complete(self, grads, int threads) except -2
    cdef int _step_carefully(self, grads, int threads) except -1
    cdef int _rates(self) except -1
