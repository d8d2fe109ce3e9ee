"""How far ahead rows are asked for from memory, by the time that blocks of rows take.

Used by _sgd/per_sample/run.pyx.  What is best differs between processors by a factor of four, and results do not depend on it.  So the
first blocks of a fit take turns with a few candidates, each is judged by its fastest block, and what won is kept for all later fits of
this process with rows of about the same length.
"""
from libc.math cimport log2

cdef enum:
    TURNS = 6                      # blocks that each candidate takes
    CACHED_BYTES = 1 << 20         # smaller X stays in the cache: there is nothing to ask for
    LENGTHS = 24                   # kinds of rows, by the logarithm of their bytes

cdef double WORTH_A_CHANGE = 0.98  # a candidate must need less than this share of the first one's time

#: bytes of rows that are under way; the first is best on most processors
cdef Py_ssize_t[CANDIDATES] BYTES = [9000, 3000, 20000]
#: what was chosen for each kind of rows, plus one; 0: nothing yet
cdef int[2 * LENGTHS] known


cdef void init_prefetch(Prefetch *prefetch, bint is_sparse, double row_bytes, double bytes):
    """Begin with what is known of such rows."""
    cdef int i
    prefetch.kind = min(<int>log2(max(row_bytes, 1.0)), LENGTHS - 1) + is_sparse * LENGTHS
    prefetch.chosen = 1 if bytes < CACHED_BYTES else known[prefetch.kind]
    prefetch.blocks = 0
    for i in range(CANDIDATES):
        prefetch.seconds[i] = 1e300


cdef Py_ssize_t bytes_ahead(const Prefetch *prefetch) noexcept nogil:
    """What the next block is to use."""
    return BYTES[prefetch.blocks % CANDIDATES if prefetch.chosen == 0 else prefetch.chosen - 1]


cdef bint note_seconds(Prefetch *prefetch, double seconds, Py_ssize_t rows) noexcept nogil:
    """A block of so many rows took so long; whether the choice has been made by it."""
    cdef int candidate = prefetch.blocks % CANDIDATES, best = 0, i
    if prefetch.chosen > 0:
        return False
    prefetch.seconds[candidate] = min(prefetch.seconds[candidate], seconds / rows)
    prefetch.blocks += 1
    if prefetch.blocks < TURNS * CANDIDATES:
        return False
    for i in range(1, CANDIDATES):
        if prefetch.seconds[i] < min(prefetch.seconds[best], WORTH_A_CHANGE * prefetch.seconds[0]):
            best = i
    prefetch.chosen = best + 1
    return True


cdef void remember(const Prefetch *prefetch):
    """Keep the choice for later fits."""
    known[prefetch.kind] = prefetch.chosen
