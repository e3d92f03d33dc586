"""The base of every reader of text lines: it cuts lines out of pieces, keeps the clock and buffers."""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t
from libc.string cimport memchr

from quantlaxmi._ext.binance_values cimport (
    FAULT_JUMP, FAULT_LONG, FAULT_NONE, FAULT_REVERSAL, FAULT_STAMP, FAULT_TEXT
)

from quantlaxmi.errors import InputError

cdef Py_ssize_t _MAX_LINE = 1 << 20
#: Longest line read, in bytes.
MAX_LINE = _MAX_LINE
cdef Py_ssize_t _MAX_SPAN = 1 << 26
#: So many bytes without a newline end the import: the file is not lines of text.
MAX_SPAN = _MAX_SPAN

cdef Py_ssize_t _MAX_WAITING = 1 << 18
#: Messages of one source that may wait for the merge when more of it is to be read.
MAX_WAITING = _MAX_WAITING
cdef Py_ssize_t _MAX_WAITING_LEVELS = 1 << 20
#: Levels of their books.
MAX_WAITING_LEVELS = _MAX_WAITING_LEVELS

cdef int64_t _DAY_NS = 86_400_000_000_000


cdef class MessageRows:
    """Accepted messages of one source, waiting to be merged; readers derive from it.

    Parameters
    ----------
    source : str
        Name of the source for errors.
    window_ns : int
        How far a receive stamp may fall behind the latest one and still be put in its place.
    """

    def __cinit__(self):
        self.messages = NULL
        self.levels = NULL

    def __init__(self, source, int64_t window_ns):
        self.source = source
        self.window_ns = window_ns
        self.apart_ns = _DAY_NS
        self.fault_apart = FAULT_STAMP
        self.instrument = self.open_level = self.last_book = -1
        self.faults = []
        self.carry = bytearray()
        self.note = [""]

    def __dealloc__(self):
        PyMem_RawFree(self.messages)
        PyMem_RawFree(self.levels)

    def feed(self, bytes text not None, bint end=False):
        """Read the next piece of the capture; it may end inside a line.

        Parameters
        ----------
        text : bytes
        end : bool
            The piece is the capture's last.

        Raises
        ------
        InputError
            A second symbol was found, or `MAX_SPAN` bytes without a newline.
        """
        cdef const char* s = PyBytes_AS_STRING(text)
        cdef const char* stop = s + PyBytes_GET_SIZE(text)
        cdef const char* newline
        if len(self.carry):
            newline = <const char*>memchr(s, b'\n', stop - s)
            self._keep(s, (stop if newline == NULL else newline) - s)
            if newline == NULL:
                s = stop
            else:
                s = newline + 1
                self._carried(False)
        while s < stop:
            newline = <const char*>memchr(s, b'\n', stop - s)
            if newline == NULL:
                self._keep(s, stop - s)
                break
            self._line(s, newline - s, False)
            s = newline + 1
        if end and len(self.carry):
            self._carried(True)

    cdef int _keep(self, const char* s, Py_ssize_t n) except -1:
        """Keep the start of a line that goes on in the next piece; no more than can be refused."""
        cdef Py_ssize_t room = _MAX_LINE + 1 - len(self.carry)
        self.carry += PyBytes_FromStringAndSize(s, min(n, room))
        self.n_dropped += max(n - room, 0)
        if self.n_dropped > _MAX_SPAN:
            raise InputError(
                self.source,
                f"has {_MAX_SPAN} bytes without a newline; expected lines of text",
                f"line {self.n_lines + 1}",
            )
        return 0

    cdef int _readable(self, const char* s, Py_ssize_t n) except -1:
        """A fault where the bytes are no line of text: too many, or not UTF-8."""
        cdef Py_ssize_t i
        cdef char bits = 0
        self.note[0] = ""
        if n > _MAX_LINE:
            self.note[0] = f"longer than {_MAX_LINE} bytes"
            return FAULT_LONG
        for i in range(n):
            bits |= s[i]
        if bits & 0x80:
            try:
                PyUnicode_DecodeUTF8(s, n, NULL)
            except UnicodeDecodeError as error:
                self.note[0] = f"byte {error.start}"
                return FAULT_TEXT
        return FAULT_NONE

    cdef int _carried(self, bint cut) except -1:
        cdef bytes line = bytes(self.carry)
        self.carry.clear()
        self.n_dropped = 0
        return self._line(PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line), cut)

    def take_faults(self):
        """Faults found since the last call: list of (line, code, detail, excerpt)."""
        faults, self.faults = self.faults, []
        return faults

    @property
    def pending(self):
        """Messages read and not yet merged."""
        return self.n_messages

    def crowd(self):
        """What waits for the merge, where it is too much to read on.

        Returns
        -------
        tuple of (int, str) or None
            Line of the first waiting message, and the limit in words.
        """
        cdef Py_ssize_t i
        cdef int64_t line
        if self.n_messages == 0 or (
            self.n_messages <= _MAX_WAITING and self.n_levels <= _MAX_WAITING_LEVELS
        ):
            return None
        line = self.messages[0].line
        for i in range(1, self.n_messages):
            line = min(line, self.messages[i].line)
        if self.n_messages > _MAX_WAITING:
            return line, f"{_MAX_WAITING} messages"
        return line, f"{_MAX_WAITING_LEVELS} levels"

    cdef int _line(self, const char* s, Py_ssize_t n, bint cut) except -1:
        """Read one line without its newline; ``cut``: the source ended inside it."""
        raise NotImplementedError

    cdef int _room(self, Py_ssize_t n) except -1:
        """Make room for n more levels."""
        cdef level_t* grown
        if self.n_levels + n > self.cap_levels:
            self.cap_levels = max(2 * self.cap_levels, self.n_levels + n, 4096)
            grown = <level_t*>PyMem_RawRealloc(self.levels, self.cap_levels * sizeof(level_t))
            if grown == NULL:
                raise MemoryError
            self.levels = grown
        return 0

    cdef int _accept(self, message_t* m) except -1:
        """Check the stamp against the exchange's clock and against the lines before."""
        cdef int64_t apart
        if m.exch:
            apart = m.ts - m.exch
            if apart > self.apart_ns or apart < -self.apart_ns:
                limit = "a day" if self.apart_ns == _DAY_NS else f"{self.apart_ns // 10**9} s"
                self.note[0] = f"receive and exchange time are more than {limit} apart"
                return self.fault_apart
        if self.started and m.ts < self.high_ns:
            if self.high_ns - m.ts > self.window_ns:
                self.note[0] = f"{self.high_ns - m.ts} ns behind the lines before"
                return FAULT_REVERSAL
            self.n_reordered += 1
        elif self.started and m.exch == 0 and m.ts - self.high_ns > _DAY_NS and (
            self.suspect_ns == 0 or m.ts < self.suspect_ns - self.window_ns
        ):
            # One corrupt stamp must not make reversals of all that follow: a line that carries no
            # exchange time may jump ahead only where the line before it did so too.
            self.suspect_ns = m.ts
            self.note[0] = f"{m.ts - self.high_ns} ns ahead of the lines before"
            return FAULT_JUMP
        else:
            self.high_ns = m.ts
        self.started = True
        self.suspect_ns = 0
        return FAULT_NONE

    cdef int _void(self, int rank, int64_t ts, int64_t exch) except -1:
        """Say that the book is not known from a line on that was set aside.

        A stamp that may be wrong, or none (0), leaves the latest time before the line. The clock
        does not follow a faulty line.
        """
        cdef message_t* m
        if self.last_book < 0:
            return 0  # no book before it that could be traded on
        if not self.high_ns - self.window_ns <= ts <= self.high_ns + _DAY_NS or (
            exch and not -self.apart_ns <= ts - exch <= self.apart_ns
        ):
            ts, exch = self.high_ns, 0
        m = self._slot()
        m.ts = ts
        m.exch = exch
        m.rank = rank
        m.sequence = self.last_book  # the line puts it behind the book before
        m.line = self.n_lines
        m.n_lines = m.status = 0
        m.v0 = m.v1 = m.v2 = m.v3 = m.v4 = m.v5 = 0
        self.n_messages += 1
        self.n_voids += 1
        return 0

    cdef message_t* _slot(self) except NULL:
        cdef message_t* grown
        if self.n_messages == self.cap_messages:
            self.cap_messages = max(2 * self.cap_messages, 4096)
            grown = <message_t*>PyMem_RawRealloc(
                self.messages, self.cap_messages * sizeof(message_t)
            )
            if grown == NULL:
                raise MemoryError
            self.messages = grown
        return self.messages + self.n_messages
