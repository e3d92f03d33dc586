"""Lines of CSV market data to checked messages with integer fields.

What a column means is told by its role; which lines make up one message, by the grouping. Values
become mantissas without a float. Each line is checked by itself, each message against the clock of
its file; what needs the final order (duplicate and falling ids, gaps) is checked by
``stream_merge``.

A faulty line takes the whole message it belongs to with it: a book with a level left out would be
a wrong book. Where a line does not tell its message, the one before and the one after are taken.
"""
from libc.stdint cimport int64_t

from quantlaxmi._ext.binance_values cimport FAULT_EMPTY, FAULT_HALF, FAULT_NONE, FAULT_SYMBOL
from quantlaxmi._ext.csv_groups cimport GROUP_IDS, GROUP_LINE, GROUP_STAMPS, same_message
from quantlaxmi._ext.csv_messages cimport CsvMessages
from quantlaxmi._ext.csv_roles cimport (
    FAULT_APART, FAULT_COLUMNS, FAULT_COMMENT, FAULT_INCOMPLETE, FAULT_MISMATCH, FIRST_ID,
    IS_SNAPSHOT, KNOW_FIRST, KNOW_ID, KNOW_RECEIVED, KNOW_SNAPSHOT, row_t
)
from quantlaxmi._ext.message_rows cimport (
    RANK_DEPTH, RANK_FUNDING, RANK_QUOTE, MessageRows, level_t, message_t
)

from quantlaxmi._ext.csv_fields import FAULTS
from quantlaxmi.errors import InputError

cdef enum:
    MAX_MESSAGE_LINES = 1 << 18

#: Which lines make up a message.
GROUPINGS = {"line": GROUP_LINE, "ids": GROUP_IDS, "stamps": GROUP_STAMPS}

cdef Py_ssize_t _EXCERPT = 160


cdef class CsvRows(CsvMessages):
    """Accepted messages of consecutive CSV files of one instrument and kind.

    Parameters
    ----------
    source : str
        Name of the first file for errors.
    window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place.
    instrument : int
        Its number in the segment.
    rank : int
        `EventKind` of every message.
    grouping : int
        A value of `GROUPINGS`.
    price_exponent, qty_exponent : int
    units : str
        Allowed units of stamps: ``"ms"``, ``"us"``, ``"ns"``, separated by blanks.
    apart_ns : int
        Most between receive and exchange time.
    fine_ends : bool
        A price or quantity with digits below the exponent ends the import.
    snapshots : bool
        Every depth message is a snapshot.
    numbered : bool
        Depth messages carry no ids and are numbered here, from 1.
    stamp_is_exchange : bool
        The receive time is the exchange's own: there is no other.
    follow : int
        How depth differences join: 0 unchecked, 1 by first id, 2 by previous id.
    ids : bool
        Ids must ascend.
    count_trades : bool
        A hole in the trade ids is a gap.
    """

    def __init__(
        self, source, int64_t window_ns, *, int instrument, int rank, int grouping,
        int price_exponent, int qty_exponent, str units, int64_t apart_ns, bint fine_ends=False,
        bint snapshots=False, bint numbered=False, bint stamp_is_exchange=False, int follow=0,
        bint ids=True, bint count_trades=False,
    ):
        super().__init__(source, window_ns, rank, price_exponent, qty_exponent, units, fine_ends)
        self.instrument = instrument
        self.grouping = grouping
        self.apart_ns = apart_ns
        self.fault_apart = FAULT_APART
        self.snapshots = snapshots
        self.numbered = numbered
        self.stamp_is_exchange = stamp_is_exchange
        self.follow = 3 if numbered else follow
        self.checked_ids = 1 << rank if ids and not numbered else 0
        self.count_trades = count_trades
        self.diff_before = -1

    def begin(
        self, source, columns, check_text, int64_t skip, int64_t day_from, int64_t day_to
    ):
        """Go on with the next file.

        Parameters
        ----------
        source : str
            Its name for errors.
        columns : sequence of (str, int, int)
            Name, value of `ROLES` and slot of each column.
        check_text : callable
            ``(name, text) -> reason``: judges what a TEXT column holds, empty where it is right.
        skip : int
            Lines of its header.
        day_from, day_to : int
            Receive times it may hold, ``day_from <= ts < day_to``; 0, 0 for any.
        """
        self.plan(source, columns, check_text)
        self.skip = skip
        self.day_from = day_from
        self.day_to = day_to
        self.last_decimals = -1
        self.n_header = self.n_read = self.n_read_lines = 0
        self.hole = self.damage_next = self.after_snapshot = False

    def feed(self, bytes text not None, bint end=False):
        """Read the next piece of the file; it may end inside a line.

        Parameters
        ----------
        text : bytes
        end : bool
            The piece is the file's last.

        Raises
        ------
        InputError
            A number is finer than its exponent and the format does not set such lines aside, or
            ``MAX_SPAN`` bytes came without a newline.
        """
        MessageRows.feed(self, text, end)
        if end and self.is_open:
            self._close()

    cdef int _line(self, const char* s, Py_ssize_t n, bint cut) except -1:
        cdef row_t r
        cdef int fault
        cdef Py_ssize_t first_level = self.n_levels
        self.n_lines += 1
        if self.skip > 0:
            self.skip -= 1
            self.n_header += 1
            return 0
        r.known = 0
        fault = self._readable(s, n)
        if fault == FAULT_NONE:
            if n and s[n - 1] == b'\r':
                n -= 1
            if n == 0:
                fault = FAULT_EMPTY
                self.hole = True
            elif s[0] == b'#':
                fault, self.note[0] = FAULT_COMMENT, "a comment behind the header"
            else:
                fault = self._parse(s, n, &r)
        # Only where all numbers of the last column have as many decimals is a cut one told.
        if fault == FAULT_NONE and cut and r.decimals >= 0 and (
            r.decimals == 0 or r.decimals != self.last_decimals
        ):
            fault, self.note[0] = FAULT_COLUMNS, "digits of the last number may be missing"
        if fault == FAULT_NONE:
            if r.decimals >= 0 and self.last_decimals != r.decimals:
                self.last_decimals = r.decimals if self.last_decimals == -1 else -2
            if self.grouping == GROUP_LINE:
                fault = self._single(&r, first_level)
            else:
                fault = self._grouped(&r)
        if fault == FAULT_NONE:
            self.after_snapshot = r.snapshot
            return 0
        return self._set_aside(&r, s, n, fault, cut, first_level)

    cdef int _set_aside(
        self, const row_t* r, const char* s, Py_ssize_t n, int fault, bint cut,
        Py_ssize_t first_level,
    ) except -1:
        """A faulty line is told, and what its fault does to the message or book it belongs to."""
        if self.grouping == GROUP_LINE:
            self.n_levels = first_level
            if self.rank == RANK_QUOTE or self.rank == RANK_DEPTH:
                self._void_book(r, fault)
            elif self.rank == RANK_FUNDING and self.stamp_is_exchange and (
                fault != FAULT_EMPTY and fault != FAULT_COMMENT and fault != FAULT_SYMBOL
            ):
                self.lost = True  # a settlement, not one of many announcements of it
        if cut and fault != FAULT_EMPTY and fault != FAULT_COMMENT:
            self.note[0] = f"the file ends inside a line; {FAULTS[fault]}: {self.note[0]}"
            fault = FAULT_HALF
        excerpt = (<bytes>s[:min(n, _EXCERPT)]).decode("utf-8", "backslashreplace")
        self.faults.append((self.n_lines, fault, self.note[0], excerpt))
        if self.grouping != GROUP_LINE and fault != FAULT_EMPTY:
            self._place_fault(r)
            if r.known & KNOW_SNAPSHOT:
                self.after_snapshot = r.snapshot
        return 0

    cdef int _grouped(self, const row_t* r) except -1:
        """A line that holds one level of a message."""
        cdef const row_t* h = &self.head
        cdef level_t* level
        if self.is_open and not same_message(self.grouping, r, h, self.after_snapshot):
            self._close()
        if not self.is_open:
            self._begin_message(r)
            if self.damage_next:
                self._damage(self.n_lines - 1)
        elif self.grouping == GROUP_IDS and not self.damaged and (
            r.recv != h.recv or r.exch != h.exch or r.event != h.event or r.prev != h.prev
            or r.request != h.request
        ):
            for name, value, first in (
                ("receive time", r.recv, h.recv), ("exchange time", r.exch, h.exch),
                ("event time", r.event, h.event), ("request time", r.request, h.request),
                ("previous id", r.prev, h.prev),
            ):
                if value != first:
                    self.note[0] = (
                        f"{name} {value} is not {first} as in line {self.open.line}, "
                        f"of the same update {r.sequence}"
                    )
                    break
            return FAULT_MISMATCH
        elif self.hole:
            self._damage(self.n_lines - 1)
        self.hole = self.damage_next = False
        if self.damaged:
            return self._blame(self.n_lines, 1, FAULT_INCOMPLETE, self._damaged_words())
        if self.open.n_lines == MAX_MESSAGE_LINES:
            raise InputError(
                self.source, f"has a message of more than {MAX_MESSAGE_LINES} lines",
                f"line {self.open.line}",
            )
        level = self.levels + self.n_levels
        level.price = r.v[0]
        level.qty = r.v[1] if r.side > 0 else -1 - r.v[1]
        self.n_levels += 1
        self.open.n_lines += 1
        self.head.exch = max(self.head.exch, r.exch)  # the venue sent it no earlier
        return FAULT_NONE

    cdef int _begin_message(self, const row_t* r) except -1:
        self.head = r[0]
        if self.grouping == GROUP_STAMPS and self.after_snapshot:
            self.head.snapshot = 0  # the snapshot goes on: its levels are added to the book
        self.is_open = True
        self.damaged = False
        self.open.line = self.n_lines
        self.open.n_lines = 0
        self.open_level = self.n_levels
        return 0

    def _damaged_words(self):
        """Why the lines of the damaged message cannot be used."""
        words = f"line {self.open.reference} of the same message is faulty"
        if (
            self.grouping == GROUP_IDS and self.rank == RANK_DEPTH and self.diff_before >= 0
            and not self.head.snapshot and not self.snapshots
            and self.head.known & (KNOW_ID | KNOW_FIRST) == KNOW_ID | KNOW_FIRST
            and (self.head.first - 1 if self.follow == 1 else self.head.prev) != self.diff_before
        ):
            joins = self.head.first if self.follow == 1 else self.head.prev
            words += f"; its id {joins} does not follow {self.diff_before}"
        return words

    cdef int _place_fault(self, const row_t* r) except -1:
        """Let a faulty line damage the message it belongs to."""
        cdef int wanted = KNOW_RECEIVED | KNOW_SNAPSHOT
        cdef Py_ssize_t k
        if self.grouping == GROUP_IDS:
            wanted = KNOW_ID
            for k in range(self.n_columns):
                if self.columns[k].role == FIRST_ID:
                    wanted |= KNOW_FIRST
                elif self.columns[k].role == IS_SNAPSHOT:
                    wanted |= KNOW_SNAPSHOT
        if r.known & wanted == wanted:
            if self.is_open and not same_message(
                self.grouping, r, &self.head, self.after_snapshot
            ):
                self._close()
            if not self.is_open:
                self._begin_message(r)
            self.damage_next = False
        else:
            self.damage_next = True
        self.hole = False
        if self.is_open:
            self._damage(self.n_lines)
        return 0

    cdef int _damage(self, int64_t line) except -1:
        """Set the open message aside; ``line`` is the one at fault."""
        if self.damaged:
            return 0
        self.damaged = True
        self.open.reference = line
        self.n_levels = self.open_level
        return self._blame(
            self.open.line, self.open.n_lines, FAULT_INCOMPLETE, self._damaged_words()
        )

    cdef int _close(self) except -1:
        """End the open message: it is accepted, or its lines are set aside."""
        cdef message_t* m
        cdef int fault
        cdef Py_ssize_t first_level = self.open_level
        self.is_open = False
        self.open_level = -1
        if not self.head.snapshot and not self.snapshots:
            self.diff_before = self.head.sequence
        if self.damaged:
            self.number += 1
            return 0
        m = self._slot()
        m.line = self.open.line
        m.n_lines = self.open.n_lines
        self.note[0] = ""
        fault = self._finish(m, &self.head, first_level)
        if fault:
            self.n_levels = first_level
            return self._blame(m.line, m.n_lines, fault, self.note[0])
        self.n_messages += 1
        self.n_read += 1
        self.n_read_lines += m.n_lines
        return 0
