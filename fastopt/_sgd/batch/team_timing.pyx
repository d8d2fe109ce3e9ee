"""Whether a team of threads is faster than one thread, by the time that each took for the last blocks of rows.

Used by _sgd/batch/loop.pyx, whose results do not depend on the number of threads.  Threads that meet every few microseconds are many
times slower than one where other programs want the processors, and that cannot be known before.  So the slower of the two is tried
again when the time that its last trial lost is a fiftieth of what has passed.
"""

cdef enum:
    TRIAL_INTERVAL = 50        # time before the next trial, in multiples of the time that the last one lost
    MAX_SLOW_BLOCKS = 2        # in a row, before the other takes over: a single one may be chance


cdef bint choose_team(TeamTiming *timing) noexcept nogil:
    """Whether the team does the next block."""
    timing.tries = False
    if timing.seconds[1] == 0:
        timing.shared = True
    elif timing.seconds[0] == 0 or timing.waited > TRIAL_INTERVAL * timing.cost:
        timing.tries = True
    return timing.shared != timing.tries


cdef void note_time(TeamTiming *timing, double seconds, Py_ssize_t rows) noexcept nogil:
    """The block that `choose_team` was asked about took so many seconds."""
    cdef bint used = timing.shared != timing.tries
    cdef double own, other
    timing.seconds[used] = seconds / rows
    timing.waited += seconds
    own, other = timing.seconds[timing.shared], timing.seconds[not timing.shared]
    if timing.tries:
        timing.waited, timing.cost, timing.slow = 0, max(0.0, (other - own) * rows), 0
        if other < own:
            timing.shared = not timing.shared
            timing.cost = (own - other) * rows   # what going back would take
    elif other > 0:
        timing.slow = timing.slow + 1 if own > other else 0
        if timing.slow == MAX_SLOW_BLOCKS:
            timing.waited, timing.cost, timing.slow = 0, (own - other) * rows, 0
            timing.shared = not timing.shared
