"""Weights and state of a model's outputs in the layout that the kernels want, and the way there and back.

Used by the loops over epochs (_sgd/per_sample/run.pyx).
"""
cimport numpy as cnp
from libc.stdint cimport int32_t

import numpy as np

from fastopt._core.memory cimport address
from fastopt._core.tables cimport Matrix, fo_output

from fastopt._core.memory import aligned

cnp.import_array()

#: the fields of fo_output, all double
FIELDS = ("b", "b_avg", "scale", "avg_a", "avg_b", "l1_sum", "lr_factor", "sq_norm", "l1_norm", "weight_neg",
          "weight_pos", "loss_sum", "penalty_sum")
STATE = np.dtype([(name, np.float64) for name in FIELDS])
assert STATE.itemsize == sizeof(fo_output)


cdef class Outputs:
    """Some of a model's outputs: those that one thread trains.

    Finished outputs are moved behind the active ones, so that the kernels see only what still learns.

    Parameters
    ----------
    X : Matrix
    labels : sequence of int of length k
        Number of each output in the model.
    state : ndarray of shape (k,) of STATE
        Where each output starts.
    coef, coef_avg : ndarray of shape (k, d)
        Weights and averaged weights to start from; coef_avg may be None.  Without coef someone else sees to both.
    single_output : bool
        The model has no other outputs.
    l1 : bool
        Keep the record of penalties received that l1 needs.
    """

    def __init__(self, Matrix X, labels, state, coef, coef_avg, bint single_output, bint l1):
        cdef Py_ssize_t lanes = 16 if X.is_float else 8, width
        self.labels = np.array(labels, dtype=np.int32)
        self.total, self.d, self.dense = len(labels), X.d, not X.is_sparse
        padded = (self.total + lanes - 1) // lanes * lanes
        if self.dense:
            width = (self.d + lanes - 1) // lanes * lanes
            shape, self.c.output_stride, self.c.feature_stride = (self.total, width), width, 1
        else:
            width = 1 if single_output else padded
            shape, self.c.output_stride, self.c.feature_stride = (self.d, width), 1, width
        self.w, self.w_avg, self.q = (None if not wanted else aligned(shape, X.dtype)
                                      for wanted in (True, coef_avg is not None, l1))
        if coef is not None:
            self._plain(self.w)[...] = coef
            if coef_avg is not None:
                self._plain(self.w_avg)[...] = coef_avg
        self.state = np.array(state, dtype=STATE)
        self.scratch = aligned((4, padded), X.dtype)
        self.c.k, self.c.single_output, self.c.o = self.total, single_output, <fo_output *>address(self.state)
        self.c.w, self.c.w_avg, self.c.q = address(self.w), address(self.w_avg), address(self.q)
        self.c.p, self.c.z = address(self.scratch[0]), address(self.scratch[1])
        self.c.g, self.c.c = address(self.scratch[2]), address(self.scratch[3])

    def _plain(self, w):
        """A (k, d) view of weights in the kernels' layout."""
        return w[:, :self.d] if self.dense else w[:, :self.total].T

    def finish(self, Py_ssize_t j):
        """Take the output at place j out of training."""
        cdef Py_ssize_t last = self.c.k - 1
        for a in (self.w, self.w_avg, self.q):
            if a is not None:
                plain = self._plain(a)
                plain[[j, last]] = plain[[last, j]]
        self.state[[j, last]] = self.state[[last, j]]
        self.labels[j], self.labels[last] = self.labels[last], self.labels[j]
        self.c.k = last
        self.scratch[:, last:] = 0   # with CSR rows whole vectors of outputs move: those that are finished by nothing

    def true_weights(self):
        """(coef, intercept, averaged coef, averaged intercept); the averages None where there are none."""
        s, w = self.state, self._plain(self.w)
        coef = (w * s["scale"][:, None]).astype(w.dtype, copy=False)
        if self.w_avg is None:
            return coef, s["b"].copy(), None, None
        average = (self._plain(self.w_avg) + s["avg_a"][:, None] * w) / s["avg_b"][:, None]
        return coef, s["b"].copy(), average.astype(w.dtype, copy=False), s["b_avg"].copy()

    def last_columns(self, Py_ssize_t n):
        """The last n columns of weights and averages as they lie in memory."""
        return tuple(None if a is None else self._plain(a)[:, -n:] for a in (self.w, self.w_avg))
