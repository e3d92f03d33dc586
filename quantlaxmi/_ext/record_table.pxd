"""Records of the engine as arrays, for the engine's own modules."""
from quantlaxmi._ext.engine_state cimport buffer_t


cdef object copied(const buffer_t* b, dtype)
cdef object taken(buffer_t* b, dtype)
