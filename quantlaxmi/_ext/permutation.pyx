"""Draws of the label permutation: spans of constant position in random order.

The PnL of a span that has position P over rows a..b is P times the move of the mid from a to b.
Spans stay inside their block, so a draw is one walk over the spans. The caller proves that the PnL
of one span fits int64; sums are 128-bit. Draw ``t`` writes row ``t`` alone.
"""
from libc.stdint cimport int64_t, uint64_t
from libc.stdlib cimport free, malloc

from quantlaxmi._ext.draw_sums cimport *
from quantlaxmi._ext.philox cimport philox_below


cdef struct spans_t:
    bundles_t bundles
    const int64_t* block_first
    const int64_t* block_row
    const int64_t* length
    const int64_t* position
    Py_ssize_t n_blocks
    Py_ssize_t n_spans


cdef int _set(spans_t* s, bundles, spans) except -1:
    set_bundles(&s.bundles, bundles)
    s.block_first, s.block_row = line_of(spans.block_first), line_of(spans.block_row)
    s.length, s.position = line_of(spans.length), line_of(spans.position)
    s.n_blocks, s.n_spans = len(spans.block_row), len(spans.length)
    return 0


cdef void _walk(const spans_t* s, const int64_t* order, uint64_t* out) noexcept nogil:
    """S and Q of the spans in an order."""
    cdef ql_i128 sums[2]
    cdef Py_ssize_t b
    cdef int64_t row, end, span, j, gain
    sums[0] = sums[1] = ql_mul64(0, 0)
    for b in range(s.n_blocks):
        row = s.block_row[b]
        for j in range(s.block_first[b], s.block_first[b + 1]):
            span = order[j]
            end = row + s.length[span]
            if s.position[span] >= 0:
                gain = bundle_value(&s.bundles, s.position[span], end)
                gain -= bundle_value(&s.bundles, s.position[span], row)
                add_value(&sums[0], gain)
                add_square(&sums[1], gain)
            row = end
    write_sums(out, sums, 2)


cdef void _shuffle(const spans_t* s, const uint64_t* random, int64_t* order) noexcept nogil:
    cdef Py_ssize_t b
    cdef int64_t i, j, low, kept
    for b in range(s.n_blocks):
        low = s.block_first[b]
        for i in range(s.block_first[b + 1] - 1, low, -1):
            j = low + philox_below(random[i], i - low + 1)
            kept = order[i]
            order[i] = order[j]
            order[j] = kept


cdef int _orders(spans_t* s, uint64_t key, int64_t first, uint64_t[:, ::1] out, int moves) except -1:
    cdef Py_ssize_t t, i, n = s.n_spans
    cdef uint64_t* random = <uint64_t*>malloc((n + 1) * sizeof(uint64_t))
    cdef int64_t* order = <int64_t*>malloc((n + 1) * sizeof(int64_t))
    try:
        if random == NULL or order == NULL:
            raise MemoryError("label permutation")
        with nogil:
            for t in range(out.shape[0]):
                for i in range(n):
                    order[i] = i
                if moves:
                    fill_words(key, first + t, n, random)
                    _shuffle(s, random, order)
                _walk(s, order, &out[t, 0])
    finally:
        free(random)
        free(order)
    return 0


def shuffled(uint64_t key, int64_t first, bundles, spans, uint64_t[:, ::1] out):
    """Sum and sum of squares of the spans' PnL, spans shuffled inside their blocks.

    Parameters
    ----------
    key : int
    first : int
        Number of the first draw.
    bundles, spans
        See `quantlaxmi.gates.path.draw_terms`.
    out : ndarray of uint64, shape (n_draws, 4)
        OUT. S and Q as (high, low).
    """
    cdef spans_t s
    if out.shape[1] != 4:
        raise ValueError(f"out has {out.shape[1]} columns")
    _set(&s, bundles, spans)
    _orders(&s, key, first, out, 1)


def identity(bundles, spans, uint64_t[:, ::1] out):
    """The draw that moves nothing: the spans in their own order through the same walk.

    Parameters
    ----------
    bundles, spans
        As in `shuffled`.
    out : ndarray of uint64, shape (1, 4)
        OUT.
    """
    cdef spans_t s
    if out.shape[1] != 4:
        raise ValueError(f"out has {out.shape[1]} columns")
    _set(&s, bundles, spans)
    _orders(&s, 0, 0, out, 0)
