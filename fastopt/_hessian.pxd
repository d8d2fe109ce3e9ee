"""The struct of sums of weighted outer products of rows."""
from libc.stdint cimport int32_t

cdef extern from "fastopt.h" nogil:
    enum:
        FO_GRAM_ROWS
        FO_GRAM_BYTES
        FO_GRAM_BLOCK

    ctypedef struct fo_gram:
        Py_ssize_t n
        const int32_t *rows
        const void *h
        const void *c
        int intercept, outer
        Py_ssize_t begin, end
        const void *centre
        const void *scale
        void *left
        void *right
        Py_ssize_t stride
        double *sums
