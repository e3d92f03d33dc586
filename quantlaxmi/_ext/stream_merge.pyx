"""Merge of sources into one total order, and the rows of the segment's tables.

The order is (receive time, stream rank, exchange sequence, source line, source). A capture's
messages are final once its clock is more than the reorder window past them, so what waits in
memory is bounded by the window and the chunk.
"""
from libc.stdint cimport INT64_MAX, INT64_MIN, int16_t, int32_t, int64_t
from libc.stdlib cimport qsort
from libc.string cimport memmove

from quantlaxmi._ext.binance_values cimport FAULT_BACK, FAULT_DUPLICATE
from quantlaxmi._ext.message_rows cimport (
    FOLLOW_FIRST, FOLLOW_NUMBER, RANK_DEPTH, RANK_FUNDING, RANK_QUOTE, RANK_TRADE, MessageRows,
    level_t, message_t
)
from quantlaxmi._ext.stream_tables cimport (
    fill, ids_t, pick_t, source_t, tables_out_t
)

import numpy as np

from quantlaxmi.schema import TABLES

cdef enum:
    MAX_SOURCES = 64
    MAX_RELEASED = 1 << 16  # rows after which no further message is released at once
    STATUS_GAP = -1
    STATUS_SILENCE = -2  # a gap that no number tells, but the time without a message
    LATE_NS = 60_000_000_000  # a settlement may be stamped this much after its time
    SILENCE_NS = 43_200_000_000_000  # twelve hours: a day's file that is missing is longer

cdef struct counts_t:
    Py_ssize_t messages[5]  # by rank
    Py_ssize_t depth_rows
    Py_ssize_t picks
    Py_ssize_t faults
    Py_ssize_t gaps
    Py_ssize_t rows
    bint more               # stopped at MAX_RELEASED


cdef inline bint _before(const message_t* a, const message_t* b) noexcept nogil:
    if a.ts != b.ts:
        return a.ts < b.ts
    if a.rank != b.rank:
        return a.rank < b.rank
    if a.sequence != b.sequence:
        return a.sequence < b.sequence
    return a.line < b.line


cdef int _compare(const void* a, const void* b) noexcept nogil:
    return -1 if _before(<const message_t*>a, <const message_t*>b) else 1


cdef void _sort(message_t* m, Py_ssize_t n) noexcept nogil:
    """Nearly sorted as a rule: insertion, given up for qsort when it moves too much."""
    cdef Py_ssize_t i, j, moves = 0
    cdef message_t held
    for i in range(1, n):
        if not _before(&m[i], &m[i - 1]):
            continue
        held = m[i]
        j = i
        while j > 0 and _before(&held, &m[j - 1]):
            m[j] = m[j - 1]
            j -= 1
        m[j] = held
        moves += i - j
        if moves > 8 * n:
            qsort(m, n, sizeof(message_t), _compare)
            return


cdef inline int _check_id(ids_t* ids, int64_t value) noexcept nogil:
    if value > ids.last:
        ids.before = ids.last
        ids.last = value
        return 0
    if value == ids.last:
        return FAULT_DUPLICATE
    if value > ids.before >= 0:
        # The id accepted last may have been the corrupt one: go on from here, so that one wrong
        # digit costs one more line and not all lines until the ids catch up.
        ids.last = value
    return FAULT_BACK


cdef inline void _gap(
    message_t* m, int64_t last, int64_t ts, int64_t seq, counts_t* counts
) noexcept nogil:
    m.status = STATUS_GAP
    m.reference = last
    m.since_ts = ts
    m.since_seq = seq
    counts.gaps += 1


cdef inline void _check(
    source_t* s, message_t* m, int64_t seq, counts_t* counts
) noexcept nogil:
    cdef int fault = 0
    cdef bint snapshot = m.rank == RANK_DEPTH and m.v2
    m.status = 0
    if m.n_lines == 0:
        return  # the number is that of the book before
    if s.checked_ids >> m.rank & 1:
        if snapshot:
            m.reference = s.snapshot
            fault = FAULT_BACK if m.sequence < s.snapshot else 0
            if not fault:
                s.snapshot = m.sequence
        else:
            m.reference = s.ids[m.rank].last
            fault = _check_id(&s.ids[m.rank], m.sequence)
    if fault:
        m.status = fault
        counts.faults += 1
        return
    if m.rank == RANK_DEPTH and (not snapshot or s.follow == FOLLOW_NUMBER):
        if s.diff >= 0 and s.follow and not snapshot and (
            m.v0 - 1 != s.diff if s.follow == FOLLOW_FIRST else m.v1 != s.diff
        ):
            _gap(m, s.diff, s.diff_ts, s.diff_seq, counts)
        s.diff = m.sequence
        s.diff_ts = m.ts
        s.diff_seq = seq
    elif m.rank == RANK_TRADE and s.count_trades:
        if s.trade >= 0 and m.sequence != s.trade + 1:
            _gap(m, s.trade, s.trade_ts, s.trade_seq, counts)
        s.trade = m.sequence
        s.trade_ts = m.ts
        s.trade_seq = seq
    elif m.rank == RANK_FUNDING and (m.v4 or m.v5):
        # Where the time between settlements changes, the longer one holds for both.
        if s.paid_every and (
            m.v5 or m.ts - s.paid_ts > max(m.v4, s.paid_every) + LATE_NS
        ):
            _gap(m, s.paid_ts, s.paid_ts, s.paid_seq, counts)
        elif m.v5:
            _gap(m, m.ts, m.ts, -1, counts)
        s.paid_every = m.v4
        s.paid_ts = m.ts
        s.paid_seq = seq
        return
    if m.status == 0 and s.told_ts[m.rank] >= 0 and m.ts - s.told_ts[m.rank] > SILENCE_NS:
        _gap(m, 0, s.told_ts[m.rank], s.told_seq[m.rank], counts)
        m.status = STATUS_SILENCE
    s.told_ts[m.rank] = m.ts
    s.told_seq[m.rank] = seq


cdef void _order(
    source_t* sources, Py_ssize_t n_sources, int64_t seq, pick_t* picks,
    counts_t* counts
) noexcept nogil:
    """Merge of what is final; faulty messages are counted and left out of the tables."""
    cdef Py_ssize_t k, best
    cdef source_t* s
    cdef message_t* m
    cdef message_t* first
    while True:
        best = -1
        first = NULL
        for k in range(n_sources):
            s = &sources[k]
            if s.next < s.n:
                m = s.messages + s.next
                if first == NULL or _before(m, first):  # equal keys: the earlier source
                    best = k
                    first = m
        if best < 0:
            return
        for k in range(n_sources):
            if first.ts >= sources[k].horizon:
                return
        if counts.rows >= MAX_RELEASED:
            counts.more = True
            return
        s = &sources[best]
        _check(s, first, seq, counts)
        picks[counts.picks].source = <int32_t>best
        picks[counts.picks].index = <int32_t>s.next
        counts.picks += 1
        s.next += 1
        counts.rows += max(first.v4 + first.v5, 1) if first.rank == RANK_DEPTH else 1
        if first.status <= 0:
            seq += 1
            counts.messages[first.rank] += 1
            if first.rank == RANK_DEPTH:
                counts.depth_rows += max(first.v4 + first.v5, 1)


cdef int64_t _joins(const source_t* s, const message_t* m) noexcept nogil:
    """The id that should have joined the last one."""
    if m.rank != RANK_DEPTH:
        return m.sequence
    return m.v0 if s.follow == FOLLOW_FIRST else m.v1


cdef dict _columns(str table, Py_ssize_t n_rows, void** pointers):
    """Empty columns of a table and their addresses, in the schema's order."""
    cdef Py_ssize_t k = 0
    cdef size_t address
    columns = {}
    for name, dtype in TABLES[table].items():
        column = np.empty(n_rows, dtype=dtype)
        columns[name] = column
        address = column.ctypes.data
        pointers[k] = <void*>address
        k += 1
    return columns


cdef class StreamMerge:
    """Merge of captures or files.

    Parameters
    ----------
    sources : sequence of MessageRows
        A source's place is its instrument's number, unless it names another.
    """

    cdef source_t state[MAX_SOURCES]
    cdef list sources
    cdef readonly int64_t seq     # number of the next message
    cdef readonly bint more       # what is final was not released at once: there is more
    cdef int64_t told[MAX_SOURCES][5]  # messages by rank since last taken
    cdef readonly list faults     # see take_faults
    cdef readonly list gaps       # see take_gaps

    def __init__(self, sources):
        cdef Py_ssize_t k, rank
        cdef MessageRows rows
        self.sources = list(sources)
        if not 1 <= len(self.sources) <= MAX_SOURCES:
            raise ValueError(f"expected 1..{MAX_SOURCES} sources, was {len(self.sources)}")
        for k in range(len(self.sources)):
            rows = self.sources[k]
            self.state[k].instrument = <int16_t>(k if rows.instrument < 0 else rows.instrument)
            if not 0 <= self.state[k].instrument < MAX_SOURCES:
                raise ValueError(f"instrument was {rows.instrument}, expected below {MAX_SOURCES}")
            self.state[k].follow = rows.follow
            self.state[k].checked_ids = rows.checked_ids
            self.state[k].count_trades = rows.count_trades
            self.state[k].snapshot = -1
            self.state[k].diff = -1
            self.state[k].diff_ts = self.state[k].diff_seq = -1
            self.state[k].trade = self.state[k].trade_ts = self.state[k].trade_seq = -1
            self.state[k].paid_every = 0
            for rank in range(5):
                self.state[k].ids[rank].last = -1
                self.state[k].ids[rank].before = -1
                self.state[k].told_ts[rank] = self.state[k].told_seq[rank] = -1
        self.faults = []
        self.gaps = []

    def release(self, finished):
        """Rows of messages that are final: of all, or of so many that they take little memory.

        Where it stopped before the last of them, ``more`` is set.

        Parameters
        ----------
        finished : sequence of bool
            Which captures will bring no more lines.

        Returns
        -------
        dict of str to dict of str to ndarray
            Tables with at least one row, columns as in ``schema.TABLES``.
        """
        cdef Py_ssize_t k, p, n_pending = self._sorted(finished), n_sources = len(self.sources)
        cdef counts_t counts = counts_t((0, 0, 0, 0, 0), 0, 0, 0, 0, 0, False)
        cdef source_t* s
        cdef message_t* m
        cdef pick_t* picks
        cdef tables_out_t out
        cdef size_t address
        order = np.empty(max(min(n_pending, MAX_RELEASED), 1), dtype=np.int64)
        address = order.ctypes.data
        picks = <pick_t*>address
        with nogil:
            _order(self.state, n_sources, self.seq, picks, &counts)
        tables = {
            "quotes": _columns("quotes", counts.messages[RANK_QUOTE], <void**>&out.quotes),
            "depth": _columns("depth", counts.depth_rows, <void**>&out.depth),
            "trades": _columns("trades", counts.messages[RANK_TRADE], <void**>&out.trades),
            "funding": _columns("funding", counts.messages[RANK_FUNDING], <void**>&out.funding),
        }
        with nogil:
            fill(self.state, picks, counts.picks, self.seq, &out)
        if counts.faults or counts.gaps:
            self._tell(picks, counts.picks)
        for p in range(counts.picks):
            s = &self.state[picks[p].source]
            m = s.messages + picks[p].index
            if m.status <= 0:
                self.told[picks[p].source][m.rank] += 1
        self.seq += counts.picks - counts.faults
        self.more = counts.more
        for k in range(n_sources):
            _drop(self.sources[k], self.state[k].next)
        return {name: columns for name, columns in tables.items() if len(columns["seq"])}

    cdef Py_ssize_t _sorted(self, finished) except -1:
        """Take what the sources have read, each in its order, and until when it is final."""
        cdef Py_ssize_t k, n_pending = 0
        cdef MessageRows rows
        cdef source_t* s
        for k in range(len(self.sources)):
            rows = self.sources[k]
            s = &self.state[k]
            s.messages = rows.messages
            s.levels = rows.levels
            s.first_level = rows.first_level
            s.n = rows.n_messages
            s.next = 0
            s.horizon = INT64_MAX if finished[k] else INT64_MIN
            if rows.started and not finished[k]:
                s.horizon = rows.high_ns - rows.window_ns
            with nogil:
                _sort(s.messages, s.n)
            n_pending += s.n
        return n_pending

    cdef int _tell(self, const pick_t* picks, Py_ssize_t n_picks) except -1:
        cdef Py_ssize_t p
        cdef const message_t* m
        for p in range(n_picks):
            m = self.state[picks[p].source].messages + picks[p].index
            if m.status > 0:
                self.faults.append(
                    (picks[p].source, m.line, m.status, m.sequence, m.reference, m.n_lines)
                )
            elif m.status == STATUS_GAP:
                self.gaps.append((
                    picks[p].source, m.since_seq, m.since_ts, m.ts, m.reference,
                    _joins(&self.state[picks[p].source], m), m.line, m.rank,
                ))
            elif m.status == STATUS_SILENCE:
                self.gaps.append((
                    picks[p].source, m.since_seq, m.since_ts, m.ts, None, None, m.line, m.rank
                ))
        return 0

    def take_counts(self):
        """Messages released since the last call: for each source, a dict by table."""
        cdef Py_ssize_t k, rank
        names = {RANK_TRADE: "trades", RANK_DEPTH: "depth", RANK_QUOTE: "quotes",
                 RANK_FUNDING: "funding"}
        counts = []
        for k in range(len(self.sources)):
            counts.append({name: self.told[k][rank] for rank, name in names.items()})
            for rank in range(5):
                self.told[k][rank] = 0
        return counts

    def take_faults(self):
        """Faults found since the last call: list of (source, line, code, id, id before, lines)."""
        faults, self.faults = self.faults, []
        return faults

    def take_gaps(self):
        """Gaps since the last call.

        Returns
        -------
        list of (source, seq, start_ns, end_ns, last, found, line, rank)
            Number and receive time of the message before, receive time of the one after, the last
            id before, and the id that should have joined it (perpetual: ``pu``, spot: ``U``,
            trades: their id; settlements: their time), both None where only a long time without
            a message tells it; line and rank of the message after.
        """
        gaps, self.gaps = self.gaps, []
        return gaps


cdef int _drop(MessageRows rows, Py_ssize_t n) except -1:
    """Forget the first n messages and the levels that no waiting or open message has."""
    cdef Py_ssize_t i, rest = rows.n_messages - n
    cdef int64_t first = rows.first_level + (
        rows.n_levels if rows.open_level < 0 else rows.open_level
    )
    cdef Py_ssize_t unused
    if n == 0:
        return 0
    memmove(rows.messages, rows.messages + n, rest * sizeof(message_t))
    rows.n_messages = rest
    for i in range(rest):
        if rows.messages[i].rank == RANK_DEPTH and rows.messages[i].v3 < first:
            first = rows.messages[i].v3
    unused = first - rows.first_level
    memmove(rows.levels, rows.levels + unused, (rows.n_levels - unused) * sizeof(level_t))
    rows.n_levels -= unused
    if rows.open_level >= 0:
        rows.open_level -= unused
    rows.first_level = first
    return 0
