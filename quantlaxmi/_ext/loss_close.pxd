"""A loss that closes: what is looked at after every message where ``on_max_loss`` says so."""
from quantlaxmi._ext.engine_state cimport engine_t

cdef int watch_losses(engine_t* e) noexcept nogil
