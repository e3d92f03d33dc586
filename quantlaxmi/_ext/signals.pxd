"""Long loops hear a signal: what its handler raises ends them."""

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1


cdef inline int hear(Py_ssize_t i) except -1 nogil:
    """Ask at every 65,536th row; in the main thread only, which alone runs handlers."""
    if i & 0xFFFF == 0xFFFF:
        with gil:
            PyErr_CheckSignals()
    return 0
