"""What a mini-batch changes, and the part of it that one thread steps."""
from fastopt._sgd.batch.feedback cimport Drive
from fastopt._core.tables cimport fo_kernels, fo_lazy, fo_rule, fo_step
from fastopt.optimizers._passes cimport StepPlan

ctypedef struct Weights:           # shared by all threads
    const fo_kernels *kernels
    StepPlan *plan                 # of [w, b]
    Py_ssize_t k, d
    Py_ssize_t output_stride       # from one output to the next; 1: all in one, beside CSR
    size_t itemsize                # bytes of an element
    bint whole                     # the rule needs the whole gradient first: one thread steps all weights
    bint factored                  # and in passes over rows and columns
    bint intercept
    double average                 # average from this step on; 0: never
    char *w
    char *g
    char *w_avg
    Drive *drive                   # rates or sizes follow from each batch, or Python steps matrices; NULL: neither
    fo_lazy *lazy                  # only the columns of a batch are stepped; NULL: all
    char *touched_g                # (d, k) the gradients of these columns
    double *b
    double *b_avg
    double *b_turns[2]             # intercepts before and after a step, for threads that are still behind

ctypedef struct Stepper:           # of one thread
    Py_ssize_t first, n            # elements of each output that it steps; of all outputs together where output_stride is 1
    double *g_b
    double t                       # the next step
    Py_ssize_t steps               # taken since `begin_block`
    fo_rule rules[2]
    double carry[2][4]             # FO_CARRIES
    fo_step folded[2]

cdef void begin_block(const Weights *w, Stepper *s, Py_ssize_t first, Py_ssize_t last, double t) noexcept nogil
cdef void end_block(const Weights *w, const Stepper *s) noexcept nogil
cdef void clear_gradients(const Weights *w, Stepper *s) noexcept nogil
cdef void step_columns(const Weights *w, Stepper *s, double lr, bint first) noexcept nogil
cdef double gradient_square(const Weights *w, const Stepper *s, char *g) noexcept nogil
cdef void set_gradients(const Weights *w, const Stepper *s, char *g) noexcept nogil
cdef void step_whole(const Weights *w, Stepper *s, double lr, char *g) noexcept nogil
cdef void fold(const Weights *w, Stepper *s, double lr) noexcept nogil
cdef void step_intercepts(const Weights *w, Stepper *s) noexcept nogil
cdef void step_all(const Weights *w, Stepper *s, double lr) noexcept nogil
cdef void finish_step(const Weights *w, Stepper *s, bint first) noexcept nogil
