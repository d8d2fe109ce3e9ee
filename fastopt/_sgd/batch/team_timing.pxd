"""How long rows take a team of threads, and how long one thread."""


cdef struct TeamTiming:
    double seconds[2]          # a row, by one thread and by the team, in the last block of each; 0: there was none
    double waited              # seconds since the last trial
    double cost                # seconds that the last trial lost
    int slow                   # blocks in a row in which the one in use was slower than the other
    bint shared                # the team is in use, not one thread
    bint tries                 # this block is a trial of the one not in use

cdef bint choose_team(TeamTiming *timing) noexcept nogil
cdef void note_time(TeamTiming *timing, double seconds, Py_ssize_t rows) noexcept nogil
