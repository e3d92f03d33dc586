"""The replay loop: market messages in, decisions, orders, fills and money out.

One :class:`Engine` holds the whole state of a run (books, pending orders, positions, accounts,
strategy state, features, results), so that a replay can stop after any message and go on: columns
are fed in chunks of any size, and the result does not depend on how they were cut.
"""
from libc.stdint cimport int64_t
from libc.string cimport memset

from quantlaxmi import schema as _schema
from quantlaxmi._ext._types cimport *
from quantlaxmi._ext.depth_index cimport DepthIndex
from quantlaxmi._ext.depth_levels cimport depth_gaps
from quantlaxmi._ext.engine_core cimport tape_run
from quantlaxmi._ext.engine_setup cimport (
    allocate, allocate_tape, point_at, release, set_accounts, set_base_fees, set_borrow, set_delays,
    set_contracts, set_features, set_guard, set_impact
)
from quantlaxmi._ext.engine_state cimport *
from quantlaxmi._ext.market_feed cimport feed_t, load_feed, was_read
from quantlaxmi._ext.python_bridge cimport (
    Bridge, EventBridge, event_step, python_fill, python_step
)
from quantlaxmi._ext.record_table cimport copied, taken
from quantlaxmi._ext.signals cimport raise_now
from quantlaxmi._ext.tape cimport tape_finish
from quantlaxmi._ext.venue_clock cimport met_t, venue_clock_t
from quantlaxmi._ext.wide cimport *

#: What a status below 0 means.
FAILURES = {
    NO_MEMORY: "memory ran out",
    OVERFLOW: "a sum of money or a price does not fit its integer",
    TIME_REVERSED: "the receive time goes back",
    STRATEGY_FAILED: "the strategy returned a failure",
    BAD_LEG: "the strategy sent a leg that cannot be an order",
    BAD_ROW: "the row names an instrument the segment does not have",
    BAD_TARGET: "the strategy sent a leg that names no order of its instrument",
    BAD_BUNDLE: "the strategy bundled a leg that does not end on arrival",
    BAD_UNITS: "the strategy sent a leg that no bundle with a policy of units can have",
    UNSETTLED: "a position has outlived its contract",
}

#: Tables of a run, in the order of :meth:`Engine.tables`.
RESULTS = {
    "decisions": _schema.DECISION_DTYPE,
    "legs": _schema.LEG_DTYPE,
    "orders": _schema.ORDER_DTYPE,
    "fills": _schema.FILL_DTYPE,
    "funding": _schema.FUNDING_PAID_DTYPE,
    "risk": _schema.RISK_DTYPE,
    "borrow": _schema.BORROW_PAID_DTYPE,
    "bundles": _schema.BUNDLE_DTYPE,
    "settled": _schema.SETTLED_DTYPE,
}


cdef class Engine:
    """One run in progress.

    Parameters
    ----------
    memory : dict of str to ndarray
        The kernel-facing records, shared with interpreted and Python strategies: ``ctx``,
        ``event``, ``books``, ``positions``, ``features``, ``state``, ``params``, ``legs_out``,
        ``notice``; dtypes of :mod:`quantlaxmi.schema`.
    accounts : sequence of tuple
        Per instrument ``(currency index, scale, maker_num, maker_den, taker_num, taker_den,
        fee_scale)``, with components 8 more, see `execution.account_terms`.
    n_currencies : int
    features : sequence of (str, tuple of int)
    event_mask : int
        Bit ``k`` set: the strategy is called at messages of ``EventKind`` ``k``.
    latency_ns : int
    rate_den : int
        Divisor that brings ``price * quantity * rate`` to the ledger's scale.
    step_address, on_fill_address : int
        C addresses of a kernel, or 0 when a bridge is given.
    bridge : Bridge or None
        Calls a strategy written in Python.
    rules : sequence of tuple
        Per instrument ``(tick, lot, min_notional, closing_exempt, max_position, max_notional)``;
        money at the ledger's scale, 0 for no rule, ``max_notional`` None for none. Empty: nothing
        is checked.
    delays : tuple or None
        ``((constant, values, key), (constant, values, key))`` of order entry and of response, in
        nanoseconds: an element of ``values`` (int64, may be empty) is drawn by number under the
        key, or the constant holds. None: entry takes ``latency_ns``, response nothing.
    impact : sequence of (int, int)
        By instrument, fixed and square-root impact at 10**-8 bps; empty for none.
    limits : tuple
        ``(orders per second, orders per minute, oldest book in ns, least result, money unit,
        whether passing the least result closes, capital)``;
        0 for no limit, the least result (at ledger exponent - 1) None for none. ``capital`` is
        None, or ``(capital at ledger exponent - 1, numerator, denominator of the leverage)``; there
        is then one currency.
    borrow : sequence of (int, int)
        By instrument, the interest on a short position as a fraction: half-even(bid + ask times
        quantity times nanoseconds times ``num / den``) in ledger units; (0, 0) where none is
        borrowed. Empty for none.
    base_fees : sequence of tuple
        By instrument ``(whether buys pay their fee in base, maker, taker, step, lot)``: rates at
        10**-8 bps of what is bought, 0 for one that is paid in quote, and the quantity units that
        fees, and that orders, are multiples of. Empty for none.
    refuse_short : bool
        A sale of an instrument that would have to be borrowed is refused.
    pro_rata : bool
        Size cancelled at the price of a resting order shortens the queue before it in proportion.
    trades_by_receipt : bool
        A trade acts on every order that rests when it is received, also where it was over by the
        venue's clock when the order arrived.
    leg_latency_ns : int
        A leg of a bundle arrives so much after the one before it.
    contracts : sequence of tuple
        By instrument ``(right, strike, end)``: 1 for a call, -1 for a put, 0 for anything else;
        the time in ns at which it ends, None for one that does not. Empty where none ends.
    settles_at_mark : bool
        A position that outlived its contract is settled at the last mid when the data end;
        otherwise it ends the run with ``UNSETTLED``.
    """

    def __cinit__(self):
        memset(&self.e, 0, sizeof(engine_t))
        memset(&self.tape, 0, sizeof(tape_t))

    def __init__(
        self, memory, accounts, n_currencies, features, event_mask, latency_ns,
        rate_den, step_address=0, on_fill_address=0, bridge=None, rules=(),
        limits=(0, 0, 0, None, 1, False, None), pro_rata=False, delays=None, impact=(),
        trades_by_receipt=False, borrow=(), refuse_short=False, base_fees=(), leg_latency_ns=0,
        contracts=(), settles_at_mark=False,
    ):
        cdef engine_t* e = &self.e
        if e.tape != NULL:
            raise RuntimeError("an Engine is initialised once")
        if len(accounts) != len(memory["books"]):
            raise ValueError("engine memory has the wrong size")
        self._keep = dict(memory)
        point_at(e, self._keep)
        allocate_tape(&self.tape, e, &self.alone)
        self.tape.event_mask = event_mask
        e.latency_ns, e.leg_latency_ns = latency_ns, leg_latency_ns
        e.pro_rata = pro_rata
        e.trades_by_receipt = trades_by_receipt
        e.due_ns, e.ts_ns, e.seq = NEVER, -NEVER, -1
        self._set_strategy(bridge, step_address, on_fill_address)
        e.ctx.abi_version = _schema.KERNEL_ABI_VERSION
        e.ctx.n_instruments = e.n_instruments
        e.ctx.latency_ns = latency_ns
        allocate(e, n_currencies)
        set_accounts(e, accounts, n_currencies, rate_den)
        if delays is not None:
            set_delays(e, self._keep, delays)
        set_guard(e, rules, limits)
        set_impact(e, impact)
        set_borrow(e, borrow)
        set_base_fees(e, base_fees)
        e.guard.no_short = refuse_short
        set_contracts(&self.tape, contracts)
        e.settles_at_mark = settles_at_mark
        set_features(&self.tape, features)

    cdef _set_strategy(self, bridge, step_address, on_fill_address):
        """Whom to ask: a kernel by its addresses, or Python over a bridge."""
        cdef engine_t* e = &self.e
        self.bridge = bridge
        if bridge is None:
            e.step = <step_fn><size_t>step_address
            e.on_fill = <on_fill_fn><size_t>on_fill_address
            if e.step == NULL:
                raise ValueError("a kernel strategy has no step function")
            return
        e.step = event_step if isinstance(bridge, EventBridge) else python_step
        if self.bridge.fill_call is not None:
            e.on_fill = python_fill
        e.ctx.user = <int64_t><size_t><void*>self.bridge

    def __dealloc__(self):
        release(&self.tape, &self.e)

    def refuse_before(self, int64_t seq):
        """Refuse orders decided before a message: nothing is sent or recorded in the warm-up."""
        self.e.first_seq = seq

    def allow_in_bar(self):
        """Take legs that were met inside a bar; whoever writes them keeps the rule."""
        self.e.in_bar = True

    def load(self, tables, DepthIndex depth_index=None):
        """Take the next chunk: for each table a dict of columns, ascending in ``seq``.

        A message's rows may be cut between chunks; every ``seq`` of the chunk must be above those
        of the chunk before. An int64 column ``shift`` of ``quotes`` or ``depth`` is added to the
        instrument's prices from its row on: the top, the levels, trades and marks.

        Parameters
        ----------
        tables : mapping of str to mapping of str to ndarray
        depth_index : DepthIndex, optional
            Of the depth table, which this chunk then has whole, or its beginning: depth is looked
            up there, and messages are visited instead of rows.

        Raises
        ------
        ValueError
            The index is of another table.
        """
        if self.feed.depth.index != NULL:
            raise RuntimeError("depth that an index stands for comes in one chunk")
        self._columns = []
        load_feed(&self.feed, tables, self._columns)
        if depth_index is not None and self.feed.depth.n:
            if depth_index.n_instruments != self.e.n_instruments:
                raise ValueError("the depth index is of another table")
            depth_index.point(&self.feed.depth, tables["depth"])
            self._columns.append(depth_index)

    def run(self, int64_t limit=NEVER):
        """Process at most ``limit`` rows of the loaded chunk.

        Returns
        -------
        status : int
            0, or a key of ``FAILURES``: below 0 the run has failed and is not to be used.
        done : bool
            Whether the chunk is exhausted.
        """
        cdef int64_t status
        self._going_on()
        if self.bridge is None:
            with nogil:
                status = tape_run(&self.tape, &self.feed, limit)
        else:
            status = tape_run(&self.tape, &self.feed, limit)
        return status, was_read(&self.feed)

    def finish(self, bint flatten=False):
        """Let what is due up to the last message happen, cancel the rest, flatten if asked.

        Returns
        -------
        status : int
        """
        cdef int status
        self._going_on()
        status = tape_finish(&self.tape, flatten)
        if status == STOPPED:
            raise_now()
        return status

    cdef _going_on(self):
        if self.ended:
            raise RuntimeError("the run has ended: its tables were handed over")

    @property
    def chunk_rows(self) -> int:
        """Rows of the loaded chunk read so far."""
        cdef const feed_t* f = &self.feed
        cdef Py_ssize_t depth = f.depth.at
        if f.depth.index != NULL and depth:
            depth = f.depth.index.rows[depth - 1] + 1
        return (
            f.quotes.at + depth + f.trades.at + f.funding.at + f.chain.at + f.settlement.at
        )

    @property
    def seq(self) -> int:
        """Row key of the last message read, -1 before the first."""
        return self.e.tape.seq

    @property
    def ts_ns(self) -> int:
        """Receive time of the last message read."""
        return self.e.tape.ts_ns

    @property
    def detail(self) -> int:
        """What a failed status refers to."""
        return self.e.detail

    @property
    def n_messages(self) -> int:
        """Messages read so far."""
        return self.e.tape.message

    def tables(self, bint last=False):
        """Results so far as read-only arrays, by the names of ``RESULTS``.

        Parameters
        ----------
        last : bool
            The arrays are the engine's own memory, without a copy: the run ends here.
        """
        cdef buffer_t* buffers[9]
        cdef Py_ssize_t i
        buffers[:] = [
            &self.e.decisions, &self.e.legs, &self.e.orders, &self.e.fills, &self.e.funding,
            &self.e.guard.rows, &self.e.borrow, &self.e.bundles, &self.e.settled,
        ]
        self.ended = self.ended or last
        return {
            name: taken(buffers[i], dtype) if last else copied(buffers[i], dtype)
            for i, (name, dtype) in enumerate(RESULTS.items())
        }

    def accounts(self):
        """Per instrument ``(position, cost, realized, fees, funding, borrow)``, ledger scale."""
        return [
            (
                int(self.e.accounts[i].qty), wide_int(self.e.accounts[i].cost),
                wide_int(self.e.accounts[i].realized), wide_int(self.e.accounts[i].fees),
                wide_int(self.e.accounts[i].funding), wide_int(self.e.accounts[i].borrow),
            )
            for i in range(self.e.n_instruments)
        ]

    def cash(self, Py_ssize_t n_currencies):
        """Cash by currency, ledger scale."""
        return [wide_int(self.e.cash[i]) for i in range(n_currencies)]

    def margin(self):
        """Stated capital, largest drawdown, most margin used at ledger exponent - 1; or None."""
        cdef const margin_t* m = &self.e.guard.margin
        if not m.on:
            return None
        return wide_int(m.capital), wide_int(m.drawdown), wide_int(m.most_used)

    def last_fill(self):
        """The fill last told of, as a tuple of its fields (``schema.FILL_DTYPE``)."""
        cdef buffer_t one = self.e.fills
        if one.n == 0:
            raise IndexError("no fill yet")
        one.data += self.e.told_fill * one.item
        one.n = 1
        return copied(&one, _schema.FILL_DTYPE)[0].item()

    def close_references(self):
        """For each order with which the engine closed: its number, and the mid when it was sent."""
        cdef const close_order_t* rows = <const close_order_t*>self.e.guard.close_orders.data
        return {rows[i].order: rows[i].mid for i in range(self.e.guard.close_orders.n)}

    @property
    def told_fill(self) -> int:
        """Number of the fill last told of."""
        return self.e.told_fill

    def venue_clocks(self):
        """Per instrument ``(offset, trades met, trades over)``, see ``venue_clock.pxd``.

        The offset is the venue's clock minus the receive clock in nanoseconds, None where no
        message had a stamp. Trades met reached the price of a resting order, counted for each
        order; those that were over before the order arrived did nothing for it.
        """
        cdef const venue_clock_t* c = self.e.tape.clocks
        cdef const met_t* met = self.e.met
        return [
            (int(c[i].offset) if c[i].n_hours else None, int(met[i].n_met), int(met[i].n_over))
            for i in range(self.e.n_instruments)
        ]

    def depth_gaps(self):
        """Per instrument: how often the depth sequence broke."""
        cdef const tape_t* m = self.e.tape
        return [int(depth_gaps(&m.markets[i].depth)) for i in range(m.n_instruments)]
