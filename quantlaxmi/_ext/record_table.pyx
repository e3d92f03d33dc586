"""A run's records as NumPy arrays: copied, or handed over with their memory."""
from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

import numpy as np

from quantlaxmi._ext.engine_state cimport buffer_t


cdef class Records:
    """Memory that was a buffer's, read through the buffer protocol; freed with the last array."""

    cdef char* data
    cdef Py_ssize_t size

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, self.data, self.size, True, flags)

    def __dealloc__(self):
        free(self.data)


cdef object copied(const buffer_t* b, dtype):
    """A read-only copy of the records."""
    cdef char[::1] view
    out = np.empty(b.n, dtype=dtype)
    if b.n:
        view = out.view(np.int8)
        memcpy(&view[0], b.data, b.n * b.item)
    out.setflags(write=False)
    return out


cdef object taken(buffer_t* b, dtype):
    """The records themselves, read-only; the buffer is empty afterwards."""
    cdef Records records
    cdef char* less
    if b.n == 0:
        return copied(b, dtype)
    records = Records()
    records.size = b.n * b.item
    # The unused end goes back; where it cannot, it stays.
    less = <char*>realloc(b.data, records.size)
    records.data = less if less != NULL else b.data
    b.data = NULL
    b.n = b.cap = 0
    return np.frombuffer(records, dtype=dtype)
