"""What solvers that take the samples one after the other are to their subclasses, _solvers/stochastic/_saga.pyx and _solvers/stochastic/_sdca.pyx."""
from libc.stdint cimport int32_t, uint8_t

from fastopt._core.tables cimport Matrix, fo_visits
from fastopt._samples.epochs cimport EpochLoop
from fastopt._samples.order cimport Samples


cdef class Chains(EpochLoop):
    cdef int threads
    cdef fo_visits visits                 # the block at work; y and p of output j: block_rows·j further on
    cdef object keep                      # what the structs point into
    cdef uint8_t[::1] active              # outputs that are not finished

    cdef int _init_chains(self, Matrix X, Samples samples, Py_ssize_t k, int threads) except -1
    cdef void *_outputs(self, size_t size) except NULL
    cdef void _one(self, int j, Py_ssize_t n) noexcept nogil
    cdef void _each(self, Py_ssize_t n) noexcept nogil
    # what subclasses do
    cdef void _chain(self, Py_ssize_t j, const fo_visits *visits) noexcept nogil
    cdef void _enter(self) noexcept nogil
    cdef void _leave(self) noexcept nogil
    cdef double *_loss_sum(self, Py_ssize_t j) noexcept nogil
    cdef double _intercept(self, Py_ssize_t j) noexcept nogil
