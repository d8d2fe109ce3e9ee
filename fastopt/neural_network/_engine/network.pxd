"""A network as Cython modules see it."""
from fastopt.neural_network._engine.batch cimport Batch
from fastopt.neural_network._engine.layers cimport Layers
from fastopt._sgd.batch.team_timing cimport TeamTiming
from fastopt.optimizers._update cimport Update


cdef class Network(Layers):
    cdef readonly object loss, l2, seed
    cdef readonly double value_scale
    cdef readonly tuple dropout
    cdef readonly double last_loss, last_penalty   # of the last epoch: sums over batches, times their rows
    cdef readonly Update optimizer
    cdef int threads
    cdef TeamTiming timing
    cdef Py_ssize_t room           # rows of the workspace
    cdef list workspace            # arrays that structs point into
    cdef list inputs               # the arrays of the data at work
    cdef object strengths, squares # l2 of each layer; sums of blocks of weights
    cdef list kept                 # of each layer whose input is left out in part: what is left
    cdef object error              # of the optimizer

    cdef int _reserve(self, Py_ssize_t rows) except -1
    cdef int _bind(self, X, y, sample_weight) except -1
    cdef int _drop(self, bint drops) except -1
    cdef void _learn(self, const Batch *batches, Py_ssize_t first, Py_ssize_t last) noexcept nogil
    cdef double _told(self) except? -1
    cdef int _refresh(self) except -1
    cdef int _step_whole(self)
