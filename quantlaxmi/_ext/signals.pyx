"""What a long loop hears while it runs: signals in the main thread, and in others that nobody waits.

Python runs the handlers of signals in the main thread alone. A loop in another thread asks whoever
was named by `ask_in_threads`.
"""

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

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
