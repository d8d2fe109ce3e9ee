"""What a mini-batch changes, and the part of it that one thread steps."""
from fastopt._sgd.batch.feedback cimport Drive
from fastopt._core.tables cimport fo_kernels, fo_lazy, fo_rule, fo_step
from fastopt.optimizers._passes cimport Plan

ctypedef struct Weights:           # shared by all threads
    const fo_kernels *kernels
    Plan *plan                     # of [w, b]
    Py_ssize_t k, d
    Py_ssize_t output_stride       # from one output to the next; 1: all in one, beside CSR
    size_t item                    # bytes of an element
    bint whole                     # the rule needs all of the gradient first: one thread steps all
    bint factored                  # and in passes over rows and columns
    bint intercept
    double average                 # average from this step on; 0: never
    char *w
    char *g
    char *w_avg
    Drive *drive                   # rates or sizes follow from each batch, or Python steps; NULL: nothing of it
    fo_lazy *lazy                  # only the columns of a batch are stepped; NULL: all
    char *taken                    # (d, k) their gradients
    double *b
    double *b_avg
    double *b_turns[2]             # intercepts before and after a step, for threads that are still behind

ctypedef struct Stepper:           # of one thread
    Py_ssize_t first, n            # elements of each output; where all outputs lie in one, of that
    double *g_b
    double t                       # the next step
    Py_ssize_t steps               # taken since `begin`
    fo_rule rules[2]
    double carry[2][4]             # FO_CARRIES
    fo_step folded[2]

cdef void begin(const Weights *w, Stepper *s, Py_ssize_t first, Py_ssize_t last, double t) noexcept nogil
cdef void settle(const Weights *w, const Stepper *s) noexcept nogil
cdef void clear(const Weights *w, Stepper *s) noexcept nogil
cdef void step_columns(const Weights *w, Stepper *s, double lr, bint first) noexcept nogil
cdef double square_of(const Weights *w, const Stepper *s, char *g) noexcept nogil
cdef void lend_gradients(const Weights *w, const Stepper *s, char *g) noexcept nogil
cdef void step_whole(const Weights *w, Stepper *s, double lr, char *g) noexcept nogil
cdef void fold(const Weights *w, Stepper *s, double lr) noexcept nogil
cdef void step_intercepts(const Weights *w, Stepper *s) noexcept nogil
cdef void step_all(const Weights *w, Stepper *s, double lr) noexcept nogil
cdef void finish(const Weights *w, Stepper *s, bint first) noexcept nogil
