"""Many settings of one strategy over one pass of a market: a lane each.

Every lane is an :class:`Engine` of its own: its strategy, orders, accounts and tables. The rows, books,
features, depth and clocks are those of the first engine, which drives all. A pass is one call without
the interpreter's lock: lanes are made as new, the rows are read, the lanes finish, and each one's clock
buckets and trips are summed.
"""
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.accounts cimport account_t
from quantlaxmi._ext.bucket_sums cimport bucket_sums_t, sum_buckets
from quantlaxmi._ext.engine_core cimport tape_run
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.feature_kernels cimport MAX_FEATURE_ARGS
from quantlaxmi._ext.market_feed cimport feed_t, rewind, rows_read, was_read
from quantlaxmi._ext.own_takes cimport takes_t
from quantlaxmi._ext.quiet_rows cimport QuietRows
from quantlaxmi._ext.replay_loop cimport Engine
from quantlaxmi._ext.signals cimport raise_now
from quantlaxmi._ext.sleep cimport doze, retire, wake
from quantlaxmi._ext.tape cimport reset_tape, tape_finish
from quantlaxmi._ext.trip_sums cimport sum_trips, trip_sums_t
from quantlaxmi._ext.venue_clock cimport met_t
from quantlaxmi._ext.wide cimport *

#: Most lanes of one pass; more of them take more memory than the processor's caches have.
MAX_LANES = 48


cdef void _room(buffer_t* fresh, const buffer_t* used) noexcept nogil:
    """Keep the room that a table has."""
    fresh.data = used.data
    fresh.cap = used.cap


cdef void _free_room(buffer_t* b) noexcept nogil:
    free(b.data)
    b.data = NULL
    b.n = b.cap = 0


cdef void _renew(engine_t* e, fresh_t* fresh) noexcept nogil:
    """Make a lane as new, in the memory it has."""
    cdef engine_t* f = &fresh.e
    cdef Py_ssize_t i, n = e.n_instruments
    _room(&f.pending, &e.pending)
    _room(&f.owed, &e.owed)
    _room(&f.open_bundles, &e.open_bundles)
    _room(&f.bundles, &e.bundles)
    _room(&f.states, &e.states)
    _room(&f.decisions, &e.decisions)
    _room(&f.legs, &e.legs)
    _room(&f.orders, &e.orders)
    _room(&f.fills, &e.fills)
    _room(&f.funding, &e.funding)
    _room(&f.borrow, &e.borrow)
    _room(&f.settled, &e.settled)
    _room(&f.guard.rows, &e.guard.rows)
    _room(&f.guard.close_orders, &e.guard.close_orders)
    e[0] = f[0]
    e.ctx[0] = fresh.ctx
    memset(e.positions, 0, n * sizeof(position_t))
    memset(e.legs_out, 0, MAX_LEGS * sizeof(leg_out_t))
    memset(e.notice, 0, sizeof(fill_notice_t))
    memset(e.cash, 0, fresh.n_currencies * sizeof(ql_i128))
    memset(e.met, 0, n * sizeof(met_t))
    memcpy(e.accounts, fresh.accounts, n * sizeof(account_t))
    if e.loans != NULL:
        memcpy(e.loans, fresh.loans, n * sizeof(borrow_t))
    if fresh.n_slots:
        memcpy(e.state, fresh.state, fresh.n_slots * sizeof(slot_t))
    for i in range(2 * n):
        e.takes[i].n = 0
        e.queues[i].n = 0


cdef class Lanes:
    """Several engines over one pass of a market.

    Parameters
    ----------
    engines : sequence of Engine
        At most ``MAX_LANES``, new, of the same instruments, features and events; of kernels, with
        one latency for all orders and nothing that is watched at every message. From here on they
        run through this object alone; their tables can be read after a pass.
    n_currencies : int
    asleep : sequence of int
        The C address of each kernel's ``asleep``, or 0.

    Attributes
    ----------
    some_sleep : bool
        Whether any kernel says how long it sleeps.

    Raises
    ------
    ValueError
        The engines do not fit each other, or this form.
    """

    def __init__(self, engines, Py_ssize_t n_currencies, asleep):
        cdef Py_ssize_t k
        cdef Engine one
        cdef engine_t* e
        if self.engines is not None:
            raise RuntimeError("Lanes are initialised once")
        self.engines = list(engines)
        self.n = len(self.engines)
        if not 0 < self.n <= MAX_LANES or len(asleep) != self.n:
            raise ValueError(f"lanes were {self.n}, expected 1 to {MAX_LANES}")
        self.first = self.engines[0]
        for one in self.engines:
            _check(self.first, one)
        self.places = <engine_t**>calloc(self.n, sizeof(engine_t*))
        self.fresh = <fresh_t*>calloc(self.n, sizeof(fresh_t))
        self.results = <result_t*>calloc(self.n, sizeof(result_t))
        self.scratch = <int64_t*>calloc(4 * self.first.e.n_instruments, sizeof(int64_t))
        self.sleep.n = (self.n + 3) // 4 * 4
        self.sleep.low = <double*>calloc(3 * self.sleep.n, sizeof(double))
        if (
            self.places == NULL or self.fresh == NULL or self.results == NULL
            or self.scratch == NULL or self.sleep.low == NULL
        ):
            raise MemoryError("lanes")
        self.sleep.high = self.sleep.low + self.sleep.n
        self.sleep.until = self.sleep.high + self.sleep.n
        for k in range(self.sleep.n):
            retire(&self.sleep, k)
        for k in range(self.n):
            one = self.engines[k]
            e = self.places[k] = &one.e
            e.lane = k
            e.asleep = <asleep_fn><size_t>asleep[k]
            self._share(one)
            self._note_fresh(one, &self.fresh[k], n_currencies)
        self.some_sleep = any(asleep)
        self.first.tape.lanes = self.places
        self.first.tape.n_lanes = self.n

    cdef _share(self, Engine one):
        """The market of the first engine takes the place of the engine's own."""
        cdef engine_t* e = &one.e
        cdef tape_t* m = &self.first.tape
        one._keep["first lane"] = self.first if one is not self.first else None
        one.ended = True  # it does not go on by itself
        e.tape = m
        e.event, e.books, e.features = m.event, m.books, m.features
        e.markets, e.clocks = m.markets, m.clocks

    cdef _note_fresh(self, Engine one, fresh_t* fresh, Py_ssize_t n_currencies):
        cdef engine_t* e = &one.e
        cdef Py_ssize_t n = e.n_instruments
        fresh.n_slots = len(one._keep["state"])
        fresh.n_currencies = n_currencies
        fresh.accounts = <account_t*>calloc(n, sizeof(account_t))
        fresh.loans = <borrow_t*>calloc(n, sizeof(borrow_t))
        fresh.state = <slot_t*>calloc(fresh.n_slots + 1, sizeof(slot_t))
        if fresh.accounts == NULL or fresh.loans == NULL or fresh.state == NULL:
            raise MemoryError("lanes")
        fresh.e = e[0]
        fresh.ctx = e.ctx[0]
        memcpy(fresh.accounts, e.accounts, n * sizeof(account_t))
        if e.loans != NULL:
            memcpy(fresh.loans, e.loans, n * sizeof(borrow_t))
        if fresh.n_slots:
            memcpy(fresh.state, e.state, fresh.n_slots * sizeof(slot_t))

    def __dealloc__(self):
        cdef Py_ssize_t k
        if self.fresh != NULL:
            for k in range(self.n):
                free(self.fresh[k].accounts)
                free(self.fresh[k].loans)
                free(self.fresh[k].state)
        free(self.places)
        free(self.fresh)
        free(self.results)
        free(self.scratch)
        free(self.sleep.low)

    def load(self, tables, depth_index=None, QuietRows quiet_rows=None):
        """Take the tables of a market, as :meth:`Engine.load` does; every pass reads them anew.

        With the quiet rows of its quotes a pass walks over those at which all lanes sleep.
        """
        self.first.feed.depth.index = NULL  # others may have been loaded before
        self.first.load(tables, depth_index)
        if quiet_rows is not None and self.first.feed.quotes.n:
            quiet_rows.point(&self.first.feed.quotes, tables)
            self.first._columns.append(quiet_rows)

    def run(
        self, pace, const int64_t[::1] weights, const int64_t[::1] last_mid2, int64_t end_ns,
        const int64_t[::1] ends, const int64_t[:, ::1] mid2, bint sleeping=True,
    ):
        """Make all lanes new, run them over the loaded tables, finish them and sum their results.

        Parameters
        ----------
        pace : callable
            Called before the first row and between stretches of them; gives the rows of the next
            stretch. What it raises ends the pass.
        weights, last_mid2, end_ns
            As in `trip_sums`.
        ends, mid2
            As in `bucket_sums`.
        sleeping : bool
            Whether kernels that say so are left asleep.

        Returns
        -------
        list of (bool, int, int, int, int) or None
            By lane: whether it was followed, total and squares of the buckets, trips, time in
            position. None where the lane failed or its sums do not fit.
        """
        cdef Py_ssize_t n = self.first.tape.n_instruments
        cdef int64_t left = 0
        if weights.shape[0] != n or last_mid2.shape[0] != n:
            raise ValueError("weights and mids are one an instrument")
        if mid2.shape[0] != n or mid2.shape[1] != ends.shape[0] or not ends.shape[0]:
            raise ValueError("mids are one an instrument and bucket")
        with nogil:
            self.pass_over(
                pace, &left, &weights[0], &last_mid2[0], end_ns, &ends[0], ends.shape[0],
                &mid2[0, 0], sleeping,
            )
        return [shown(&self.results[k]) for k in range(self.n)]

    cdef int pass_over(
        self, pace, int64_t* left, const int64_t* weights, const int64_t* last_mid2,
        int64_t end_ns, const int64_t* ends, Py_ssize_t n_ends, const int64_t* mid2, bint sleeping,
    ) except -1 nogil:
        cdef tape_t* m = &self.first.tape
        cdef feed_t* feed = &self.first.feed
        cdef int64_t status, before
        cdef Py_ssize_t k
        self._begin(sleeping)
        while True:
            if left[0] <= 0:
                with gil:
                    left[0] = pace()
            before = rows_read(feed)
            status = tape_run(m, feed, left[0])
            left[0] -= rows_read(feed) - before
            if status != OK or was_read(feed):
                break
        if status == OK:
            status = tape_finish(m, False)
            if status == STOPPED:
                raise_now()
        for k in range(self.n):
            if status != OK:
                self.results[k].outcome = FAILED
                continue
            self._sum(k, weights, last_mid2, end_ns, ends, n_ends, mid2)
        return 0

    def forget(self):
        """Free the memory of all tables; the next pass takes it again."""
        cdef Py_ssize_t k
        cdef engine_t* e
        for k in range(self.n):
            e = self.places[k]
            _free_room(&e.states)
            _free_room(&e.decisions)
            _free_room(&e.legs)
            _free_room(&e.orders)
            _free_room(&e.fills)
            _free_room(&e.funding)
            _free_room(&e.borrow)
            _free_room(&e.settled)
            _free_room(&e.guard.rows)

    cdef void _begin(self, bint sleeping) noexcept nogil:
        cdef tape_t* m = &self.first.tape
        cdef Py_ssize_t k
        rewind(&self.first.feed)
        for k in range(self.n):
            _renew(self.places[k], &self.fresh[k])
            wake(&self.sleep, k)
        reset_tape(m)
        m.n_alive = self.n
        m.sleep = &self.sleep if sleeping and self.some_sleep else NULL

    cdef int _sum(
        self, Py_ssize_t k, const int64_t* weights, const int64_t* last_mid2, int64_t end_ns,
        const int64_t* ends, Py_ssize_t n_ends, const int64_t* mid2,
    ) except -1 nogil:
        cdef result_t* r = &self.results[k]
        cdef engine_t* e = self.places[k]
        r.outcome = FAILED
        if e.failed:
            return 0
        r.outcome = sum_trips(e, &r.trips, self.scratch, weights, last_mid2, end_ns)
        if r.outcome == FOLLOWED:
            r.outcome = sum_buckets(e, &r.buckets, self.scratch, weights, ends, n_ends, mid2)
        if r.outcome > NOT_FOLLOWED:
            r.outcome = FAILED
        return 0

cdef _check(Engine first, Engine one):
    """Whether an engine can be a lane next to the first one."""
    cdef const tape_t* a = &first.tape
    cdef const tape_t* b = &one.tape
    cdef Py_ssize_t k, i
    if one.bridge is not None or one.e.probe != NULL:
        raise ValueError("a lane is a kernel's")
    if one.e.delays != NULL or one.e.guard.watches or one.ended or b.message:
        raise ValueError("a lane has one latency, watches nothing, and is new")
    if a.n_instruments != b.n_instruments or a.n_features != b.n_features:
        raise ValueError("lanes have the same instruments and features")
    if a.event_mask != b.event_mask:
        raise ValueError("lanes hear the same events")
    for k in range(a.n_features):
        if a.calls[k].fn != b.calls[k].fn:
            raise ValueError("lanes have the same features")
        for i in range(MAX_FEATURE_ARGS):
            if a.calls[k].args[i] != b.calls[k].args[i]:
                raise ValueError("lanes have the same features")


cdef shown(const result_t* r):
    cdef Py_ssize_t k
    if r.outcome == FAILED:
        return None
    if r.outcome == NOT_FOLLOWED:
        return False, 0, 0, 0, 0
    squares = 0
    for k in range(3, -1, -1):
        squares = (squares << 64) | int(r.buckets.squares[k])
    return True, wide_int(r.buckets.total), squares, int(r.trips.trips), int(r.trips.held_ns)
