"""The structs and enums of fastopt.h and its parts, as Cython modules see them.

Taken from _core by everyone else.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t

cdef extern from "fastopt.h" nogil:
    enum fo_layout:
        FO_DENSE
        FO_CSR32
        FO_CSR64

    enum:
        FO_LOSS_squared_error
        FO_LOSS_multinomial

    ctypedef struct fo_own_loss:
        double (*plain)(double, double, double *) noexcept nogil
        double (*with_data)(double, double, double *, void *) noexcept nogil
        double (*slope)(double, double) noexcept nogil
        double (*slope_with_data)(double, double, void *) noexcept nogil
        void *data
        void *slope_data

    ctypedef struct fo_loss:
        int kind
        double a, b
        const fo_own_loss *own

    ctypedef struct fo_overlap:
        double alpha, beta, smooth
        int squared

    bint fo_couples(const fo_loss *loss)

    ctypedef struct fo_penalty:
        int kind
        double alpha, l1_ratio

    ctypedef struct fo_schedule:
        int kind
        double lr, power_t, alpha, t0, steps, rate, end, peak, middle, turn, back
        int stairs, linear

    ctypedef struct fo_matrix:
        int layout
        Py_ssize_t n, d
        const void *data
        Py_ssize_t stride
        const void *indices
        const void *indptr
        int element

    enum:
        FO_MARKS

    ctypedef struct fo_marks:
        uint32_t bits
        int32_t before

    ctypedef struct fo_block:
        Py_ssize_t n
        const int32_t *rows
        const void *y
        const void *weight
        const double *lr
        double t
        void *p
        Py_ssize_t bytes_ahead

    ctypedef struct fo_sgd:
        fo_loss loss
        fo_penalty penalty
        fo_schedule schedule
        int counts_penalty, one_class
        double l2, l1, intercept_share, average

    ctypedef struct fo_output:
        double b, b_avg, scale, avg_a, avg_b, l1_sum, lr_factor, sq_norm, l1_norm
        double class_weight[2]
        double loss_sum, penalty_sum

    ctypedef struct fo_outputs:
        Py_ssize_t k
        int single_output
        Py_ssize_t output_stride, feature_stride
        void *w
        void *w_avg
        void *q
        fo_output *o
        void *p
        void *z
        void *g
        void *c
        int nonfinite

    ctypedef struct fo_regularizer:
        int kind
        double alpha, a
        const double *weight
        const double *low
        const double *high
        Py_ssize_t groups
        const int64_t *start
        const int64_t *member

    enum fo_packing:
        FO_UNPACKED
        FO_BFLOAT16
        FO_EIGHT_BITS

    enum:
        FO_PACK
        FO_STATES
        FO_CARRIES

    enum fo_rule_sums_over "fo_rule_sums":
        FO_SUMS_none
        FO_SUMS_array
        FO_SUMS_group

    ctypedef struct fo_rule:
        int kind, flag
        double lr, beta1, beta2, beta3, eps, momentum, dampening, l2, decay, l1, clip, a, b, c, d

    ctypedef struct fo_coefs:
        double scale, clip, l2, decay_factor, l1, rate, beta1, one_minus_beta1, beta2, one_minus_beta2, root, eps, a, b, c, d

    ctypedef struct fo_step:
        int kind
        fo_coefs h

    ctypedef struct fo_product:
        Py_ssize_t rows, depth, stride, a_row, a_column
        double alpha, beta

    ctypedef struct fo_chunk:
        Py_ssize_t n, k
        const int32_t *rows
        Py_ssize_t n_next
        const int32_t *next
        Py_ssize_t width, begin, end
        Py_ssize_t output_stride, feature_stride
        const void *centre
        int centre_of_rows

    ctypedef struct fo_errors:
        fo_loss loss
        Py_ssize_t k
        const double *b
        const double *class_weight
        const double *range
        const double *unit

    ctypedef struct fo_auto:
        Py_ssize_t k
        double t
        const double *rate
        double l1
        const double *l2

    ctypedef struct fo_auto_columns:
        int64_t *since
        void *V
        void *w
        void *mean

    ctypedef struct fo_lazy:
        Py_ssize_t k
        int32_t now
        int moves
        int32_t *seen
        int32_t *since
        double *decay_factors
        double *shrinkages
        Py_ssize_t n
        int64_t *columns
        fo_step last

    ctypedef struct fo_visits:
        Py_ssize_t n
        const int32_t *rows
        const int32_t *samples
        const void *y
        const void *weight
        void *p

    ctypedef struct fo_variance:
        fo_loss loss
        double lr, l2, l1
        int positive
        double own, share, mix
        int intercept
        Py_ssize_t powers
        const void *table

    ctypedef struct fo_variance_output:
        double b, g_b
        double loss_sum
        Py_ssize_t now
        void *w
        void *g
        void *memory
        const void *start

    ctypedef struct fo_dual:
        fo_loss loss
        double l1
        int positive
        double column
        double shrink_margin

    ctypedef struct fo_dual_output:
        double b, v_column, gap_sum, loss_sum, largest_move
        void *w
        void *v
        void *u
        void *before
        const double *square
        unsigned char *shrunk

    ctypedef struct fo_dual_classes:
        Py_ssize_t k, stride
        double gap_sum, loss_sum, largest_move
        double *b
        double *v_column
        void *w
        void *v
        void *u
        void *c
        void *z
        void *p
        double *a
        const double *square
        unsigned char *shrunk

    ctypedef struct fo_descent:
        Py_ssize_t m
        const int32_t *columns
        double factor, l2, total
        const double *h
        const double *square
        double *w
        double shift
        double *next

    ctypedef struct fo_descent_kernels:
        double (*value)(const fo_regularizer *, Py_ssize_t, const void *) noexcept nogil
        void (*prox)(const fo_regularizer *, Py_ssize_t, double, const void *, void *) noexcept nogil
        double (*violation)(const fo_regularizer *, Py_ssize_t, const void *, const void *, void *) noexcept nogil
        void (*moments)(const fo_matrix *, const fo_descent *, Py_ssize_t, Py_ssize_t, const void *, const void *, double *,
                        double *, double *) noexcept nogil
        void (*products)(const fo_matrix *, const fo_descent *, const double *, void *) noexcept nogil
        void (*gram)(const fo_matrix *, const fo_descent *, Py_ssize_t, const void *, void *, double *) noexcept nogil
        double (*columns)(const fo_matrix *, const fo_regularizer *, fo_descent *, int, const void *, void *) noexcept nogil
        double (*quadratic)(const fo_regularizer *, fo_descent *, int, const double *, double *) noexcept nogil
        void (*count)(const fo_matrix *, Py_ssize_t, const int32_t *, const int32_t *, int64_t *) noexcept nogil
        void (*gather)(const fo_matrix *, Py_ssize_t, const int32_t *, const int32_t *, int64_t *, int32_t *,
                       void *) noexcept nogil
    ctypedef struct fo_samples:
        fo_loss loss
        Py_ssize_t k
        const void *y
        const void *weight
        double factor

    ctypedef struct fo_weights:
        Py_ssize_t k, d, output_stride, feature_stride
        const double *scale
        const double *centre

    ctypedef struct fo_objective_kernels:
        void (*shift)(Py_ssize_t, Py_ssize_t, const double *, void *) noexcept nogil
        double (*errors)(const fo_samples *, Py_ssize_t, Py_ssize_t, const double *, void *, void *, double *) noexcept nogil
        void (*curvature)(const fo_samples *, Py_ssize_t, Py_ssize_t, const double *, const void *, void *, void *,
                          double *) noexcept nogil
        double (*line)(const fo_samples *, Py_ssize_t, Py_ssize_t, double, const void *, const void *, void *,
                          double *) noexcept nogil
        void (*move)(Py_ssize_t, double, const void *, void *) noexcept nogil
        void (*scatter)(const fo_matrix *, const fo_chunk *, const void *, double *) noexcept nogil
        double (*squares)(const fo_matrix *, const fo_chunk *, const fo_samples *, Py_ssize_t, const void *, double,
                          double *) noexcept nogil
        void (*products)(const fo_matrix *, const fo_chunk *, const void *, void *) noexcept nogil
        void (*gradient)(const fo_matrix *, const fo_chunk *, const void *, void *) noexcept nogil
        void (*pack)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t, Py_ssize_t, const int32_t *, void *) noexcept nogil
        void (*gather)(const fo_matrix *, const fo_chunk *, const void *, double *) noexcept nogil
        void (*transpose)(Py_ssize_t, Py_ssize_t, const void *, void *) noexcept nogil
        void (*enter)(const fo_weights *, const double *, void *, double *) noexcept nogil
        void (*flush)(Py_ssize_t, void *, double *) noexcept nogil
        void (*combine)(Py_ssize_t, Py_ssize_t, Py_ssize_t, double *) noexcept nogil
        double (*leave)(const fo_weights *, const double *, const double *, double, const double *, double *) noexcept nogil

    ctypedef struct fo_chain_kernels:
        void (*variance)(const fo_variance *, const fo_matrix *, const fo_visits *, fo_variance_output *) noexcept nogil
        void (*settle)(const fo_variance *, Py_ssize_t, fo_variance_output *) noexcept nogil
        void (*dual)(const fo_dual *, const fo_matrix *, const fo_visits *, fo_dual_output *) noexcept nogil
        void (*dual_classes)(const fo_dual *, const fo_matrix *, const fo_visits *, fo_dual_classes *) noexcept nogil
        void (*gap)(const fo_loss *, Py_ssize_t, const void *, const void *, const void *, void *, double *) noexcept nogil
        int (*has_dual)(int) noexcept nogil
        int (*has_class_dual)(int) noexcept nogil
        void (*squares)(const fo_matrix *, Py_ssize_t, const int32_t *, double *) noexcept nogil

    enum fo_element:
        FO_REAL
        FO_FLOAT16
        FO_INT8
        FO_UINT8

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
        void *left
        void *right
        Py_ssize_t stride
        double *sums
        Py_ssize_t first
        const int32_t *columns

    ctypedef struct fo_limit_kernels:
        double (*read)(Py_ssize_t, Py_ssize_t, const void *, const int32_t *, Py_ssize_t) noexcept nogil
        double (*gather)(Py_ssize_t, const int32_t *, const void *) noexcept nogil
        void (*scatter)(Py_ssize_t, const int32_t *, const void *, void *) noexcept nogil
        void (*chain)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *, double, void *) noexcept nogil
        double (*link)(Py_ssize_t, double, double, double) noexcept nogil
        double (*sweep)(Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *, double, void *) noexcept nogil
        void (*update)(Py_ssize_t, int, const void *, void *, void *, void *) noexcept nogil
        double (*roots)(Py_ssize_t, const void *) noexcept nogil
