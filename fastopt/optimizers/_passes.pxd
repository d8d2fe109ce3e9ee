"""The passes of an update, and all that they work on."""
from fastopt._core.tables cimport fo_rule, fo_step
from fastopt.optimizers._gradients cimport Array, Arrays
from fastopt._core.team cimport fo_team

ctypedef struct ArrayBlock:               # a block of one array: what a thread does at a time
    Py_ssize_t array, start, n

ctypedef struct StepPlan:              # arrays, their rules, and what a step keeps in between
    Arrays arrays
    ArrayBlock *blocks
    double *sums                   # two a block
    double *totals                 # three a group
    double *carry                  # FO_CARRIES a group
    fo_rule *rules                 # one a group
    fo_step *folded                # one a group
    bint by_group                  # arrays step as their group was folded, but for those that steps passed over
    Py_ssize_t n_groups, n_blocks
    int sums_over                  # enum fo_rule_sums
    long long t                    # steps done
    long long *began               # one a group: steps that were done when it was added
    bint one_clock                 # the arrays of a group count steps together, also those that a step passes over
    double clip_norm               # of the gradient of each array
    double clip_global_norm        # of all gradients together
    double sign                    # −1 to maximize
    double factor                  # of the gradients: 1/count of accumulated ones
    bint matrix_step               # matrices are stepped elsewhere
    int refused                    # of the last step: the first array whose gradients were not finite, −1, or EXTREME
    fo_team team

ctypedef enum Look:                # at the gradients before a step
    LOOK_AWAY
    LOOK                           # for their norms
    LOOK_AND_REFUSE                # those that are not finite or extreme, having changed nothing

cdef enum:
    EXTREME = -2                   # gradients or rates so large that the rule's numbers may overflow

cdef const fo_step *step_of(const StepPlan *p, const Array *a) noexcept nogil
cdef void states_at(const Array *a, Py_ssize_t start, void **state) noexcept nogil
cdef double squared_norm(StepPlan *p) noexcept nogil
cdef int take_step(StepPlan *p, int threads, Look look) noexcept nogil
cdef int overflown(const StepPlan *p) noexcept nogil
