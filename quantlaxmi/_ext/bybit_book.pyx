"""Lines of Bybit's order book files to checked messages: a snapshot or difference of depth each."""
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.stdint cimport int64_t

from quantlaxmi._ext.binance_rows cimport BinanceRows
from quantlaxmi._ext.binance_values cimport (
    FAULT_CROSSED, FAULT_EMPTY, FAULT_NONE, FAULT_STREAM, FAULT_SYMBOL, exchange_time, number
)
from quantlaxmi._ext.message_rows cimport FOLLOW_NUMBER, RANK_DEPTH, message_t

from quantlaxmi._ext.binance_rows import FAULTS


cdef class BybitBook(BinanceRows):
    """Accepted messages of consecutive files of one instrument, waiting to be merged.

    Parameters
    ----------
    source : str
        Name of the first file for errors.
    symbol : str
        That every line must have.
    decode : callable
        Bytes to a decoded line, its levels as JSON not read yet.
    classify : callable
        ``bytes -> (line, fault name, detail)``: the exact reading of a line that ``decode`` did
        not take or whose levels are not plain; an empty name for a good line.
    window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place.
    instrument : int
        Its number in the segment.
    """

    def __init__(
        self, source, str symbol, decode, classify, int64_t window_ns, int instrument
    ):
        super().__init__(source, True, (decode,), classify, None, window_ns)
        self.follow = FOLLOW_NUMBER  # a snapshot begins the ids anew
        self.checked_ids = 0
        self.symbol = symbol
        self.instrument = instrument

    cdef int _stamped(self, const char* s, Py_ssize_t n, message_t* m) except -1:
        cdef bytes body = PyBytes_FromStringAndSize(s, n)
        cdef bint plain
        cdef int fault
        if n == 0:
            return FAULT_EMPTY
        line = None
        try:
            line = self.decoders[0](body)
        except Exception:  # the exact reader words the fault
            line = None
        plain = line is not None and self._plain(line.data.b, line.data.a)
        if not plain:
            line, name, self.note[0] = self.classify(body)
            if name:
                return FAULTS.index(name)
        if line.data.s != self.symbol:
            self.note[0] = f"symbol {line.data.s[:40]!r}"
            return FAULT_SYMBOL
        if not line.topic.startswith("orderbook.") or not line.topic.endswith("." + self.symbol):
            self.note[0] = f"topic {line.topic[:60]!r}"
            return FAULT_STREAM
        m.status = 0
        m.line = self.n_lines
        m.n_lines = 1
        m.rank = RANK_DEPTH
        m.exch = 0
        m.v2 = line.type == "snapshot"
        fault = exchange_time(line.ts, &m.ts, "ts", self.note)
        if not fault and line.cts: fault = exchange_time(line.cts, &m.exch, "cts", self.note)
        if not fault: fault = number(line.data.u, &m.sequence, "u", self.note)
        if not fault: fault = self._book(line.data, plain, m)
        return fault if fault else self._accept(m)

    cdef int _book(self, object data, bint plain, message_t* m) except -1:
        """Ids and levels; a fault code."""
        cdef int fault = FAULT_NONE
        cdef int64_t best_bid = 0, best_ask = 0
        m.v0 = m.sequence
        m.v1 = m.sequence - 1
        m.v3 = self.first_level + self.n_levels
        if plain:
            m.v4, m.v5 = self.n_plain[0], self.n_plain[1]
            best_bid, best_ask = self.best_plain[0], self.best_plain[1]
            self.n_levels += m.v4 + m.v5
        else:
            fault = self._levels(data.b, &best_bid, True)
            if not fault: fault = self._levels(data.a, &best_ask, False)
            m.v4, m.v5 = PyTuple_GET_SIZE(data.b), PyTuple_GET_SIZE(data.a)
        # A difference's levels stand on a book not known here; a snapshot's stand alone.
        if not fault and m.v2 and best_bid and best_ask and best_bid >= best_ask:
            self.note[0] = "best bid is not below best ask"
            fault = FAULT_CROSSED
        return fault
