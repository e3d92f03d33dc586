"""Random numbers as a function of (key, high, low): Philox 4x32-10, bit-equal to _jit/rng.py.

There is no state: a block is 128 random bits of the counter ``high * 2**64 + low`` under the key.
Word ``i`` of draw ``d`` is half ``i & 1`` of block (high ``d``, low ``i >> 1``).

Source: Salmon, Moraes, Dror, Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef inline void philox_block(uint64_t key, uint64_t high, uint64_t low, uint64_t* out) noexcept nogil:
    """Words 0 and 1 of the block."""
    cdef uint64_t mask = 0xFFFFFFFFULL
    cdef uint64_t x0 = low & mask, x1 = low >> 32, x2 = high & mask, x3 = high >> 32
    cdef uint64_t k0 = key & mask, k1 = key >> 32, p0, p1
    cdef int i
    for i in range(10):
        p0 = 0xD2511F53ULL * x0
        p1 = 0xCD9E8D57ULL * x2
        x0 = (p1 >> 32) ^ x1 ^ k0
        x1 = p1 & mask
        x2 = (p0 >> 32) ^ x3 ^ k1
        x3 = p0 & mask
        k0 = (k0 + 0x9E3779B9ULL) & mask
        k1 = (k1 + 0xBB67AE85ULL) & mask
    out[0] = x0 | (x1 << 32)
    out[1] = x2 | (x3 << 32)


cdef inline uint64_t philox_word(uint64_t key, uint64_t draw, uint64_t index) noexcept nogil:
    """One word of a draw."""
    cdef uint64_t out[2]
    philox_block(key, draw, index >> 1, out)
    return out[index & 1]


cdef inline int64_t philox_below(uint64_t word, uint64_t n) noexcept nogil:
    """``floor(word * n / 2**64)``, for 0 < n <= 2**32."""
    cdef uint64_t low = <uint64_t>(<uint32_t>word) * n
    return <int64_t>(((word >> 32) * n + (low >> 32)) >> 32)
