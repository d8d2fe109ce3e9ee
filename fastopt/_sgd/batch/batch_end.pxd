"""What happens where a segment of a batch ends."""
from fastopt._sgd.batch.plan cimport Segment
from fastopt._sgd.batch.rows cimport RowBlock, ThreadState
from fastopt._sgd.batch.steps cimport Stepper, Weights

cdef void note_segment(RowBlock *block, Weights *weights, Stepper *stepper, ThreadState *thread, const Segment *segment) noexcept nogil
cdef void step_batch(RowBlock *block, Weights *weights, Stepper *stepper, ThreadState *thread, double lr) noexcept nogil
