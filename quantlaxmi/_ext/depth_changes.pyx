"""Level changes of a depth table: collected message by message, then sorted by price.

Of what a message does to a price only the end counts, and only where it differs from before. A hash
table finds the price, so that a row costs no more than in the book itself; sorting is by counting,
after the few distinct prices are sorted.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcpy, memset

from quantlaxmi._ext.signals cimport MOST_STEPS, hear_after, hear_far

cdef struct order_t:
    int64_t price  # negative of asks, so that all ascend
    int32_t side
    int32_t slot


cdef void changes_free(level_changes_t* c) noexcept nogil:
    free(c.changes)
    free(c.slots)
    free(c.table)
    memset(c, 0, sizeof(level_changes_t))


cdef inline Py_ssize_t _hash(int32_t side, int64_t price) noexcept nogil:
    cdef uint64_t x = <uint64_t>price * <uint64_t>0x9E3779B97F4A7C15
    x ^= <uint64_t>side * <uint64_t>0xC2B2AE3D27D4EB4F
    x ^= x >> 29
    x *= <uint64_t>0xBF58476D1CE4E5B9
    return <Py_ssize_t>(x >> 20)


cdef int _grow_table(level_changes_t* c) noexcept nogil:
    """Twice the places, at least; at most half of them are taken."""
    cdef Py_ssize_t n = 2 * (c.mask + 1) if c.table != NULL else 1024, i, at
    cdef int32_t* table = <int32_t*>calloc(n, sizeof(int32_t))
    if table == NULL:
        return -1
    for i in range(c.n_slots):
        at = _hash(c.slots[i].side, c.slots[i].price) & (n - 1)
        while table[at]:
            at = (at + 1) & (n - 1)
        table[at] = i + 1
    free(c.table)
    c.table = table
    c.mask = n - 1
    return 0


cdef int _new_slot(level_changes_t* c, Py_ssize_t at, int32_t side, int64_t price) noexcept nogil:
    cdef price_slot_t* slot
    cdef Py_ssize_t cap
    cdef void* p
    if c.n_slots == c.cap_slots:
        cap = 2 * c.cap_slots if c.cap_slots else 512
        p = realloc(c.slots, cap * sizeof(price_slot_t))
        if p == NULL:
            return -1
        c.slots = <price_slot_t*>p
        c.cap_slots = cap
    slot = c.slots + c.n_slots
    slot.price, slot.side, slot.n = price, side, 0
    c.n_slots += 1
    c.table[at] = c.n_slots
    return 0


cdef int _append(
    level_changes_t* c, Py_ssize_t number, int64_t qty, int32_t message
) noexcept nogil:
    cdef price_slot_t* slot = c.slots + number
    cdef level_change_t* change
    cdef Py_ssize_t cap
    cdef void* p
    if (c.n + 1) * CHANGE_BYTES + c.n_slots * PRICE_BYTES > c.most_bytes:
        return TOO_LARGE
    if c.n == c.cap:
        cap = c.cap + (c.cap >> 1) if c.cap else 4096
        p = realloc(c.changes, cap * sizeof(level_change_t))
        if p == NULL:
            return -1
        c.changes = <level_change_t*>p
        c.cap = cap
    change = c.changes + c.n
    change.qty, change.slot, change.message = qty, number, message
    slot.last = c.n
    slot.n += 1
    c.n += 1
    return 0


cdef int change_add(
    level_changes_t* c, int32_t side, int64_t price, int64_t qty, int32_t message, int32_t loaded
) noexcept nogil:
    cdef level_change_t* last
    cdef Py_ssize_t at, number
    if 2 * c.n_slots >= c.mask and _grow_table(c) != 0:
        return -1
    at = _hash(side, price) & c.mask
    while c.table[at]:
        number = c.table[at] - 1
        if c.slots[number].price == price and c.slots[number].side == side:
            last = c.changes + c.slots[number].last
            if last.message == message:
                last.qty = qty
                return 0
            if qty == (last.qty if last.message >= loaded else 0):
                return 0
            return _append(c, number, qty, message)
        at = (at + 1) & c.mask
    if qty == 0:
        return 0
    if _new_slot(c, at, side, price) != 0:
        return -1
    return _append(c, c.n_slots - 1, qty, message)


cdef int _compare(const void* a, const void* b) noexcept nogil:
    cdef const order_t* x = <const order_t*>a
    cdef const order_t* y = <const order_t*>b
    if x.side != y.side:
        return -1 if x.side < y.side else 1
    return (x.price > y.price) - (x.price < y.price)


cdef void _merge(
    const order_t* a, Py_ssize_t n, const order_t* b, Py_ssize_t m, order_t* out
) noexcept nogil:
    cdef Py_ssize_t i = 0, j = 0
    while i < n and j < m:
        if _compare(&a[i], &b[j]) < 0:
            out[i + j] = a[i]
            i += 1
        else:
            out[i + j] = b[j]
            j += 1
    memcpy(out + i + j, a + i, (n - i) * sizeof(order_t))
    memcpy(out + n + j, b + j, (m - j) * sizeof(order_t))


cdef int _sort(order_t* order, Py_ssize_t n) except -2 nogil:
    """Sort in pieces, merged two by two, with an ear for signals; -1 when memory ran out."""
    cdef order_t* room
    cdef Py_ssize_t i, m, width = MOST_STEPS, steps = 0
    for i in range(n // width + 1):
        m = min(width, n - i * width)
        qsort(order + i * width, m, sizeof(order_t), _compare)
        hear_after(&steps, m)
    if n <= width:
        return 0
    room = <order_t*>malloc(n * sizeof(order_t))
    if room == NULL:
        return -1
    try:
        while width < n:
            for i in range(n // (2 * width) + 1):
                m = min(2 * width, n - i * 2 * width)
                if m > width:
                    _merge(
                        order + i * 2 * width, width, order + i * 2 * width + width, m - width,
                        room + i * 2 * width,
                    )
                    memcpy(order + i * 2 * width, room + i * 2 * width, m * sizeof(order_t))
                hear_after(&steps, m)
            width *= 2
    finally:
        free(room)
    return 0


cdef int _lay_out(
    const level_changes_t* c, const order_t* order, int32_t* next_, Py_ssize_t n_sides,
    sorted_changes_t* out,
) except -2 nogil:
    cdef const price_slot_t* slot
    cdef const level_change_t* change
    cdef level_history_t* side
    cdef Py_ssize_t i, k = 0
    cdef int32_t total = 0
    for i in range(n_sides):
        side = out.sides + i
        side.prices, side.first = out.prices + k, out.first + k
        side.message, side.qty = out.message, out.qty
        while k < c.n_slots and order[k].side == i:
            slot = c.slots + order[k].slot
            out.prices[k] = slot.price
            out.first[k] = next_[order[k].slot] = total
            total += slot.n
            k += 1
        side.n = out.prices + k - side.prices
    out.first[k] = total
    for i in range(c.n):
        hear_far(i)
        change = c.changes + i
        out.message[next_[change.slot]] = change.message
        out.qty[next_[change.slot]] = change.qty
        next_[change.slot] += 1
    return 0


cdef int changes_sorted(
    const level_changes_t* c, Py_ssize_t n_sides, sorted_changes_t* out
) except -2 nogil:
    cdef order_t* order = <order_t*>malloc((c.n_slots + 1) * sizeof(order_t))
    cdef int32_t* next_ = <int32_t*>malloc((c.n_slots + 1) * sizeof(int32_t))
    cdef Py_ssize_t i
    cdef int status = -1
    out.sides = <level_history_t*>calloc(n_sides + 1, sizeof(level_history_t))
    out.prices = <int64_t*>malloc((c.n_slots + 1) * sizeof(int64_t))
    out.first = <int32_t*>malloc((c.n_slots + 1) * sizeof(int32_t))
    out.message = <int32_t*>malloc((c.n + 1) * sizeof(int32_t))
    out.qty = <int64_t*>malloc((c.n + 1) * sizeof(int64_t))
    try:
        if not (
            order == NULL or next_ == NULL or out.sides == NULL or out.prices == NULL
            or out.first == NULL or out.message == NULL or out.qty == NULL
        ):
            for i in range(c.n_slots):
                order[i].side = c.slots[i].side
                order[i].price = -c.slots[i].price if c.slots[i].side & 1 else c.slots[i].price
                order[i].slot = i
            status = _sort(order, c.n_slots)
            if status == 0:
                _lay_out(c, order, next_, n_sides, out)
    finally:
        free(order)
        free(next_)
    return status
