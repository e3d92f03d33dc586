"""Orders and requests on their way, by arrival."""
from libc.stdint cimport int64_t

from quantlaxmi._ext.engine_state cimport *


cdef int enqueue(engine_t* e, const pending_t* p) noexcept nogil:
    """Insert by arrival, after those with the same; the orders of a decision stay together."""
    cdef pending_t* q = <pending_t*>push(&e.pending)
    cdef Py_ssize_t i
    if q == NULL:
        return NO_MEMORY
    q = <pending_t*>e.pending.data
    i = e.pending.n - 1
    while i > e.pending_head and q[i - 1].arrival > p.arrival:
        q[i] = q[i - 1]
        i -= 1
    q[i] = p[0]
    e.tape.steps += e.pending.n - i
    due_at(e, p.arrival)
    return OK


cdef Py_ssize_t dequeue(engine_t* e, pending_t* orders) noexcept nogil:
    cdef const pending_t* q = <pending_t*>e.pending.data + e.pending_head
    cdef Py_ssize_t i, n = q.n_legs
    for i in range(n):
        orders[i] = q[i]
    e.pending_head += n
    if e.pending_head == e.pending.n:
        e.pending_head = 0
        e.pending.n = 0
    return n
