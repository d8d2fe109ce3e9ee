"""A network as Cython modules see it."""
from fastopt.neural_network._engine.batch cimport Batch, Net
from fastopt._sgd.batch.team_timing cimport TeamTiming
from fastopt.optimizers._update cimport Update


cdef class Network:
    cdef Net net
    cdef readonly tuple sizes, activations
    cdef readonly object loss, dtype
    cdef readonly double l2, value_scale
    cdef readonly double last_loss, last_penalty   # of the last epoch: sums over batches, times their rows
    cdef readonly Update optimizer
    cdef int threads
    cdef TeamTiming timing
    cdef Py_ssize_t room           # rows of the workspace
    cdef list strides              # of rows of the input and of each layer
    cdef list places               # of each layer: where its weights and its biases begin in the flat arrays
    cdef object flat_w, flat_g     # all parameters, and their gradient
    cdef list transposes, workspace   # arrays that structs point into
    cdef list inputs               # the arrays of the data at work
    cdef object squares
    cdef bint ready                # transposed copies are those of the weights
    cdef object error              # of the optimizer

    cdef int _place(self, Py_ssize_t i) except -1
    cdef int _reserve(self, Py_ssize_t rows) except -1
    cdef int _bind(self, X, y, sample_weight) except -1
    cdef void _learn(self, const Batch *batches, Py_ssize_t first, Py_ssize_t last) noexcept nogil
    cdef double _told(self) except? -1
    cdef int _refresh(self) except -1
    cdef int _step_whole(self)
