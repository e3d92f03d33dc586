"""Decimal digits read a word at a time, on machines that store the low byte first."""
from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    #define QL_LITTLE_ENDIAN 1
    #else
    #define QL_LITTLE_ENDIAN 0
    #endif
    #define QL_ZEROS UINT64_C(0x3030303030303030)
    #define QL_LOW_BITS UINT64_C(0x7F7F7F7F7F7F7F7F)
    /* Zero bits above the highest one of a word that has one. */
    static inline int ql_zeros_above(uint64_t word) {
    #if defined(__GNUC__) || defined(__clang__)
        return __builtin_clzll(word);
    #else
        int n = 0;
        while (!(word >> 63)) { word <<= 1; n++; }
        return n;
    #endif
    }
    /* Zero bits below the lowest one of a word that has one. */
    static inline int ql_zeros_below(uint64_t word) {
    #if defined(__GNUC__) || defined(__clang__)
        return __builtin_ctzll(word);
    #else
        int n = 0;
        while (!(word & 1)) { word >>= 1; n++; }
        return n;
    #endif
    }
    """
    const bint QL_LITTLE_ENDIAN
    int ql_zeros_above(uint64_t word) noexcept nogil
    int ql_zeros_below(uint64_t word) noexcept nogil
    const uint64_t _ZEROS "QL_ZEROS"
    const uint64_t _LOW_BITS "QL_LOW_BITS"
    const uint64_t _ALL_BITS "UINT64_MAX"


cdef inline uint64_t eight_bytes(const char* s) noexcept nogil:
    cdef uint64_t v
    memcpy(&v, s, 8)
    return v


cdef inline uint64_t _four_bytes(const char* s) noexcept nogil:
    cdef uint32_t v
    memcpy(&v, s, 4)
    return v


cdef inline bint eight_digits(uint64_t v, uint64_t* out) noexcept nogil:
    # Eight ASCII digits at once: pairs, then fours, then the whole (little-endian only).
    if ((v & <uint64_t>0xF0F0F0F0F0F0F0F0) |
            (((v + <uint64_t>0x0606060606060606) & <uint64_t>0xF0F0F0F0F0F0F0F0) >> 4)
            ) != <uint64_t>0x3333333333333333:
        return False
    v = (v & <uint64_t>0x0F0F0F0F0F0F0F0F) * 2561 >> 8
    v = (v & <uint64_t>0x00FF00FF00FF00FF) * 6553601 >> 16
    out[0] = (v & <uint64_t>0x0000FFFF0000FFFF) * <uint64_t>42949672960001 >> 32
    return True


cdef inline uint64_t repeated(uint8_t byte) noexcept nogil:
    """A word of eight such bytes."""
    return byte * <uint64_t>0x0101010101010101


cdef inline uint64_t bytes_equal(uint64_t v, uint64_t wanted) noexcept nogil:
    """The high bit of every byte of a word that is the one of another word."""
    v ^= wanted
    return ~(((v & _LOW_BITS) + _LOW_BITS) | v | _LOW_BITS)


cdef inline bint is_plain_text(uint64_t v) noexcept nogil:
    """Whether eight bytes are ASCII that can be seen, or blanks, and no quotation marks."""
    # Below 32 a byte less 32 borrows; what it borrows from the byte above can only add a finding.
    cdef uint64_t low = (v - repeated(32)) & ~v
    return ((v | low | bytes_equal(v, repeated(34)) | bytes_equal(v, repeated(127)))
            & repeated(128)) == 0


cdef inline uint64_t _points(uint64_t v) noexcept nogil:
    """The high bit of every byte that is a point."""
    return bytes_equal(v, <uint64_t>0x2E2E2E2E2E2E2E2E)


cdef inline bint short_number(
    const char* s, Py_ssize_t n, uint64_t* value, Py_ssize_t* fraction
) noexcept nogil:
    """Digits with at most one point, 4 to 15 bytes in all, without a loop over them.

    The text stands at the upper end of two words, zeros before it; what is before the point moves
    up by one byte, over it. Little-endian only. False where the text is anything else.
    """
    cdef uint64_t low, high = _ZEROS, found, kept, upper = 0
    cdef int above
    if n >= 8:
        low = eight_bytes(s + n - 8)
        if n > 8:
            high = (eight_bytes(s) << (8 * (16 - n))) | (_ZEROS >> (8 * (n - 8)))
    else:
        low = (
            (_four_bytes(s + n - 4) << 32) | (_four_bytes(s) << (8 * (8 - n)))
            | (_ZEROS >> (8 * n))
        )
    fraction[0] = 0
    found = _points(low)
    if found:
        above = ql_zeros_above(found)  # 8 bits for every digit behind the point
        kept = ~(_ALL_BITS >> above)
        low = (low & kept) | (((low << 8) | (high >> 56)) & ~kept)
        high = (high << 8) | 48
        fraction[0] = above >> 3
    elif n > 8:
        found = _points(high)
        if found:
            above = ql_zeros_above(found)
            kept = ~(_ALL_BITS >> above)
            high = (high & kept) | (((high << 8) | 48) & ~kept)
            fraction[0] = 8 + (above >> 3)
    if not eight_digits(low, value):
        return False
    if high != _ZEROS:
        if not eight_digits(high, &upper):
            return False
        value[0] += upper * 100_000_000
    return True
