"""Fields of a CSV line to integers, by the role of their column; never through a float."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcmp

from quantlaxmi._ext.binance_values cimport (
    FAULT_DECIMAL, FAULT_DUPLICATE, FAULT_FINE, FAULT_NONE, FAULT_OVERFLOW, FAULT_PRICE, FAULT_QTY,
    FAULT_SHAPE, FAULT_STAMP, FAULT_UNIT
)
from quantlaxmi._ext.csv_roles cimport (
    ASK_PRICE, ASK_QTY, BID_PRICE, BID_QTY, BUYER_IS_MAKER, EVENT, EXCHANGE, FAULT_COLUMNS,
    FAULT_MISSING, FIRST_ID, FLAG, HOURS, ID, IS_ASK, IS_SNAPSHOT, KNOW_EXCHANGE, KNOW_RECEIVED,
    MAX_COLUMNS, NEXT_FUNDING, NUMBER, OPTIONAL_PRICE, PREV_ID, PRICE, QTY, RATE, RECEIVED,
    REQUESTED, SIZE, SKIP, TAKER, TEXT, TRADE_ID, row_t
)
from quantlaxmi._ext.csv_words cimport integer_field, whole, word_field
from quantlaxmi._ext.decimal_text cimport (
    DECIMAL_INEXACT, DECIMAL_OK, DECIMAL_OVERFLOW, parse_mantissa, parse_mantissa_rounded
)
from quantlaxmi._ext.message_rows cimport RANK_DEPTH, RANK_QUOTE, MessageRows, level_t
from quantlaxmi._ext.wide cimport QL_HALF_EVEN

from quantlaxmi._ext import binance_rows
from quantlaxmi.errors import InputError

#: Names of the reasons a line is set aside for; a fault's code is its index here.
FAULTS = binance_rows.FAULTS + (
    "column-count",
    "comment-line",
    "missing-value",
    "bad-number",
    "bad-word",
    "outside-day",
    "time-apart",
    "message-mismatch",
    "incomplete-message",
)
#: What a column may mean.
ROLES = {
    "skip": SKIP, "received": RECEIVED, "exchange": EXCHANGE, "event": EVENT,
    "requested": REQUESTED, "id": ID, "first_id": FIRST_ID, "prev_id": PREV_ID, "price": PRICE,
    "qty": QTY, "size": SIZE, "rate": RATE, "optional_price": OPTIONAL_PRICE,
    "next_funding": NEXT_FUNDING, "is_ask": IS_ASK, "taker": TAKER,
    "buyer_is_maker": BUYER_IS_MAKER, "is_snapshot": IS_SNAPSHOT, "text": TEXT,
    "trade_id": TRADE_ID, "ask_price": ASK_PRICE, "ask_qty": ASK_QTY, "bid_price": BID_PRICE,
    "bid_qty": BID_QTY, "flag": FLAG, "number": NUMBER, "hours": HOURS,
}

cdef enum:
    UNIT_MS = 1
    UNIT_US = 2
    UNIT_NS = 4
    UNIT_S = 8       # seconds with a fraction, which occurs with no other unit
    RATE_EXPONENT = -8
    RATE_ONE = 100_000_000


cdef str _shown(const char* s, Py_ssize_t n):
    return repr((<bytes>s[:min(n, 60)]).decode("utf-8", "backslashreplace"))


cdef class CsvFields(MessageRows):
    """Reader of one line's fields; `CsvRows` makes messages of them.

    Parameters
    ----------
    source : str
        Name of the file for errors.
    window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place.
    rank : int
        `EventKind` of every message.
    price_exponent, qty_exponent : int
    units : str
        Allowed units of stamps: ``"ms"``, ``"us"``, ``"ns"``, separated by blanks; or ``"s"``,
        seconds with a fraction.
    fine_ends : bool
        A price or quantity with digits below the exponent ends the import.
    """

    def __init__(
        self, source, int64_t window_ns, int rank, int price_exponent, int qty_exponent,
        str units, bint fine_ends,
    ):
        super().__init__(source, window_ns)
        self.rank = rank
        self.price_exponent = price_exponent
        self.qty_exponent = qty_exponent
        self.units = 0
        for unit in units.split():
            self.units |= {"s": UNIT_S, "ms": UNIT_MS, "us": UNIT_US, "ns": UNIT_NS}[unit]
        self.fine_ends = fine_ends

    def plan(self, source, columns, check_text):
        """What the columns of the next file mean.

        Parameters
        ----------
        source : str
            Its name for errors.
        columns : sequence of (str, int, int)
            Name, value of `ROLES` and slot of each column.
        check_text : callable
            ``(name, text) -> reason``: judges what a TEXT column holds, empty where it is right.
        """
        cdef Py_ssize_t k
        if not 1 <= len(columns) <= MAX_COLUMNS:
            raise ValueError(f"expected 1..{MAX_COLUMNS} columns, was {len(columns)}")
        self.source = source
        self.n_columns = len(columns)
        self.names = [column[0] for column in columns]
        self.texts = [None] * self.n_columns
        for k in range(self.n_columns):
            self.columns[k].role = columns[k][1]
            self.columns[k].slot = columns[k][2]
            self.unit_of[k] = 0
            if not 0 <= self.columns[k].slot < 4:
                raise ValueError(f"slot was {columns[k][2]}, expected 0..3")
        self.check_text = check_text

    cdef int _parse(self, const char* s, Py_ssize_t n, row_t* r) except -1:
        """Every field of a line; the first fault's code, the others stand in the note."""
        cdef Py_ssize_t k = 0, i
        cdef const char* end = s + n
        cdef const char* comma
        cdef int fault = FAULT_NONE, other
        cdef Py_ssize_t commas = 0
        cdef object noted = ""
        for i in range(n):
            commas += s[i] == b','
        if commas + 1 != self.n_columns:
            self.note[0] = f"{commas + 1} columns, expected {self.n_columns}"
            return FAULT_COLUMNS
        r.recv = r.exch = r.event = r.request = r.sequence = r.first = 0
        r.prev = -1
        r.hours = 0
        r.v[0] = r.v[1] = r.v[2] = r.v[3] = 0
        r.side = r.snapshot = r.known = r.absent = 0
        r.decimals = -1
        self.half_level = 0
        if self.columns[self.n_columns - 1].role >= ASK_PRICE or self.rank == RANK_DEPTH:
            self._room(self.n_columns)
        for k in range(self.n_columns):
            comma = s
            while comma < end and comma[0] != b',':
                comma += 1
            other = self._field(k, s, comma - s, r)
            if other:
                if fault:
                    noted += f"; {FAULTS[other]}: {self.names[k]} {_shown(s, comma - s)}"
                else:
                    fault = other
                    noted = f"{self.names[k]} {_shown(s, comma - s)}"
                    if self.note[0]:
                        noted += f" {self.note[0]}"
                self.note[0] = ""
            s = comma + 1
        if fault == FAULT_NONE and r.first > r.sequence and self.rank == RANK_DEPTH:
            fault, noted = FAULT_SHAPE, f"first id {r.first} is above last id {r.sequence}"
        if fault == FAULT_NONE and self.rank == RANK_QUOTE:
            for k in range(0, 4, 2):  # an absent side has neither price nor quantity
                if r.v[k] == 0 and r.v[k + 1]:
                    fault = FAULT_MISSING if r.absent >> k & 1 else FAULT_PRICE
                elif r.v[k] and r.absent >> (k + 1) & 1:
                    fault = FAULT_MISSING
                if fault:
                    noted = f"the {'ask' if k else 'bid'} has no {'price' if r.v[k] == 0 else 'quantity'}"
                    break
        if fault:
            self.note[0] = noted
        return fault

    cdef int _field(self, Py_ssize_t k, const char* s, Py_ssize_t n, row_t* r) except -1:
        cdef int role = self.columns[k].role
        cdef const char* point
        if role == SKIP:
            return FAULT_NONE
        if k == self.n_columns - 1 and n and not (
            IS_ASK <= role <= TRADE_ID or role == FLAG or RECEIVED <= role <= REQUESTED
        ):
            point = <const char*>memchr(s, b'.', n)
            r.decimals = <int>(0 if point == NULL else s + n - point - 1)
        if role >= ASK_PRICE and role <= BID_QTY:
            return self._level(role, s, n)
        if n == 0 and self.rank == RANK_QUOTE and (role == PRICE or role == QTY):
            r.absent |= 1 << self.columns[k].slot
            return FAULT_NONE
        if n == 0 and role != TRADE_ID:
            return FAULT_NONE if role == OPTIONAL_PRICE else FAULT_MISSING
        if PRICE <= role <= OPTIONAL_PRICE:
            return self._amount(k, s, n, r)
        if RECEIVED <= role <= REQUESTED or role == NEXT_FUNDING:
            return self._time(k, s, n, r)
        if role == TEXT:
            return self._text(k, s, n)
        if role == TRADE_ID:
            return self._trade_id(s, n, r)
        if ID <= role <= PREV_ID or role == NUMBER or role == HOURS:
            return integer_field(role, s, n, r)
        return word_field(role, s, n, r)

    cdef int _amount(self, Py_ssize_t k, const char* s, Py_ssize_t n, row_t* r) except -1:
        """A price, a quantity or a rate, within what it may be."""
        cdef int role = self.columns[k].role, fault, least
        cdef int64_t* v = &r.v[self.columns[k].slot]
        if role == PRICE or role == OPTIONAL_PRICE:
            fault = self._decimal(s, n, self.price_exponent, self.fine_ends, v)
            least = 0 if self.rank == RANK_QUOTE else 1
            return FAULT_PRICE if not fault and v[0] < least else fault
        if role == RATE:
            fault = self._decimal(s, n, RATE_EXPONENT, False, v)
            return FAULT_OVERFLOW if not fault and not -RATE_ONE <= v[0] <= RATE_ONE else fault
        if role == SIZE and self.fine_ends and parse_mantissa(
            s, n, self.qty_exponent, v
        ) == DECIMAL_INEXACT and parse_mantissa_rounded(
            s, n, self.qty_exponent, QL_HALF_EVEN, v
        ) == DECIMAL_OK:
            # Venues print doubles (0.00044782999999999997), and no exponent keeps their digits.
            self.n_rounded += v[0] > 0
            fault = FAULT_NONE
        else:
            fault = self._decimal(s, n, self.qty_exponent, self.fine_ends, v)
        return FAULT_QTY if not fault and v[0] < (1 if role == SIZE else 0) else fault

    cdef int _time(self, Py_ssize_t k, const char* s, Py_ssize_t n, row_t* r) except -1:
        cdef int role = self.columns[k].role, fault
        if role == EVENT:
            return self._stamp(k, s, n, &r.event)
        if role == REQUESTED:
            return self._stamp(k, s, n, &r.request)
        if role == NEXT_FUNDING:
            return self._stamp(k, s, n, &r.v[3])
        fault = self._stamp(k, s, n, &r.recv if role == RECEIVED else &r.exch)
        if not fault:
            r.known |= KNOW_RECEIVED if role == RECEIVED else KNOW_EXCHANGE
        return fault

    cdef int _decimal(
        self, const char* s, Py_ssize_t n, int exponent, bint fine_ends, int64_t* out
    ) except -1:
        cdef int status = parse_mantissa(s, n, exponent, out)
        if status == DECIMAL_OK:
            return FAULT_NONE
        if status == DECIMAL_INEXACT:
            if fine_ends:
                raise InputError(
                    self.source,
                    f"holds {_shown(s, n)}, finer than 10**{exponent}; a mapping can name a finer "
                    "price_exponent or qty_exponent",
                    f"line {self.n_lines}",
                )
            return FAULT_FINE
        if status == DECIMAL_OVERFLOW:
            self.note[0] = f"does not fit 64 bits at 1e{exponent}"
            if fine_ends:
                self.note[0] += "; a mapping can name a coarser price_exponent or qty_exponent"
            return FAULT_OVERFLOW
        return FAULT_DECIMAL

    cdef int _level(self, int role, const char* s, Py_ssize_t n) except -1:
        """Half a level; asks are told by a negative quantity, -1 - qty, until they are sorted."""
        cdef level_t* level = self.levels + self.n_levels
        cdef int fault
        if role == ASK_PRICE or role == BID_PRICE:
            self.half_level = n == 0
            if n == 0:
                return FAULT_NONE
            fault = self._decimal(s, n, self.price_exponent, self.fine_ends, &level.price)
            return FAULT_PRICE if not fault and level.price <= 0 else fault
        if self.half_level != (n == 0):
            return FAULT_MISSING
        if n == 0:
            return FAULT_NONE
        fault = self._decimal(s, n, self.qty_exponent, self.fine_ends, &level.qty)
        if not fault and level.qty <= 0:
            fault = FAULT_QTY
        if not fault:
            if role == ASK_QTY:
                level.qty = -1 - level.qty
            self.n_levels += 1
        return fault

    cdef int _text(self, Py_ssize_t k, const char* s, Py_ssize_t n) except -1:
        text = self.texts[k]
        if text is not None and PyBytes_GET_SIZE(text) == n and (
            memcmp(PyBytes_AS_STRING(text), s, n) == 0
        ):
            return FAULT_NONE
        text = PyBytes_FromStringAndSize(s, n)
        reason = self.check_text(self.names[k], text.decode())
        if reason:
            return FAULTS.index(reason)
        self.texts[k] = text
        return FAULT_NONE

    cdef int _stamp(self, Py_ssize_t k, const char* s, Py_ssize_t n, int64_t* out) except -1:
        cdef int64_t value = 0, unit = 0
        cdef int bit = 0
        if self.units == UNIT_S:
            if parse_mantissa(s, n, -9, &value) != DECIMAL_OK or not (
                100_000_000_000_000_000 <= value <= 9_200_000_000_000_000_000
            ):
                self.note[0] = "is no time in seconds"
                return FAULT_STAMP
            out[0] = value
            return FAULT_NONE
        if n == 19 and s[0] <= b'9':
            if whole(s, 18, &value) == 0 and 48 <= s[18] <= 57 and value < 920_000_000_000_000_000:
                value = value * 10 + (s[18] - 48)
            else:
                value = 0
        elif whole(s, n, &value):
            value = 0
        if 100_000_000_000 <= value <= 9_200_000_000_000:
            unit, bit = 1_000_000, UNIT_MS
        elif 100_000_000_000_000 <= value <= 9_200_000_000_000_000:
            unit, bit = 1_000, UNIT_US
        elif value >= 100_000_000_000_000_000:
            unit, bit = 1, UNIT_NS
        if unit == 0:
            return FAULT_STAMP
        if not self.units & bit or self.unit_of[k] not in (0, unit):
            known = {0: "", 1: "ns", 1_000: "us", 1_000_000: "ms"}[self.unit_of[k]]
            if known:
                self.note[0] = f"is not in {known}, as in the lines before"
            else:
                self.note[0] = "is in a unit that the format does not have"
            return FAULT_UNIT
        self.unit_of[k] = unit
        out[0] = value * unit
        return FAULT_NONE

    cdef int _trade_id(self, const char* s, Py_ssize_t n, row_t* r) except -1:
        """The venue's number, or 0 for an id in words; the same id twice is found here."""
        if whole(s, n, &r.sequence):
            r.sequence = 0
        if n and self.last_id is not None and PyBytes_GET_SIZE(self.last_id) == n and (
            memcmp(PyBytes_AS_STRING(self.last_id), s, n) == 0
        ):
            return FAULT_DUPLICATE
        self.last_id = PyBytes_FromStringAndSize(s, n)
        return FAULT_NONE
