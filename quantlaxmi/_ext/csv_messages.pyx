"""Fields of CSV lines to messages, each checked as a whole."""
from libc.stdint cimport INT64_MAX, int64_t

from quantlaxmi._ext.binance_values cimport FAULT_CROSSED, FAULT_EMPTY, FAULT_NONE, FAULT_SYMBOL
from quantlaxmi._ext.csv_fields cimport CsvFields
from quantlaxmi._ext.csv_groups cimport bids_first
from quantlaxmi._ext.csv_roles cimport (
    FAULT_APART, FAULT_COMMENT, FAULT_DAY, KNOW_EXCHANGE, KNOW_RECEIVED, row_t
)
from quantlaxmi._ext.message_rows cimport (
    RANK_DEPTH, RANK_FUNDING, RANK_QUOTE, RANK_TRADE, level_t, message_t
)


cdef class CsvMessages(CsvFields):
    """Reader of fields that finishes messages; `CsvRows` says which lines make one up.

    Its parameters are those of `CsvFields`.
    """

    cdef int _single(self, const row_t* r, Py_ssize_t first_level) except -1:
        """A line that is a message of its own."""
        cdef message_t* m = self._slot()
        cdef int fault
        m.line = self.n_lines
        m.n_lines = 1
        fault = self._finish(m, r, first_level)
        if fault:
            return fault
        if self.rank == RANK_FUNDING:
            m.v5 = self.lost
            self.lost = False
        self.n_messages += 1
        self.n_read += 1
        self.n_read_lines += 1
        self.last_book = m.sequence
        if self.rank == RANK_QUOTE:
            self.n_one_sided += m.v0 == 0 or m.v2 == 0
        return FAULT_NONE

    cdef int _void_book(self, const row_t* r, int fault) except -1:
        """The book of a line set aside is not known; no data and another symbol's tell of none."""
        cdef int wanted = KNOW_RECEIVED | KNOW_EXCHANGE
        cdef bint placed = r.known & wanted == wanted and fault != FAULT_DAY and fault != FAULT_APART
        if fault == FAULT_EMPTY or fault == FAULT_COMMENT or fault == FAULT_SYMBOL:
            return 0
        if self.numbered and self.rank == RANK_DEPTH and self.last_book >= 0:
            self.number += 1
            self.last_book = self.number
        self._void(self.rank, r.recv if placed else 0, r.exch if placed else 0)
        if self.rank == RANK_DEPTH and self.last_book >= 0:
            self._empty_snapshot(self.messages + self.n_messages - 1)
        return 0

    cdef int _empty_snapshot(self, message_t* m) except -1:
        """A book snapshot without levels."""
        m.v0 = m.sequence
        m.v1 = m.sequence - 1
        m.v2 = 1
        m.v3 = self.first_level + self.n_levels
        return 0

    cdef int _finish(self, message_t* m, const row_t* r, Py_ssize_t first_level) except -1:
        """Fill a message from its first line and its levels, and check it as a whole."""
        cdef int fault
        m.status = 0
        m.rank = self.rank
        m.ts = r.recv
        m.exch = r.recv if self.stamp_is_exchange else r.exch or r.event
        m.sequence = r.sequence
        m.v0, m.v1, m.v2, m.v3 = r.v[0], r.v[1], r.v[2], r.v[3]
        m.v4 = m.v5 = 0
        if self.rank == RANK_QUOTE:
            if m.v0 >= m.v2 > 0:
                self.note[0] = "the bid is not below the ask"
                return FAULT_CROSSED
        elif self.rank == RANK_TRADE:
            m.v2 = r.side
        elif self.rank == RANK_FUNDING:
            if m.v3 == 0:
                m.v3 = m.ts  # settled as it is told
            if self.stamp_is_exchange:
                m.sequence = m.ts  # what tells one settlement from another
            m.v4 = r.hours * 3_600_000_000_000
        else:
            fault = self._finish_depth(m, r, first_level)
            if fault:
                return fault
        if self.day_to and not self.day_from <= m.ts < self.day_to:
            self.note[0] = f"{m.ts} ns is not in the time that the file's name tells"
            return FAULT_DAY
        if r.request and not -self.apart_ns <= m.ts - r.request <= self.apart_ns:
            self.note[0] = "receive and request time are more than "
            self.note[0] += f"{self.apart_ns // 1_000_000_000} s apart"
            return FAULT_APART
        return self._accept(m)

    cdef int _finish_depth(self, message_t* m, const row_t* r, Py_ssize_t first_level) except -1:
        """Number a depth message and put its bids before its asks."""
        cdef int64_t best_bid = 0, best_ask = INT64_MAX
        cdef Py_ssize_t i, n = self.n_levels - first_level
        cdef level_t* levels = self.levels + first_level
        cdef Py_ssize_t n_bids = bids_first(levels, n)
        if n_bids < 0:
            raise MemoryError
        m.v2 = 1 if self.snapshots else r.snapshot
        if self.numbered:
            self.number += 1
            m.sequence = self.number
            m.v0 = self.number
            m.v1 = self.number - 1
        else:
            m.v0 = m.sequence if m.v2 else r.first
            m.v1 = -1 if m.v2 else r.prev
        m.v3 = self.first_level + first_level
        m.v4 = n_bids
        m.v5 = n - n_bids
        for i in range(n):
            if levels[i].qty:
                if i < n_bids:
                    best_bid = max(best_bid, levels[i].price)
                else:
                    best_ask = min(best_ask, levels[i].price)
        # A difference's levels stand on a book not known here; a snapshot's stand alone.
        if m.v2 and best_bid >= best_ask:
            self.note[0] = "the best bid is not below the best ask"
            return FAULT_CROSSED
        return FAULT_NONE

    cdef int _blame(self, int64_t line, int64_t n, int fault, object detail) except -1:
        cdef int64_t k
        for k in range(n):
            self.faults.append((line + k, fault, detail, None))
        return 0
