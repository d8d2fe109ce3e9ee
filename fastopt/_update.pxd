"""An update as other modules hold it: its plan can be stepped without the GIL."""
from fastopt._passes cimport Plan


cdef class Update:
    cdef Plan plan
    cdef readonly Py_ssize_t size  # elements of all arrays
    cdef readonly long long skipped
    cdef readonly bint lazy        # row-sparse gradients are taken: a step of some rows leaves the others as they are
    cdef bint skips                # a step with a gradient that is not finite is skipped, not an error
    cdef bint late                 # gradients are not read before the step
    cdef readonly list params
    cdef readonly list states      # one list of arrays an array
    cdef list rates                # one a group: a number, or a callable of the step
    cdef object requested_threads
    cdef list scratch              # of adafactor's matrices
    cdef bint scratch_used
    cdef bint busy
    cdef list collected            # sums of accumulated gradients
    cdef readonly Py_ssize_t count # how many are in them

    cdef int _add(self, Py_ssize_t i, w, Py_ssize_t group, list states) except -1
    cdef int _factor(self, Py_ssize_t i, tuple shape) except -1
    cdef int _share_out(self, list groups) except -1
    cdef int threads(self) except -1
    cdef int _refuse(self, Py_ssize_t i) except -1
    cdef int _rates(self) except -1
