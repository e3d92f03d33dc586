"""What a long loop hears while it runs: signals in the main thread, and in others that nobody waits.

Python runs the handlers of signals in the main thread alone. A loop in another thread asks whoever
was named by `ask_in_threads`.
"""

from cpython.ref cimport PyObject, Py_XDECREF

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1
    int check_only "PyErr_CheckSignals"() noexcept
    PyObject* PyObject_CallNoArgs(object called) noexcept

cdef object _asked = None


def ask_in_threads(asked):
    """Name what every long loop calls now and then; what it raises ends the loop.

    Parameters
    ----------
    asked : callable
        Called without arguments in the loop's thread.
    """
    global _asked
    _asked = asked


cdef int listen() except -1 nogil:
    with gil:
        PyErr_CheckSignals()
        if _asked is not None:
            _asked()
    return 0


cdef int stopped() noexcept nogil:
    cdef PyObject* answer
    with gil:
        if check_only() != 0:
            return 1
        if _asked is not None:
            answer = PyObject_CallNoArgs(_asked)
            if answer == NULL:
                return 1
            Py_XDECREF(answer)
    return 0


cdef int raise_now() except -1 nogil:
    return -1
