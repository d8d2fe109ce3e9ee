"""How long rows take a team of threads, and one thread."""


cdef struct Pace:
    double seconds[2]          # a row, by one thread and by the team, when each was last at work; 0: not yet
    double waited              # seconds since the other one was last tried
    double cost                # seconds that trial took more than its rows would have
    int slow                   # blocks in a row in which the one at work was slower than the other
    bint shared                # the team is at work
    bint tries                 # this block is a trial of the other

cdef bint choose(Pace *pace) noexcept nogil
cdef void note(Pace *pace, double seconds, Py_ssize_t rows) noexcept nogil
