"""Lines of a Binance stream capture to checked messages with integer fields.

JSON is read by msgspec; this pass finds the lines and stamps, turns the decoded texts to mantissas
without a float, and checks each line by itself and against the capture's clock. What needs the
final order (duplicate and falling ids, depth gaps) is checked by ``stream_merge``.
"""
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcmp

from quantlaxmi._ext.binance_values cimport (
    FAULT_CROSSED, FAULT_EMPTY, FAULT_HALF, FAULT_JSON, FAULT_MARKET, FAULT_NONE, FAULT_OVERFLOW,
    FAULT_SHAPE, FAULT_STAMP, FAULT_STREAM, FAULT_SYMBOL, FAULT_TEXT, FAULT_UNIT,
    decimal, exchange_time, number, optional_time, price, qty, side
)
from quantlaxmi._ext.message_rows cimport (
    FOLLOW_FIRST, FOLLOW_PREV, RANK_DEPTH, RANK_FUNDING, RANK_QUOTE, RANK_TRADE, MessageRows,
    level_t, message_t
)

from quantlaxmi._ext.plain_levels cimport plain_levels

from quantlaxmi._ext.message_rows import MAX_LINE, MAX_SPAN  # noqa: F401
from quantlaxmi.errors import InputError

#: Names of the reasons a line is set aside for; a fault's code is its index here.
FAULTS = (
    "none",
    "line-too-long",
    "not-utf-8",
    "empty-line",
    "bad-stamp",
    "stamp-unit",
    "half-line",
    "not-json",
    "wrong-shape",
    "unknown-stream",
    "wrong-symbol",
    "other-market",
    "bad-decimal",
    "too-fine",
    "overflow",
    "price-not-positive",
    "bad-quantity",
    "crossed-book",
    "time-reversal",
    "time-jump",
    "duplicate-id",
    "id-going-back",
)

cdef int _SNAPSHOT = 5   # kind of a depth snapshot; the others are ranks
cdef Py_ssize_t _EXCERPT = 160


cdef inline int _guess(const char* s, Py_ssize_t n) noexcept nogil:
    """Kind a line looks like; only chooses the reader to try first, 0 for none."""
    cdef Py_ssize_t i = 11
    cdef Py_ssize_t end
    if n < 16 or memcmp(s, b'{"', 2) != 0:
        return 0
    if memcmp(s, b'{"stream":"', 11) != 0:
        return _SNAPSHOT if memcmp(s, b'{"lastUpdateId"', 15) == 0 else 0
    end = n - 1 if n < 52 else 51
    while i < end and s[i] != b'@':
        i += 1
    if i == end:
        return 0
    if s[i + 1] == b'b':
        return RANK_QUOTE
    if s[i + 1] == b't':
        return RANK_TRADE
    if s[i + 1] == b'd':
        return RANK_DEPTH
    return RANK_FUNDING if s[i + 1] == b'm' else 0


cdef class BinanceRows(MessageRows):
    """Accepted messages of one capture, waiting to be merged.

    Parameters
    ----------
    source : str
        Name of the capture for errors.
    perp : bool
        The capture was given as a perpetual's, not as spot.
    decoders : tuple
        Index: kind (1 trade, 2 depth, 3 quote, 4 funding, 5 snapshot); value: callable from bytes
        to the decoded line, with the levels of books as JSON not read yet.
    classify : callable
        ``bytes -> (kind, line, fault name, detail)``: the exact reading of a line that its
        decoder did not take or whose levels are not plain; kind is 0 for a fault.
    unset : object
        The value of fields that a line leaves out.
    window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place.
    """

    def __init__(self, source, bint perp, tuple decoders, classify, unset, int64_t window_ns):
        super().__init__(source, window_ns)
        self.perp = perp
        self.follow = FOLLOW_PREV if perp else FOLLOW_FIRST
        self.checked_ids = (
            1 << RANK_TRADE | 1 << RANK_DEPTH | 1 << RANK_QUOTE | 1 << RANK_FUNDING
        )
        self.decoders = decoders
        self.classify = classify
        self.unset = unset
        self.streams = [None] * 5 + [unset]

    cdef int _line(self, const char* s, Py_ssize_t n, bint cut) except -1:
        cdef message_t* m = self._slot()
        cdef Py_ssize_t n_levels = self.n_levels
        cdef int fault
        self.n_lines += 1
        m.ts = 0  # until its stamp is read
        fault = self._readable(s, n)
        if fault == FAULT_NONE:
            if n and s[n - 1] == b'\r':
                n -= 1
            fault = self._stamped(s, n, m)
        if fault == FAULT_NONE:
            self.n_messages += 1
            if m.rank == RANK_QUOTE:
                self.last_book = m.sequence
                self.n_one_sided += m.v0 == 0 or m.v2 == 0
            return 0
        self.n_levels = n_levels
        # The book that such a line told is not known. Another symbol's or stream's is not meant.
        if fault != FAULT_STREAM and fault != FAULT_SYMBOL and b"@bookTicker" in s[:n]:
            self._void(RANK_QUOTE, m.ts, 0)
        if cut and fault in (FAULT_STAMP, FAULT_JSON, FAULT_EMPTY, FAULT_TEXT):
            fault, self.note[0] = FAULT_HALF, "the capture ends inside a line"
        excerpt = (<bytes>s[:min(n, _EXCERPT)]).decode("utf-8", "backslashreplace")
        self.faults.append((self.n_lines, fault, self.note[0], excerpt))
        return 0

    cdef int _stamped(self, const char* s, Py_ssize_t n, message_t* m) except -1:
        """A receive time, a blank and the body; a fault code."""
        cdef Py_ssize_t i = 0
        cdef int64_t stamp = 0, unit = 0
        cdef int fault
        while i < n and i < 19 and 48 <= s[i] <= 57:
            stamp = stamp * 10 + (s[i] - 48) if stamp < 922_000_000_000_000_000 else -1
            i += 1
            if stamp < 0:
                break
        if 100_000_000_000_000 <= stamp <= 9_200_000_000_000_000:
            unit = 1_000
        elif 100_000_000_000_000_000 <= stamp <= 9_200_000_000_000_000_000:
            unit = 1
        if n == 0:
            return FAULT_EMPTY
        if unit == 0 or i + 1 >= n or s[i] != b' ':
            shown = (<bytes>s[:min(n, 24)]).decode("utf-8", "backslashreplace")
            self.note[0] = f"was {shown!r}, expected a receive time in ns or us and a space"
            return FAULT_STAMP
        if self.unit and unit != self.unit:
            self.note[0] = f"expected {'ns' if self.unit == 1 else 'us'}, as in the lines before"
            return FAULT_UNIT
        self.unit = unit
        m.ts = stamp * unit
        m.line = self.n_lines
        m.n_lines = 1
        fault = self._body(
            PyBytes_FromStringAndSize(s + i + 1, n - i - 1), _guess(s + i + 1, n - i - 1), m
        )
        return fault if fault else self._accept(m)

    cdef int _body(self, bytes body, int kind, message_t* m) except -1:
        """Read the JSON of a line that looks like ``kind``; a fault code."""
        line = None
        if kind:
            try:
                line = self.decoders[kind](body)
            except Exception:  # the exact reader words the fault
                line = None
        if line is not None and line.stream != self.streams[kind]:
            line = None  # a stream not seen yet, or not of the kind it looked like
        elif kind == RANK_DEPTH and line is not None:
            if not self._plain(line.data.b, line.data.a):
                line = None
        elif kind == _SNAPSHOT and line is not None:
            if not self._plain(line.bids, line.asks):
                line = None
        if line is None:
            kind, line, name, self.note[0] = self.classify(body)
            if kind == 0:
                return FAULTS.index(name)
        return self._message(kind, line, m)

    cdef int _message(self, int kind, object line, message_t* m) except -1:
        """Fill everything but the stamp and the line's number; a fault code."""
        cdef int fault
        m.status = 0
        m.v0 = m.v1 = m.v2 = m.v3 = m.v4 = m.v5 = 0
        if kind == _SNAPSHOT:
            return self._depth(line, m, True)
        data = line.data
        fault = self._own_symbol(kind, line.stream, data.s)
        if fault:
            self.note[0] = f"stream {line.stream[:40]!r} with symbol {data.s[:40]!r}"
            return fault
        if kind == RANK_QUOTE:
            return self._quote(data, m)
        if kind == RANK_TRADE:
            return self._trade(data, m)
        if kind == RANK_FUNDING:
            return self._mark_price(data, m)
        return self._depth(data, m, False)

    cdef int _quote(self, object data, message_t* m) except -1:
        cdef int fault
        cdef bint perp = data.E != 0 or data.T != 0
        m.rank = RANK_QUOTE
        self._market(False, perp)
        fault = number(data.u, &m.sequence, "u", self.note)
        if not fault: fault = side(data.b, data.B, &m.v0, &m.v1, "bid", self.note)
        if not fault: fault = side(data.a, data.A, &m.v2, &m.v3, "ask", self.note)
        if not fault: fault = optional_time(data.T, data.E, &m.exch, self.note)
        if not fault and m.v0 >= m.v2 > 0:
            self.note[0] = f"bid {data.b[:40]} is not below ask {data.a[:40]}"
            fault = FAULT_CROSSED
        return fault

    cdef int _trade(self, object data, message_t* m) except -1:
        cdef int fault = FAULT_NONE
        cdef bint perp = data.X is not self.unset
        m.rank = RANK_TRADE
        if perp or data.M is not self.unset:
            fault = self._market(True, perp)
            if fault: self.note[0] = "a trade as the other market prints it"
        if not fault: fault = number(data.t, &m.sequence, "t", self.note)
        if not fault: fault = price(data.p, &m.v0, "price", self.note)
        if not fault: fault = qty(data.q, &m.v1, 1, "quantity", self.note)
        if not fault: fault = optional_time(data.T, data.E, &m.exch, self.note)
        m.v2 = -1 if data.m is True else 1  # the buyer was the maker: the seller took
        return fault

    cdef int _mark_price(self, object data, message_t* m) except -1:
        cdef int fault
        m.rank = RANK_FUNDING
        fault = self._market(True, True)
        if fault: self.note[0] = "markPrice is a perpetual's stream"
        if not fault: fault = exchange_time(data.E, &m.exch, "E", self.note)
        m.sequence = m.exch
        if not fault: fault = price(data.p, &m.v0, "mark price", self.note)
        if not fault and data.i: fault = price(data.i, &m.v1, "index price", self.note)
        if not fault:
            fault = decimal(data.r, &m.v2)
            if not fault and not -100_000_000 <= m.v2 <= 100_000_000: fault = FAULT_OVERFLOW
            if fault: self.note[0] = f"rate {data.r[:60]!r}"
        if not fault: fault = exchange_time(data.T, &m.v3, "T", self.note)
        return fault

    cdef int _depth(self, object data, message_t* m, bint snapshot) except -1:
        cdef int fault
        cdef int64_t best_bid = 0, best_ask = 0
        m.rank = RANK_DEPTH
        m.v3 = self.first_level + self.n_levels
        m.v1 = -1
        if snapshot:
            m.v2 = 1
            fault = number(data.lastUpdateId, &m.sequence, "lastUpdateId", self.note)
            m.v0 = m.sequence
            bids, asks = data.bids, data.asks
        else:
            fault = self._depth_ids(data, m)
            bids, asks = data.b, data.a
        if not fault: fault = optional_time(data.T, data.E, &m.exch, self.note)
        if PyTuple_CheckExact(bids):
            if not fault: fault = self._levels(bids, &best_bid, True)
            if not fault: fault = self._levels(asks, &best_ask, False)
            m.v4 = PyTuple_GET_SIZE(bids)
            m.v5 = PyTuple_GET_SIZE(asks)
        else:
            m.v4, m.v5 = self.n_plain[0], self.n_plain[1]
            best_bid, best_ask = self.best_plain[0], self.best_plain[1]
            self.n_levels += m.v4 + m.v5
        # A diff's levels stand on a book not known here; a snapshot's stand alone.
        if not fault and snapshot and best_bid and best_ask and best_bid >= best_ask:
            self.note[0] = "best bid is not below best ask"
            fault = FAULT_CROSSED
        return fault

    cdef int _depth_ids(self, object data, message_t* m) except -1:
        """First, last and previous id of a difference."""
        cdef bint perp = data.pu is not self.unset
        cdef int fault = self._market(True, perp)
        if fault: self.note[0] = "with pu" if perp else "without pu"
        if not fault: fault = number(data.U, &m.v0, "U", self.note)
        if not fault: fault = number(data.u, &m.sequence, "u", self.note)
        if not fault and perp: fault = number(data.pu, &m.v1, "pu", self.note)
        if not fault and m.v0 > m.sequence:
            self.note[0] = f"U {m.v0} is above u {m.sequence}"
            fault = FAULT_SHAPE
        return fault

    cdef bint _plain(self, object bids, object asks) except -1:
        """Read the levels of both sides, unread JSON, unless something about them is not plain."""
        self.n_plain[0] = self._plain_side(bids, True, 0)
        if self.n_plain[0] < 0:
            return False
        self.n_plain[1] = self._plain_side(asks, False, self.n_plain[0])
        return self.n_plain[1] >= 0

    cdef Py_ssize_t _plain_side(self, object raw, bint highest, Py_ssize_t after) except? -2:
        cdef Py_buffer text
        cdef Py_ssize_t n
        PyObject_GetBuffer(raw, &text, PyBUF_SIMPLE)
        try:
            self._room(after + text.len // 8 + 1)
            n = plain_levels(
                <const char*>text.buf, text.len, highest, self.levels + self.n_levels + after,
                &self.best_plain[not highest],
            )
        finally:
            PyBuffer_Release(&text)
        return n

    cdef int _levels(self, object levels, int64_t* best, bint highest) except -1:
        """Append levels; `best` is the highest or lowest price with a quantity, 0 for none."""
        cdef Py_ssize_t i, n = PyTuple_GET_SIZE(levels)
        cdef level_t* level
        cdef int fault
        cdef object pair
        self._room(n)
        level = self.levels + self.n_levels
        for i in range(n):
            pair = <object>PyTuple_GET_ITEM(levels, i)
            fault = price(<object>PyTuple_GET_ITEM(pair, 0), &level.price, "level price", self.note)
            if not fault:
                fault = qty(
                    <object>PyTuple_GET_ITEM(pair, 1), &level.qty, 0, "level quantity", self.note
                )
            if fault:
                return fault
            if level.qty and (
                best[0] == 0 or (level.price > best[0] if highest else level.price < best[0])
            ):
                best[0] = level.price
            level += 1
        self.n_levels += n
        return FAULT_NONE

    cdef int _own_symbol(self, int kind, object stream, object symbol) except -1:
        if stream == self.streams[kind] and symbol == self.symbol:
            return FAULT_NONE
        if stream.partition("@")[0].upper() != symbol:
            return FAULT_SYMBOL
        if self.symbol is None:
            self.symbol = symbol
        elif symbol != self.symbol:
            raise InputError(
                self.source,
                f"holds two symbols, {self.symbol} and {symbol[:40]}; expected one a file",
                f"line {self.n_lines}",
            )
        self.streams[kind] = stream
        return FAULT_NONE

    cdef int _market(self, bint strong, bint perp) except -1:
        """Count what a line tells of its market; weak evidence never sets a line aside."""
        if strong:
            if perp == self.perp:
                self.votes_own += 1
                return FAULT_NONE
            self.votes_other += 1
            return FAULT_MARKET
        if perp == self.perp:
            self.quotes_own += 1
        else:
            self.quotes_other += 1
        return FAULT_NONE
