"""Records in a row that grows."""
from libc.stdlib cimport realloc
from libc.string cimport memset

cdef struct buffer_t:
    char* data
    Py_ssize_t n
    Py_ssize_t cap
    Py_ssize_t item


cdef inline void* push(buffer_t* b) noexcept nogil:
    """Room for one more record, zeroed; NULL when memory ran out."""
    cdef Py_ssize_t cap
    cdef char* p
    if b.n == b.cap:
        cap = 2 * b.cap if b.cap else 64
        p = <char*>realloc(b.data, cap * b.item)
        if p == NULL:
            return NULL
        b.data = p
        b.cap = cap
    p = b.data + b.n * b.item
    memset(p, 0, b.item)
    b.n += 1
    return p
