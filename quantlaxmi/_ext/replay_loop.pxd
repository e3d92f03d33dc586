"""The engine of a run, for extension modules that build on it."""
from quantlaxmi._ext.engine_state cimport engine_t, tape_t
from quantlaxmi._ext.market_feed cimport feed_t
from quantlaxmi._ext.python_bridge cimport Bridge


cdef class Engine:
    cdef engine_t e
    cdef tape_t tape
    cdef engine_t* alone  # the tape's only lane
    cdef feed_t feed
    cdef object _keep
    cdef object _columns
    cdef Bridge bridge
    cdef bint ended  # its tables were handed over

    cdef _set_strategy(self, bridge, step_address, on_fill_address)
    cdef _going_on(self)
