"""The kernels as Cython modules see them; others may cimport these too (fastopt.get_include() finds fastopt.h)."""
from libc.stdint cimport int32_t, int64_t

from fastopt._core.loss_structs cimport *
from fastopt._core.network_structs cimport *
from fastopt._core.structs cimport *

ctypedef fused real:
    float
    double

cdef extern from "fastopt.h" nogil:
    ctypedef struct fo_kernels:
        double (*loss_block)(const fo_loss *, Py_ssize_t, const void *, const void *, const void *, double, void *, void *) noexcept nogil
        double (*sgd_rows)(const fo_sgd *, const fo_matrix *, const fo_block *, fo_outputs *) noexcept nogil
        void (*sgd_settle)(Py_ssize_t, fo_outputs *) noexcept nogil
        void (*predict_rows)(const fo_matrix *, Py_ssize_t, Py_ssize_t, const int32_t *, const void *, Py_ssize_t,
                             const void *, void *) noexcept nogil
        void (*pack_rows)(Py_ssize_t, Py_ssize_t, const void *, Py_ssize_t, Py_ssize_t, const int32_t *, void *) noexcept nogil
        void (*lr_block)(const fo_schedule *, Py_ssize_t, double, double *) noexcept nogil
        int (*all_finite)(Py_ssize_t, const void *) noexcept nogil
        void (*loss_grad_block)(const fo_loss *, Py_ssize_t, const void *, const void *, const void *, double,
                                void *) noexcept nogil
        int (*loss_accepts)(const fo_loss *, Py_ssize_t, const void *, const void *) noexcept nogil
        void (*softmax)(Py_ssize_t, Py_ssize_t, void *) noexcept nogil
        void (*overlap)(const fo_overlap *, Py_ssize_t, Py_ssize_t, const void *, const void *, const void *, double, void *,
                        void *) noexcept nogil
        void (*rule_fold)(const fo_rule *, double, double, double *, fo_step *) noexcept nogil
        void (*rule_finish)(const fo_rule *, const double *, double *, fo_step *) noexcept nogil
        void (*step_sums)(const fo_step *, Py_ssize_t, const void *, const void *, void **, double *) noexcept nogil
        int (*step)(const fo_step *, Py_ssize_t, const void *, void *, void **) noexcept nogil
        int (*step_rows)(const fo_step *, Py_ssize_t, Py_ssize_t, const int64_t *, const void *, void *,
                         void **) noexcept nogil
        int (*step_packed)(const fo_step *, int, Py_ssize_t, Py_ssize_t, double, const void *, void *, void **) noexcept nogil
        double (*factor_sums)(const fo_step *, Py_ssize_t, Py_ssize_t, const void *, const void *, void *, void *) noexcept nogil
        double (*factor_moments)(const fo_step *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *, void *, void *,
                                 void *) noexcept nogil
        double (*factor_squares)(const fo_step *, Py_ssize_t, Py_ssize_t, const void *, const void *, const void *, const void *,
                                 double) noexcept nogil
        int (*factor_step)(const fo_step *, Py_ssize_t, Py_ssize_t, const void *, void *, const void *, const void *,
                           double) noexcept nogil
        void (*product)(const fo_product *, const void *, const void *, const void *, void *) noexcept nogil
        void (*muon_direction)(const fo_step *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *, const void *, void *) noexcept nogil
        int (*muon_weights)(const fo_step *, double, Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *, const void *, void *) noexcept nogil
        void (*muon_move)(const fo_step *, Py_ssize_t, const void *, const void *, void *, void *) noexcept nogil
        double (*square_sum)(Py_ssize_t, const void *) noexcept nogil
        void (*batch_products)(const fo_matrix *, const fo_chunk *, const void *, Py_ssize_t, void *) noexcept nogil
        void (*batch_gradient)(const fo_matrix *, const fo_chunk *, const void *, void *) noexcept nogil
        void (*batch_errors)(const fo_errors *, Py_ssize_t, Py_ssize_t, Py_ssize_t, const void *, const void *, const void *,
                             double, void *, void *, double *) noexcept nogil
        double (*batch_values)(const fo_errors *, Py_ssize_t, const void *, void *) noexcept nogil
        void (*average)(Py_ssize_t, double, const void *, void *) noexcept nogil
        void (*column_sums)(const fo_matrix *, Py_ssize_t, const int32_t *, const double *, Py_ssize_t, Py_ssize_t,
                            const double *, double *) noexcept nogil
        void (*column_spread)(const fo_matrix *, Py_ssize_t, const int32_t *, const double *, Py_ssize_t, Py_ssize_t,
                              const double *, double *, double *) noexcept nogil
        void (*column_stored)(const fo_matrix *, Py_ssize_t, const int32_t *, const double *, double *, double *,
                              double *) noexcept nogil
        void (*column_means)(Py_ssize_t, double, double, const double *, double *, double *) noexcept nogil
        void (*auto_dense)(const fo_auto *, Py_ssize_t, Py_ssize_t, const void *, void *, void *, void *, void *) noexcept nogil
        Py_ssize_t (*auto_touch)(const fo_matrix *, const fo_chunk *, Py_ssize_t, unsigned char *, Py_ssize_t *) noexcept nogil
        void (*auto_columns)(const fo_auto *, Py_ssize_t, const Py_ssize_t *, unsigned char *, const void *, void *,
                             fo_auto_columns *) noexcept nogil
        void (*auto_settle)(const fo_auto *, Py_ssize_t, const void *, void *, fo_auto_columns *) noexcept nogil
        void (*auto_losses)(const fo_errors *, Py_ssize_t, const void *, void *, double *) noexcept nogil
        void (*auto_intercepts)(const fo_auto *, const double *, double *, double *, double *) noexcept nogil
        int (*lazy_accepts)(const fo_rule *) noexcept nogil
        void (*lazy_touch)(const fo_matrix *, const fo_chunk *, fo_lazy *, void *, void **) noexcept nogil
        void (*lazy_take)(const fo_lazy *, void *, void *) noexcept nogil
        void (*lazy_note)(const fo_step *, fo_lazy *) noexcept nogil
        void (*lazy_settle)(Py_ssize_t, fo_lazy *, void *, void **) noexcept nogil
        fo_descent_kernels descent
        fo_objective_kernels objective
        fo_chain_kernels chains
        void (*batch_objective)(const fo_errors *, Py_ssize_t, const void *, const void *, const void *, void *,
                                double *) noexcept nogil
        void (*hessian_rows)(const fo_matrix *, const fo_gram *) noexcept nogil
        Py_ssize_t (*touched_columns)(const fo_matrix *, fo_marks *, void *, void *) noexcept nogil
        fo_limit_kernels limits
        fo_sequence_kernels sequences
        fo_policy_kernels policies
        fo_ranking_kernels ranking
        fo_pair_kernels pairs
        fo_likelihood_kernels likelihoods
        fo_image_kernels images
        fo_network_kernels network

    ctypedef struct fo_table:
        const char *name
        fo_kernels f32, f64


cdef const fo_table *active() noexcept nogil
cdef const fo_kernels *kernels(bint is_float) noexcept nogil
cdef int rule_sums(int kind) noexcept nogil

cdef class Matrix:
    cdef fo_matrix c                 # where the rows can be read in place
    cdef readonly bint is_float      # float32, else float64
    cdef readonly Py_ssize_t n, d
    cdef readonly double row_size    # mean number of stored elements in a row
    cdef Py_ssize_t item             # bytes of an element
    cdef bint by_columns             # dense: columns can be read in place, rows must be packed
    cdef bint packs                  # rows must be packed first: strided, Fortran-ordered or unaligned
    cdef const char *base
    cdef Py_ssize_t row_stride, column_stride   # bytes
    cdef object keep                 # the arrays that c points into

    cdef int _init_dense(self, X) except -1
    cdef int _init_csr(self, X) except -1
    cdef fo_matrix from_row(self, Py_ssize_t i) noexcept nogil
