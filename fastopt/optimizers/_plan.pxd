"""Arrays with their state as the step and other modules hold them."""
from fastopt.optimizers._passes cimport StepPlan


cdef class Planned:
    cdef StepPlan plan
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
    cdef list turned               # of adafactor: places of arrays whose matrices are no rows of memory, copies of w and of g
    cdef bint wary                 # some numbers are so large that ordinary steps may overflow too
    cdef bint busy
    cdef readonly list collected   # sums of accumulated gradients; None where all were None
    cdef list room                 # the memory of these sums
    cdef readonly Py_ssize_t count # how many are in them

    cdef int _add(self, Py_ssize_t i, w, Py_ssize_t group, list states) except -1
    cdef int _factor(self, Py_ssize_t i, w) except -1
    cdef int _share_out(self, list groups) except -1
    cdef int _release(self) except -1
