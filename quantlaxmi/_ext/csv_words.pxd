"""Words and whole numbers in the cells of a CSV line."""
from libc.stdint cimport int64_t
from libc.string cimport memcmp

from quantlaxmi._ext.binance_values cimport FAULT_NONE
from quantlaxmi._ext.csv_roles cimport (
    BUYER_IS_MAKER, FAULT_NUMBER, FAULT_WORD, FIRST_ID, HOURS, ID, IS_ASK, IS_SNAPSHOT,
    KNOW_FIRST, KNOW_ID, KNOW_SNAPSHOT, PREV_ID, TAKER, row_t
)

cdef enum:
    MOST_HOURS = 1000


cdef inline int whole(const char* s, Py_ssize_t n, int64_t* out) noexcept nogil:
    """A whole number of at most 18 digits; 0 if it is one."""
    cdef Py_ssize_t i
    cdef int64_t value = 0
    cdef unsigned char c
    if n < 1 or n > 18:
        return 1
    for i in range(n):
        c = <unsigned char>s[i] - 48
        if c > 9:
            return 1
        value = value * 10 + c
    out[0] = value
    return 0


cdef inline int boolean(const char* s, Py_ssize_t n) noexcept nogil:
    """1, 0, or -1 for neither; as Java, Python and C print them."""
    if n == 1 and (s[0] == b'0' or s[0] == b'1'):
        return s[0] - 48
    if n == 4 and (s[0] == b't' or s[0] == b'T'):
        if memcmp(s + 1, b"rue", 3) == 0 or memcmp(s, b"TRUE", 4) == 0:
            return 1
    if n == 5 and (s[0] == b'f' or s[0] == b'F'):
        if memcmp(s + 1, b"alse", 4) == 0 or memcmp(s, b"FALSE", 5) == 0:
            return 0
    return -1


cdef inline int side_of(const char* s, Py_ssize_t n) noexcept nogil:
    """Side of a level: 1 bid, -1 ask, 0 neither."""
    if n == 1:
        if s[0] == b'0' or s[0] == b'b':
            return 1
        if s[0] == b'1' or s[0] == b'a':
            return -1
    elif n == 3:
        if memcmp(s, b"bid", 3) == 0:
            return 1
        if memcmp(s, b"ask", 3) == 0:
            return -1
    return 0


cdef inline int integer_field(int role, const char* s, Py_ssize_t n, row_t* r) noexcept nogil:
    """An id or another whole number; a fault code."""
    cdef int64_t value = 0
    if role == PREV_ID and n == 2 and s[0] == b'-' and s[1] == b'1':  # there is none
        return FAULT_NONE
    if whole(s, n, &value) or (role == HOURS and value > MOST_HOURS):
        return FAULT_NUMBER
    if role == ID:
        r.sequence = value
        r.known |= KNOW_ID
    elif role == FIRST_ID:
        r.first = value
        r.known |= KNOW_FIRST
    elif role == PREV_ID:
        r.prev = value
    elif role == HOURS:
        r.hours = value
    return FAULT_NONE


cdef inline int word_field(int role, const char* s, Py_ssize_t n, row_t* r) noexcept nogil:
    """A side or a boolean; a fault code."""
    cdef int flag
    if role == IS_ASK:
        r.side = side_of(s, n)
        return FAULT_NONE if r.side else FAULT_WORD
    if role == TAKER:
        if n == 3 and (s[0] == b'b' or s[0] == b'B') and memcmp(s + 1, b"uy", 2) == 0:
            r.side = 1
        elif n == 4 and (s[0] == b's' or s[0] == b'S') and memcmp(s + 1, b"ell", 3) == 0:
            r.side = -1
        elif n != 7 or memcmp(s, b"unknown", 7) != 0:
            return FAULT_WORD
        return FAULT_NONE
    flag = boolean(s, n)
    if role == IS_SNAPSHOT:
        if n == 4 and memcmp(s, b"snap", 4) == 0:
            flag = 1
        elif n == 3 and memcmp(s, b"set", 3) == 0:
            flag = 0
    if flag < 0:
        return FAULT_WORD
    if role == IS_SNAPSHOT:
        r.snapshot = flag
        r.known |= KNOW_SNAPSHOT
    elif role == BUYER_IS_MAKER:
        r.side = -1 if flag else 1  # the buyer was the maker: the seller took
    return FAULT_NONE
