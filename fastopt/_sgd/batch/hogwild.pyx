"""parallel="hogwild": threads take batches of a block and step the same weights without locks (Niu et al. 2011).

Used by _sgd/batch/run.pyx.  Gradients, partial predictions and notes of columns are each thread's own; weights, the rule's state and
intercepts are shared, read and written without order: a step of one thread may be lost between the reading and the writing of
another, which is why results are not reproducible.  (In the words of C11 these are data races; on the processors that there
are loads and stores of aligned numbers are whole, and the kernels hold no number over a call.)
"""
cimport numpy as cnp
from libc.stdlib cimport calloc, free

import numpy as np

from fastopt._core.memory cimport address
from fastopt._sgd.batch.lazy cimport attach_lazy_columns, settle_lazily

cnp.import_array()


cdef class Hogwild:
    """The weights as each thread sees them: those of all, with gradients of its own."""

    def __init__(self, int threads):
        self.threads, self.buffers = threads, []
        self.weights = <Weights *>calloc(threads, sizeof(Weights))
        if self.weights == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.weights)

    cdef int set_up(self, const Weights *shared, w, bint lazy) except -1:
        """Copies of what is shared, with arrays of their own; `lazy`: batches step only the columns that they touch."""
        cdef Weights *own
        cdef int i
        for i in range(self.threads):
            own = &self.weights[i]
            own[0] = shared[0]
            g, turns = np.zeros_like(w), np.zeros((2, shared.k))
            self.buffers += [g, turns]
            own.g, own.b_turns[0], own.b_turns[1] = <char *>address(g), <double *>address(turns[0]), <double *>address(turns[1])
            if lazy:
                self.buffers.append(attach_lazy_columns(own, w))
        return 0

    cdef void settle(self) noexcept nogil:
        """At the end of an epoch: the steps that columns missed."""
        cdef int i
        for i in range(self.threads):
            if self.weights[i].lazy != NULL:
                settle_lazily(&self.weights[i])
