"""The structs of fastopt_network.h as Cython modules see them.

Taken from _core by everyone else.
"""
from libc.stdint cimport int32_t, uint32_t

from fastopt._core.structs cimport fo_matrix

cdef extern from "fastopt.h" nogil:
    enum:
        FO_SLOPE_OF_output
        FO_SLOPE_OF_input

    ctypedef struct fo_layer:
        int activation
        double alpha
        Py_ssize_t inputs, units, in_stride, out_stride
        const void *w
        const void *b
        void *transposed
        void *w_gradient
        void *b_gradient
        const void *x
        void *z
        void *a
        void *delta
        void *below
        int gated
        double dropout
        uint32_t key
        const void *whole

    ctypedef struct fo_network_kernels:
        void (*gather)(const fo_matrix *, Py_ssize_t, Py_ssize_t, const int32_t *, Py_ssize_t, void *) noexcept nogil
        void (*forward)(const fo_layer *, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*slope)(const fo_layer *, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*backward)(const fo_layer *, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*gradient)(const fo_layer *, Py_ssize_t, double, int, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*transpose)(const fo_layer *, Py_ssize_t, Py_ssize_t) noexcept nogil
