"""Arrays between unreadable pages: a kernel that reads or writes one byte outside dies at once.  Used by the fuzzer; for POSIX."""
import ctypes
import mmap

import numpy as np

PAGE = mmap.PAGESIZE
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
NONE = 0   # PROT_NONE


def block(size, at_end=True):
    """(size,) bytes that end, or begin, where memory cannot be read any more; on the other side they cannot be left by a page."""
    pages = max(1, -(-size // PAGE)) * PAGE
    memory = mmap.mmap(-1, pages + 2 * PAGE)
    whole = np.frombuffer(memory, np.uint8)
    for start in (whole.ctypes.data, whole.ctypes.data + PAGE + pages):
        if LIBC.mprotect(start, PAGE, NONE):
            raise OSError(ctypes.get_errno(), "mprotect")
    start = PAGE + (pages - size if at_end else 0)
    return whole[start:start + size]


def guarded(array, layout="C", at_end=True, writable=True):
    """A copy of an array between unreadable pages.

    Parameters
    ----------
    array : ndarray
    layout : {"C", "F", "strided", "reversed", "unaligned"}
        How it lies there; strided: every third element; unaligned: one byte before the end or behind the start.
    at_end : bool
        Which side is guarded to the byte.
    writable : bool
        Whether NumPy lets it be written to.
    """
    array = np.asarray(array)
    if layout == "F":
        return guarded(array.T, "C", at_end, writable).T
    if layout == "reversed":
        turned = (slice(None, None, -1),) * array.ndim
        return guarded(array[turned], "C", at_end, writable)[turned]
    if layout == "strided":
        shape, step, size = array.shape, 3 * array.itemsize, array.itemsize
        raw = block(max(0, array.size - 1) * step + size * (array.size > 0), at_end)
        strides = np.cumprod([step, *shape[:0:-1]])[::-1] if array.ndim else ()
        found = np.ndarray(shape, array.dtype, raw.data if array.size else bytes(size), 0, tuple(int(s) for s in strides))
    else:
        shift = int(layout == "unaligned")
        raw = block(array.nbytes + shift, at_end)
        raw = raw[:array.nbytes] if at_end else raw[shift:]
        found = raw.view(array.dtype) if not shift else np.ndarray((array.size,), array.dtype, raw.data if array.size else b"")
        found = found.reshape(array.shape)
    if array.size:
        found[...] = array
        found.flags.writeable = writable
    return found
