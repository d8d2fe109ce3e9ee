"""The structs of fastopt.h's parts for losses that are no sums over samples: of sequences, policies, rankings, embeddings, images and likelihoods.

Taken from _core by everyone else.
"""
from libc.stdint cimport int32_t, int64_t

from fastopt._core.structs cimport fo_loss

cdef extern from "fastopt.h" nogil:
    ctypedef struct fo_sequence:
        Py_ssize_t frames, behind, classes, stride
        int32_t blank
        Py_ssize_t length
        const int32_t *labels

    ctypedef struct fo_transduction:
        Py_ssize_t frames, length, all_frames, places, classes
        int32_t blank
        const int32_t *labels

    ctypedef struct fo_tokens:
        Py_ssize_t n, classes
        double smoothing, factor
        const int32_t *labels
        const void *weight

    ctypedef struct fo_risk:
        Py_ssize_t n, k
        double alpha, factor
        const unsigned char *mask
        const void *weight
        const void *baseline

    ctypedef struct fo_sequence_kernels:
        double (*ctc)(const fo_sequence *, double, const void *, void *, void *) noexcept nogil
        Py_ssize_t (*ctc_scratch)(const fo_sequence *) noexcept nogil
        Py_ssize_t (*ctc_greedy)(const fo_sequence *, const void *, int32_t *, double *) noexcept nogil
        Py_ssize_t (*ctc_beam)(const fo_sequence *, const void *, void *, int32_t *, double *) noexcept nogil
        Py_ssize_t (*ctc_beam_scratch)(const fo_sequence *) noexcept nogil
        double (*transducer)(const fo_transduction *, double, const void *, void *, void *) noexcept nogil
        Py_ssize_t (*transducer_scratch)(const fo_transduction *) noexcept nogil
        double (*tokens)(const fo_tokens *, const void *, void *, void *, Py_ssize_t) noexcept nogil
        double (*risk)(const fo_risk *, const void *, const void *, void *, void *, Py_ssize_t) noexcept nogil
        double (*reinforce)(const fo_risk *, const void *, const void *, void *, void *, Py_ssize_t) noexcept nogil
        Py_ssize_t (*edit_distance)(Py_ssize_t, const int64_t *, Py_ssize_t, const int64_t *, int64_t *) noexcept nogil

    ctypedef struct fo_policy:
        Py_ssize_t n, k
        const void *advantage
        const void *old
        const void *weight
        double factor, clip, entropy

    ctypedef struct fo_normal:
        const void *actions
        const void *mean
        const void *log_std
        Py_ssize_t std_stride

    ctypedef struct fo_transitions:
        fo_loss loss
        Py_ssize_t n, k
        const void *actions
        const void *rewards
        const void *ends
        const void *next
        const void *chooser
        const void *weight
        double discount, factor

    ctypedef struct fo_policy_kernels:
        int (*actions)(Py_ssize_t, Py_ssize_t, const void *) noexcept nogil
        double (*categorical)(const fo_policy *, const void *, const void *, void *, void *, Py_ssize_t) noexcept nogil
        double (*normal)(const fo_policy *, const fo_normal *, void *, void *, void *, Py_ssize_t, double *) noexcept nogil
        double (*value_function)(const fo_loss *, Py_ssize_t, double, const void *, const void *, const void *, const void *, double, void *,
                                 void *) noexcept nogil
        double (*q_values)(const fo_transitions *, const void *, void *, void *, void *) noexcept nogil
        void (*discounted)(Py_ssize_t, Py_ssize_t, double, const void *, const void *, const void *, void *) noexcept nogil
        void (*advantages)(Py_ssize_t, Py_ssize_t, double, double, const void *, const void *, const void *, const void *, void *) noexcept nogil

    enum:
        FO_RANKING_LOGISTIC, FO_RANKING_MARGIN, FO_RANKING_LISTNET, FO_RANKING_LAMBDA

    ctypedef struct fo_ranking:
        int kind
        double scale
        Py_ssize_t truncation
        int exponential, normalize

    ctypedef struct fo_cox:
        Py_ssize_t n
        int efron
        const double *time
        const unsigned char *event
        const double *weight
        const double *v

    ctypedef struct fo_cox_out:
        double *losses
        double *grads
        double *product
        double *diagonal
        double *scratch

    ctypedef struct fo_concordance:
        int64_t comparable, concordant, equal

    ctypedef struct fo_ranking_kernels:
        double (*query)(const fo_ranking *, Py_ssize_t, const void *, const void *, double, int, void *, void *) noexcept nogil
        double (*ndcg)(const fo_ranking *, Py_ssize_t, const void *, const void *, void *) noexcept nogil
        Py_ssize_t (*scratch)(Py_ssize_t) noexcept nogil
        void (*cox)(const fo_cox *, const void *, const fo_cox_out *) noexcept nogil
        fo_concordance (*concordance)(const fo_cox *, const void *, void *) noexcept nogil

    enum:
        FO_DISTANCE_EUCLIDEAN, FO_DISTANCE_SQUARED, FO_DISTANCE_COSINE, FO_DISTANCE_AGAINST
        FO_MINE_HARD, FO_MINE_ALL, FO_MINE_SEMI, FO_MINE_CIRCLE
        FO_APART_CONTRASTIVE, FO_APART_COSINE, FO_APART_TRIPLET

    ctypedef struct fo_anchors:
        int mining, distance
        Py_ssize_t n
        double margin, gamma
        const int32_t *labels
        const void *squares

    ctypedef struct fo_pair_kernels:
        void (*normalize)(Py_ssize_t, Py_ssize_t, const void *, void *, void *) noexcept nogil
        void (*back)(Py_ssize_t, Py_ssize_t, const void *, const void *, void *) noexcept nogil
        void (*distances)(int, Py_ssize_t, Py_ssize_t, const void *, const void *, void *) noexcept nogil
        void (*distances_back)(int, Py_ssize_t, Py_ssize_t, const void *, const void *, const void *, const void *, void *, void *) noexcept nogil
        void (*apart)(int, Py_ssize_t, double, const void *, const void *, void *, void *) noexcept nogil
        double (*anchor)(const fo_anchors *, Py_ssize_t, const void *, double, double *, void *, void *) noexcept nogil
        Py_ssize_t (*anchor_scratch)(Py_ssize_t) noexcept nogil
        void (*arc)(Py_ssize_t, Py_ssize_t, const int32_t *, double, double, void *, void *) noexcept nogil
        double (*contrast)(Py_ssize_t, int, const void *, void *, void *) noexcept nogil

    ctypedef struct fo_likelihood:
        int kind, one_scale, one_shape
        double constant, factor
        const void *y
        const void *p
        const void *scale
        const void *shape
        const void *weight
        void *values
        void *in_p
        void *in_scale
        void *in_shape

    ctypedef struct fo_likelihood_kernels:
        void (*block)(const fo_likelihood *, Py_ssize_t, Py_ssize_t, double *) noexcept nogil
        int (*accepts)(const fo_likelihood *, Py_ssize_t, Py_ssize_t) noexcept nogil

    ctypedef struct fo_plane:
        Py_ssize_t height, width
        int isotropic
        double eps
        Py_ssize_t taps
        const void *window
        double c1, c2

    ctypedef struct fo_image_kernels:
        double (*variation)(const fo_plane *, double, const void *, void *, void *) noexcept nogil
        Py_ssize_t (*variation_scratch)(const fo_plane *) noexcept nogil
        double (*similarity)(const fo_plane *, double, const void *, const void *, void *, void *) noexcept nogil
        Py_ssize_t (*similarity_scratch)(const fo_plane *) noexcept nogil
