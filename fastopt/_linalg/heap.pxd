"""A heap of indices, that with the least time on top.  Used by lbfgsb, which needs few of many breakpoints in order."""


cdef inline void heapify(int count, int *heap, double *times) noexcept nogil:
    cdef int i
    for i in range(count // 2 - 1, -1, -1):
        sift(i, count, heap, times)


cdef inline int pop(int *count, int *heap, double *times) noexcept nogil:
    """Take off the top."""
    cdef int top = heap[0]
    count[0] -= 1
    heap[0] = heap[count[0]]
    sift(0, count[0], heap, times)
    return top


cdef inline void sift(int i, int count, int *heap, double *times) noexcept nogil:
    """Move what is at i down to where it belongs."""
    cdef int child, index = heap[i]
    cdef double time = times[index]
    while 2 * i + 1 < count:
        child = 2 * i + 1
        if child + 1 < count and times[heap[child + 1]] < times[heap[child]]:
            child += 1
        if time <= times[heap[child]]:
            break
        heap[i] = heap[child]
        i = child
    heap[i] = index
