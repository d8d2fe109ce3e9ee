"""A loss as the kernels are told it: by its kind and parameters, and by the user's function where it is one that a user wrote.

Used by every module that hands a loss to kernels.
"""
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_GetName, PyCapsule_GetPointer

#: what a function of the user's may be, without and with data of its own: value and derivatives, and the first derivative alone
SIGNATURES = ("double (double, double, double *)", "double (double, double, double *, void *)")
SLOPE_SIGNATURES = ("double (double, double)", "double (double, double, void *)")

ctypedef double (*plain_function)(double, double, double *) noexcept nogil
ctypedef double (*function_with_data)(double, double, double *, void *) noexcept nogil
ctypedef double (*slope_function)(double, double) noexcept nogil
ctypedef double (*slope_with_data)(double, double, void *) noexcept nogil


cdef class OwnLoss:
    """A user's functions of one sample, and what they need to live.

    Parameters
    ----------
    function : scipy.LowLevelCallable
        Of one of `SIGNATURES`: checked by the caller.
    slope : scipy.LowLevelCallable or None
        Of one of `SLOPE_SIGNATURES`.
    """

    def __init__(self, function, slope=None):
        cdef void *address = address_of(function, &self.own.data)
        self.kept = function, slope
        if function.signature == SIGNATURES[0]:
            self.own.plain = <plain_function>address
        else:
            self.own.with_data = <function_with_data>address
        if slope is None:
            return
        address = address_of(slope, &self.own.slope_data)
        if slope.signature == SLOPE_SIGNATURES[0]:
            self.own.slope = <slope_function>address
        else:
            self.own.slope_with_data = <slope_with_data>address


cdef void *address_of(function, void **data) except NULL:
    """Where a LowLevelCallable is, and its data."""
    cdef object capsule = tuple.__getitem__(function, 0)   # what SciPy makes of functions of every kind
    data[0] = PyCapsule_GetContext(capsule)
    return PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))


cdef int set_loss(fo_loss *loss, tuple spec) except -1:
    """What kernels are told of a loss, from its `spec`, which must live as long."""
    loss.kind, loss.a, loss.b, loss.own = spec[0], spec[1], spec[2], NULL
    if len(spec) > 3:
        loss.own = &(<OwnLoss?>spec[3]).own
    return 0
