"""Cells of delimited text to integers, many lines at once.

Only the plain case is read here: ASCII lines without quotation marks that have the right number of
cells, and cells that are what they should be. A row that is anything else is left to the caller,
who reads it again with care and words its fault.
"""
from libc.stdint cimport int64_t, uint64_t, uint8_t
from libc.string cimport memchr, memcmp

from quantlaxmi._ext.decimal_text cimport (
    DECIMAL_INEXACT, DECIMAL_OK, parse_mantissa, parse_mantissa_rounded
)
from quantlaxmi._ext.decimal_words cimport (
    QL_LITTLE_ENDIAN, bytes_equal, eight_bytes, is_plain_text, ql_zeros_below, repeated
)

cdef int64_t _DAY_NS = 86_400_000_000_000


cdef enum:
    INSIDE = 0
    END = 1       # a delimiter
    STRANGE = 2   # nothing of a plain line


cdef struct cells_t:
    # Where the cells of row n go: to place slot * n_rows + n.
    uint8_t kind[256]       # of each byte
    uint64_t delimiters     # eight of them
    Py_ssize_t n_columns
    Py_ssize_t n_rows
    const int64_t* slot_of
    int64_t* starts
    int64_t* ends


cdef inline void _end_cell(
    const uint8_t* s, int64_t begin, int64_t end, const cells_t* cells, Py_ssize_t n,
    Py_ssize_t column
) noexcept nogil:
    """Note where a cell stands, of a column that is asked for."""
    cdef int64_t slot = cells.slot_of[column] if column < cells.n_columns else -1
    if slot >= 0:
        slot = slot * cells.n_rows + n
        _trim(s, begin, end, &cells.starts[slot], &cells.ends[slot])


cdef inline bint _split_line(
    const uint8_t* s, int64_t begin, int64_t end, const cells_t* cells, Py_ssize_t n
) noexcept nogil:
    """Whether the line is plain and has the right number of cells."""
    cdef Py_ssize_t column = 0
    cdef int64_t i = begin, cell = begin, at, stop
    cdef uint64_t word, found
    cdef uint8_t kind
    while i < end:
        stop = min(i + 8, end)
        if QL_LITTLE_ENDIAN and i + 8 <= end:
            word = eight_bytes(<const char*>s + i)
            if is_plain_text(word):
                found = bytes_equal(word, cells.delimiters)
                while found:
                    at = i + (ql_zeros_below(found) >> 3)
                    _end_cell(s, cell, at, cells, n, column)
                    column += 1
                    cell = at + 1
                    found &= found - 1
                i = stop
                continue
        while i < stop:  # the last bytes of a line, and a delimiter that is a control character
            kind = cells.kind[s[i]]
            if kind == STRANGE:
                return False
            if kind == END:
                _end_cell(s, cell, i, cells, n, column)
                column += 1
                cell = i + 1
            i += 1
    _end_cell(s, cell, end, cells, n, column)
    return column + 1 == cells.n_columns


def split_cells(
    const uint8_t[::1] text,          # IN
    int64_t first,
    int64_t stop,
    int delimiter,
    int64_t longest,
    const int64_t[::1] slot_of,       # IN  (n_columns,) row of starts, or -1
    int64_t[:, ::1] starts,           # OUT (n_slots, n_rows)
    int64_t[:, ::1] ends,             # OUT (n_slots, n_rows)
    int64_t[:, ::1] lines,            # OUT (2, n_rows)
    uint8_t[::1] plain,               # OUT (n_rows,)
):
    """Find the cells of whole lines.

    Parameters
    ----------
    text : buffer of uint8
    first, stop : int
        Part of the text to read; a last line without newline is left.
    delimiter : int
        Byte between cells.
    longest : int
        Bytes of the longest line that is plain.
    slot_of : ndarray of int64, shape (n_columns,)
        Which row of ``starts`` a column's cells go to; -1 for none.
    starts, ends : ndarray of int64, shape (n_slots, n_rows)
        Filled: where each cell begins and ends, spaces around it left out.
    lines : ndarray of int64, shape (2, n_rows)
        Filled: where each line begins and ends, its line end left out.
    plain : ndarray of uint8, shape (n_rows,)
        Filled: 1 where the cells were found, 0 where the line has to be read with care.

    Returns
    -------
    n_lines : int
        At most n_rows.
    consumed : int
        Where the line after them begins.
    """
    cdef Py_ssize_t n_rows = plain.shape[0], n = 0
    cdef const uint8_t* s = &text[0] if text.shape[0] else NULL
    cdef const uint8_t* newline
    cdef int64_t at = first, begin, end
    cdef int c
    cdef cells_t cells
    for c in range(256):
        cells.kind[c] = STRANGE if c < 32 or c >= 127 or c == 34 else INSIDE
    cells.kind[delimiter & 255] = END
    cells.delimiters = repeated(<uint8_t>(delimiter & 255))
    cells.n_columns = slot_of.shape[0]
    cells.slot_of = &slot_of[0] if slot_of.shape[0] else NULL
    cells.starts = &starts[0, 0] if starts.shape[0] and n_rows else NULL
    cells.ends = &ends[0, 0] if ends.shape[0] and n_rows else NULL
    cells.n_rows = starts.shape[1]
    while n < n_rows and at < stop:
        newline = <const uint8_t*>memchr(s + at, 10, stop - at)
        if newline == NULL:
            break
        end = newline - s
        lines[0, n] = at
        lines[1, n] = end - (end > at and s[end - 1] == 13)
        begin, at, end = at, end + 1, lines[1, n]
        plain[n] = 0 < end - begin <= longest and _split_line(s, begin, end, &cells, n)
        n += 1
    return n, at


cdef inline void _trim(
    const uint8_t* s, int64_t start, int64_t end, int64_t* first, int64_t* last
) noexcept nogil:
    while start < end and s[start] == 32:
        start += 1
    while end > start and s[end - 1] == 32:
        end -= 1
    first[0] = start
    last[0] = end


def decimal_cells(
    const uint8_t[::1] text,          # IN
    const int64_t[::1] starts,        # IN  (n_rows,)
    const int64_t[::1] ends,          # IN  (n_rows,)
    int exponent,
    int rounding,
    int64_t[::1] out,                 # OUT (n_rows,)
    uint8_t[::1] good,                # IN and OUT (n_rows,)
    uint8_t[::1] rounded,             # IN and OUT (n_rows,)
):
    """Mantissas of cells, exactly unless a rounding is asked for.

    Parameters
    ----------
    text : buffer of uint8
    starts, ends : ndarray of int64, shape (n_rows,)
    exponent : int
        Power of ten of the mantissas.
    rounding : int
        A value of `quantlaxmi.fixed.Rounding` for digits beyond the exponent; -1: they are faults.
    out : ndarray of int64, shape (n_rows,)
        Filled where ``good`` stays 1.
    good : ndarray of uint8, shape (n_rows,)
        Rows to read; set to 0 where a cell is no number or does not fit the exponent.
    rounded : ndarray of uint8, shape (n_rows,)
        Set to 1 where a cell was rounded.
    """
    cdef const char* s = <const char*>&text[0] if text.shape[0] else NULL
    cdef Py_ssize_t k
    cdef int status
    for k in range(starts.shape[0]):
        if good[k]:
            status = parse_mantissa(s + starts[k], ends[k] - starts[k], exponent, &out[k])
            if status == DECIMAL_INEXACT and rounding >= 0:
                status = parse_mantissa_rounded(
                    s + starts[k], ends[k] - starts[k], exponent, rounding, &out[k]
                )
                rounded[k] = 1
            good[k] = status == DECIMAL_OK


def equal_cells(
    const uint8_t[::1] text,          # IN
    const int64_t[::1] starts,        # IN  (n_rows,)
    const int64_t[::1] ends,          # IN  (n_rows,)
    const uint8_t[::1] wanted,        # IN
    uint8_t[::1] good,                # IN and OUT (n_rows,)
):
    """Rows whose cell is a given text.

    Parameters
    ----------
    text : buffer of uint8
    starts, ends : ndarray of int64, shape (n_rows,)
    wanted : buffer of uint8
    good : ndarray of uint8, shape (n_rows,)
        Set to 0 where the cell is another.
    """
    cdef Py_ssize_t k, n = wanted.shape[0]
    for k in range(starts.shape[0]):
        if good[k]:
            good[k] = ends[k] - starts[k] == n and (
                n == 0 or memcmp(&text[starts[k]], &wanted[0], n) == 0
            )


def stamp_cells(
    const uint8_t[::1] text,          # IN
    const int64_t[::1] starts,        # IN  (n_rows,)
    const int64_t[::1] ends,          # IN  (n_rows,)
    int64_t[::1] out,                 # OUT (n_rows,)
    uint8_t[::1] zoned,               # OUT (n_rows,)
    uint8_t[::1] good,                # IN and OUT (n_rows,)
):
    """Nanoseconds since 1970 of ISO 8601 stamps.

    Parameters
    ----------
    text : buffer of uint8
    starts, ends : ndarray of int64, shape (n_rows,)
    out : ndarray of int64, shape (n_rows,)
        Filled where ``good`` stays 1: ns in UTC, or as on a wall clock where no offset is named.
    zoned : ndarray of uint8, shape (n_rows,)
        Filled: 1 where the text names an offset.
    good : ndarray of uint8, shape (n_rows,)
        Set to 0 where a cell is not ``YYYY-MM-DD``, with or without ``HH:MM[:SS[.f]]`` behind a
        blank or ``T``, and with or without ``Z``, ``UTC`` or an offset such as ``+05:30``.
    """
    cdef const uint8_t* s = &text[0] if text.shape[0] else NULL
    cdef Py_ssize_t k
    cdef int zone
    for k in range(starts.shape[0]):
        if good[k]:
            zone = _iso(s + starts[k], ends[k] - starts[k], &out[k])
            good[k] = zone >= 0
            zoned[k] = zone == 1


cdef inline int _two(const uint8_t* s) noexcept nogil:
    """Two digits; -1 where they are none."""
    cdef uint8_t a = <uint8_t>(s[0] - 48), b = <uint8_t>(s[1] - 48)
    return 10 * a + b if a <= 9 and b <= 9 else -1


cdef inline int64_t _days(int64_t year, int64_t month, int64_t day) noexcept nogil:
    """Days since 1970-01-01, by the algorithm of H. Hinnant, "chrono-compatible low-level date
    algorithms" (days_from_civil), for years from 1 on."""
    cdef int64_t y = year - (month <= 2), era, of_era, of_year
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


cdef inline int _month_days(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef int _iso(const uint8_t* s, int64_t n, int64_t* out) noexcept nogil:
    """1 where an offset is named, 0 where none is, -1 where the text has to be read with care."""
    cdef int century, year, month, day
    cdef int64_t at
    if n < 10 or s[4] != b'-' or s[7] != b'-':
        return -1
    century, year, month, day = _two(s), _two(s + 2), _two(s + 5), _two(s + 8)
    if century < 0 or year < 0 or month < 1 or month > 12 or day < 1:
        return -1
    year += 100 * century
    # Other years are no stamps of market data, and their nanoseconds might not fit.
    if year < 1990 or year > 2110 or day > _month_days(year, month):
        return -1
    out[0] = _days(year, month, day) * _DAY_NS
    if n == 10:
        return 0
    at = _clock(s, n, out)
    return _zone(s, n, at, out) if at > 0 else -1


cdef int64_t _clock(const uint8_t* s, int64_t n, int64_t* out) noexcept nogil:
    """Add the time of day behind a date; where the text goes on, or -1."""
    cdef int hour, minute, second = 0, digits = 0
    cdef int64_t ns = 0, at
    cdef uint8_t c
    if n < 16 or (s[10] != b' ' and s[10] != b'T') or s[13] != b':':
        return -1
    hour, minute = _two(s + 11), _two(s + 14)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59:
        return -1
    at = 16
    if at + 2 < n and s[at] == b':':
        second = _two(s + at + 1)
        if second < 0 or second > 59:
            return -1
        at += 3
        if at < n and s[at] == b'.':
            at += 1
            while at < n and digits < 9:
                c = <uint8_t>(s[at] - 48)
                if c > 9:
                    break
                ns = ns * 10 + c
                digits += 1
                at += 1
            if digits == 0:
                return -1
            while digits < 9:
                ns *= 10
                digits += 1
    out[0] += ((hour * 60 + minute) * 60 + second) * <int64_t>1_000_000_000 + ns
    return at


cdef int _zone(const uint8_t* s, int64_t n, int64_t at, int64_t* out) noexcept nogil:
    """Take off the offset named from ``at`` on; as `_iso`."""
    cdef int hour, minute, sign
    cdef int64_t offset
    if at == n:
        return 0
    while at < n and s[at] == b' ':
        at += 1
    if n - at == 1 and s[at] == b'Z':
        return 1
    if n - at == 3 and memcmp(s + at, b"UTC", 3) == 0:
        return 1
    if n - at < 5 or n - at > 6 or (s[at] != b'+' and s[at] != b'-'):
        return -1
    if n - at == 6 and s[at + 3] != b':':
        return -1
    sign = 1 if s[at] == b'+' else -1
    hour, minute = _two(s + at + 1), _two(s + n - 2)
    if hour < 0 or minute < 0:
        return -1
    offset = sign * (hour * 60 + minute)
    out[0] -= offset * 60 * <int64_t>1_000_000_000
    return 1
