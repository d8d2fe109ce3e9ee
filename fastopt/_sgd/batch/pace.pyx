"""Whether a team of threads is worth it, by the time that blocks of rows take it and one thread alone.

Used by _sgd/batch/loop.pyx, whose results do not depend on who works.  Threads that meet every few microseconds are many times slower
than one where other programs want the processors, and nobody can know before.  So the slower of the two is tried again when
the time that its last trial lost is a fiftieth of what has passed.
"""

cdef enum:
    PATIENCE = 50              # times the loss of a trial, before the next
    SLOW_BLOCKS = 2            # in a row, before the other takes over: one may have been bad luck


cdef bint choose(Pace *pace) noexcept nogil:
    """Whether the team does the next block."""
    pace.tries = False
    if pace.seconds[1] == 0:
        pace.shared = True
    elif pace.seconds[0] == 0 or pace.waited > PATIENCE * pace.cost:
        pace.tries = True
    return pace.shared != pace.tries


cdef void note(Pace *pace, double seconds, Py_ssize_t rows) noexcept nogil:
    """So many seconds were taken by the block that `choose` was asked about."""
    cdef bint used = pace.shared != pace.tries
    cdef double own, other
    pace.seconds[used] = seconds / rows
    pace.waited += seconds
    own, other = pace.seconds[pace.shared], pace.seconds[not pace.shared]
    if pace.tries:
        pace.waited, pace.cost, pace.slow = 0, max(0.0, (other - own) * rows), 0
        if other < own:
            pace.shared = not pace.shared
            pace.cost = (own - other) * rows   # what going back would take
    elif other > 0:
        pace.slow = pace.slow + 1 if own > other else 0
        if pace.slow == SLOW_BLOCKS:
            pace.waited, pace.cost, pace.slow = 0, (own - other) * rows, 0
            pace.shared = not pace.shared
