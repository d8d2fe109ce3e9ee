"""Whether an array can be changed where it lies, as nobody but its owner would see it: by its count of references.

Used by the estimators, whose coef_ is updated in place from call to call of partial_fit.  Knows attributes, not what they mean.
"""
cimport numpy as cnp
from cpython.dict cimport PyDict_GetItem, PyDict_Next
from cpython.object cimport PyObject

cnp.import_array()

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED   /* counts of references are no more than estimates then */
    static Py_ssize_t fo_references(PyObject *object) { (void)object; return -1; }
    #else
    static Py_ssize_t fo_references(PyObject *object) { return Py_REFCNT(object); }
    #endif
    static int fo_is_array(PyObject *object) { return PyArray_CheckExact(object); }
    static PyObject *fo_base(PyObject *array) { return PyArray_BASE((PyArrayObject *)array); }
    static int fo_may_change(PyObject *array) { return PyArray_ISWRITEABLE((PyArrayObject *)array); }
    static int fo_owns(PyObject *array) { return PyArray_CHKFLAGS((PyArrayObject *)array, NPY_ARRAY_OWNDATA); }
    """
    Py_ssize_t fo_references(PyObject *object)
    bint fo_is_array(PyObject *object)
    PyObject *fo_base(PyObject *array)
    bint fo_may_change(PyObject *array)
    bint fo_owns(PyObject *array)


def is_unshared(dict attributes, str name):
    """Whether an array is reached through these attributes alone, so that no one sees it change.

    Parameters
    ----------
    attributes : dict
    name : str
        Of the array, or of its view.

    Examples
    --------
    >>> import numpy as np
    >>> from fastopt._sgd.per_sample.ownership import is_unshared
    >>> attributes = {"coef_": np.zeros(3)}
    >>> is_unshared(attributes, "coef_")
    True
    >>> mine = attributes["coef_"][1:]
    >>> is_unshared(attributes, "coef_")
    False
    """
    cdef PyObject *item = <PyObject *>PyDict_GetItem(attributes, name)
    cdef PyObject *owner
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t place = 0, references = 0
    if item == NULL or not fo_is_array(item):
        return False
    owner = fo_base(item) if fo_base(item) != NULL else item
    if not (fo_is_array(owner) and fo_owns(owner) and fo_may_change(owner) and fo_may_change(item)):
        return False
    while PyDict_Next(attributes, &place, &key, &value):
        if value == owner:
            references += 1
        elif fo_is_array(value) and fo_base(value) == owner:
            references += 1
            if fo_references(value) != 1:
                return False
    return fo_references(owner) == references
