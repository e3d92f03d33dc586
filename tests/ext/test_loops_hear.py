"""Every long compiled loop listens: for signals, and in a thread for whether anybody waits."""

from __future__ import annotations

import re
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import quantlaxmi
from quantlaxmi import schema
from quantlaxmi._ext import (
    black76,
    bucket_sums,
    decimal_text,
    depth_book,
    depth_index,
    depth_tops,
    equity_buckets,
    fair_variance,
    fill_shares,
    int_text,
    leg_prices,
    merged_order,
    signals,
    step_fit,
    trip_extremes,
    trip_parts,
    trip_times,
)
from quantlaxmi._ext.python_bridge import Bridge
from quantlaxmi._ext.replay_loop import Engine
from quantlaxmi.parallel.threads import Stopped, Threads, raise_if_stopped
from quantlaxmi.run.ledger_lines import idle_memory
from tests.ext.deaf_loops import DEAF, HEADERS
from tests.market_builder import MarketBuilder
from tests.run import test_orders

SOURCES = Path(quantlaxmi.__file__).parent / "_ext"
#: More rows than any loop passes between two looks.
N = (1 << 20) + 1


class Heard(Exception):
    pass


def _raise(*_: object) -> None:
    raise Heard


@contextmanager
def asked(what: Callable[[], None]) -> Iterator[None]:
    """Let long loops call something else than usual."""
    signals.ask_in_threads(what)
    try:
        yield
    finally:
        signals.ask_in_threads(raise_if_stopped)


def _zeros(n: int = N, dtype: type = np.int64) -> np.ndarray:
    return np.zeros(n, dtype)


def _fills(n: int = N) -> np.ndarray:
    fills = np.zeros(n, schema.FILL_DTYPE)
    fills["decision"], fills["side"], fills["qty"] = np.arange(n), 1, 1
    return fills


def _merge() -> object:
    starts = np.array([0, N, N])
    return merged_order.merge_ascending(np.arange(N), starts, np.array([0, 0]), 1)


def _place() -> object:
    uneven = np.roll(np.arange(N), 1)
    return merged_order.place_rows(uneven, uneven, _zeros())


def _shares() -> object:
    return fill_shares.fill_shares(_zeros(), _zeros(), _zeros() + 1, np.arange(N), _zeros() + 1)


def _legs() -> object:
    ones = _zeros() + 1
    return leg_prices.leg_prices(_zeros(), ones, ones, _zeros(), _zeros(1), np.array([[0], [1]]))


def _extremes(first: int, instruments: int) -> object:
    """One trip whose part came after `first` rows of books, or many before earlier books."""
    books = (np.arange(N), _zeros(), _zeros() + 2000)
    parts = np.array([first, 0])
    return trip_extremes.trip_extremes(
        books,
        parts,
        _zeros(2),
        np.array([1, -1]),
        np.zeros((2, 2), np.int64),
        np.array([0, 1]),
        False,
        np.ones((2, instruments), np.int64),
    )


def _equity(of_borrow: bool) -> object:
    """Ends of which each looks for interest that never comes, or many of them."""
    n = 1100 if of_borrow else N
    borrow = np.zeros(n if of_borrow else 0, schema.BORROW_PAID_DTYPE)
    borrow["ts_ns"] = n
    loans = np.array([[1, 0, 1], [1, 0, 1]])
    fills = np.zeros(0, schema.FILL_DTYPE)
    funding = np.zeros(0, schema.FUNDING_PAID_DTYPE)
    two = np.ones(2, np.int64)
    equity_buckets.equity_buckets(
        fills,
        funding,
        _zeros(0),
        borrow,
        two,
        two,
        loans,
        np.arange(n),
        np.ones((2, n), np.int64),
        np.zeros((2, n), np.int64),
    )
    return None


def _black76(name: str) -> object:
    n = 1 << 16
    hundred, one = np.full(n, 100.0), np.ones(n)
    call, status = np.ones(n, np.int8), np.ones(n, np.int8)
    if name == "implied":
        return black76.implied(one, hundred, hundred, one, call, np.ones(n), status)
    out = np.ones((4, n)) if name == "greeks" else np.ones(n)
    return getattr(black76, name)(hundred, hundred, one, one / 5, call, out, status)


def _depth(n: int) -> dict[str, np.ndarray]:
    """A snapshot of bids at as many prices, the worst last, then one ask."""
    rows = {name: np.zeros(n, dtype) for name, dtype in schema.TABLES["depth"].items()}
    rows["side"][:], rows["qty"], rows["flags"][:] = 1, np.ones(n, np.int64), 2
    rows["side"][-1], rows["flags"][-1] = -1, 3
    rows["price"] = np.arange(2 * n, n, -1)
    rows["price"][-1] = 3 * n
    return rows


def _held(n: int = 30_000) -> dict[str, np.ndarray]:
    """A message a price, each continuing the one before, and then the snapshot before them all."""
    rows = _depth(n)
    rows["flags"][:] = 1
    rows["seq"] = rows["ts_ns"] = rows["exch_ts_ns"] = np.arange(n)
    rows["first_id"] = rows["last_id"] = np.arange(1, n + 1)
    rows["first_id"][-1], rows["last_id"][-1], rows["prev_id"][:] = 0, 0, -1
    rows["flags"][-1] = 3
    return rows


def _book(n: int = 30_000, held: bool = False) -> object:
    rows = _held(n) if held else _depth(n)
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    return depth_book.DepthBook().apply(*(rows[name] for name in names))


def _tops() -> object:
    quotes = {name: np.zeros(0, dtype) for name, dtype in schema.TABLES["quotes"].items()}
    return depth_tops.depth_tops(_depth(30_000), quotes, 1)


def _chains(quotes: bool) -> object:
    n, rows = 10_000, 110
    strike = np.linspace(50.0, 150.0, rows)
    span = np.zeros((2, n, 1), np.int64)
    span[1] = rows
    flat = np.full((n, 1), 100.0)
    chains = fair_variance.FairVariance(
        _zeros(n), flat, flat / 1000, np.arange(n + 1), flat[:, 0], flat[:, 0] / 100, span, strike
    )
    call = np.ones((n, rows))
    if not quotes:
        signs = np.zeros(2 * (n // 128 + 1), np.uint64)
        return chains.chain(signs, True, flat.copy(), flat.copy(), call)
    out = np.zeros((8, n, rows), np.int64)
    return chains.quotes(out, 5, flat, call, out)


def _engine(n: int = 1) -> Engine:
    terms = [(0, 1, 0, 1, 0, 1, 1)] * n
    return Engine(idle_memory(n), terms, 1, [], 0, 0, 1, bridge=Bridge(None, None, (), ()))


def _run_of_depth(held: bool = False) -> object:
    engine = _engine()
    engine.load({"depth": _held() if held else _depth(30_000)})
    return engine.run()


def _run_of_orders(latency: int, together: bool = False) -> object:
    """An order a quote, which rests, or waits for its arrival and is looked through by limits."""
    n = 1600
    market = MarketBuilder()
    for _ in range(n):
        market = market.quote(0, 99, 5, 101, 4).wait(1)
    if together:  # before one more quote
        market = market.wait(10 * latency).quote(0, 99, 5, 101, 4)
    orders = {k: test_orders.one(test_orders.limit(1, 1, 90)) for k in range(n)}
    return test_orders.run(market, orders, latency=latency)


LOOPS: dict[str, Callable[[], object]] = {
    "merge_ascending": _merge,
    "place_rows": _place,
    "fill_shares": _shares,
    "leg_prices": _legs,
    "trip_parts": lambda: trip_parts.trip_parts(_fills(), 1),
    "counted_order": lambda: trip_parts.counted_order(_zeros(), 1),
    "trip_times": lambda: trip_times.trip_times(_fills(), _zeros(), 1),
    "trip_extremes forth": lambda: _extremes(N, 1),
    "trip_extremes back": lambda: _extremes(N // 2, 2),
    "equity_buckets ends": lambda: _equity(of_borrow=False),
    "equity_buckets interest": lambda: _equity(of_borrow=True),
    "format_ints": lambda: int_text.format_ints(_zeros()),
    "parse_ints": lambda: int_text.parse_ints(b"[" + b"1," * N + b"1]"),
    "parse_decimals": lambda: decimal_text.parse_decimals(["1"] * (1 << 16), 0),
    "black76 price": lambda: _black76("price"),
    "black76 greeks": lambda: _black76("greeks"),
    "black76 implied": lambda: _black76("implied"),
    "count_off": lambda: step_fit.count_off([_zeros(1)], _zeros(1, np.int16), [_zeros(1)]),
    "DepthBook": _book,
    "DepthBook, kept differences": lambda: _book(held=True),
    "depth_tops": _tops,
    "DepthIndex": lambda: depth_index.DepthIndex(_depth(30_000), 1),
    "DepthIndex, kept differences": lambda: depth_index.DepthIndex(_held(), 1),
    "FairVariance chain": lambda: _chains(quotes=False),
    "FairVariance quotes": lambda: _chains(quotes=True),
    "bucket_sums": lambda: bucket_sums.bucket_sums(
        _engine(), np.ones(1, np.int64), np.arange(N), np.ones((1, N), np.int64)
    ),
    "Engine depth": _run_of_depth,
    "Engine, kept differences": lambda: _run_of_depth(held=True),
    "Engine orders that arrive at once": lambda: _run_of_orders(10_000, together=True),
    "Engine orders that rest": lambda: _run_of_orders(0),
    "Engine orders on their way": lambda: _run_of_orders(10_000),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_long_loop_listens(name: str) -> None:
    with asked(_raise), pytest.raises(Heard):
        LOOPS[name]()
    LOOPS["count_off"]()  # and nobody raises any more


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of signals")
def test_a_signal_ends_a_loop_from_inside() -> None:
    """A million levels, each put among the others, would take minutes."""
    columns = _crowd()
    before = signal.signal(signal.SIGPROF, _raise)
    try:
        signal.setitimer(signal.ITIMER_PROF, 0.05)
        with pytest.raises(Heard) as caught:
            depth_book.DepthBook().apply(*columns)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    # A handler that Python runs after the call leaves no line of the loop.
    lines = traceback.extract_tb(caught.value.__traceback__)
    assert any(line.filename.endswith("depth_book.pyx") for line in lines)


def _crowd() -> list[np.ndarray]:
    n = 1_000_000
    rows = _depth(n)
    rows["price"][:-1] = np.random.default_rng(1).permutation(n - 1) + 1
    names = ("first_id", "last_id", "prev_id", "side", "price", "qty", "flags")
    return [rows[name] for name in names]


def test_a_loop_in_a_thread_ends_where_nobody_waits() -> None:
    begun, columns = threading.Event(), _crowd()

    def work() -> None:
        begun.set()
        depth_book.DepthBook().apply(*columns)

    with pytest.raises(Heard), Threads(1) as pool:
        future = pool.submit(work)
        begun.wait()
        raise Heard
    assert isinstance(future.exception(), Stopped)


_HEAD = re.compile(r"(?:    )?(?:cdef|cpdef|def)\b[^=]*?(\w+)\s*\(")
_LOOP = re.compile(r"\s+(?:for|while)\b")
_HEARS = re.compile(r"\b(?:hear|hear_far|hear_after|listen|stopped|pace)\(")


def _functions(text: str) -> dict[str, tuple[bool, bool]]:
    """Of each function whether it has a loop, and whether it listens."""
    found: dict[str, tuple[bool, bool]] = {}
    name = ""
    for line in text.splitlines():
        if head := _HEAD.match(line):
            name = head[1]
            found.setdefault(name, (False, False))
        elif name:
            loops, hears = found[name]
            found[name] = loops or bool(_LOOP.match(line)), hears or bool(_HEARS.search(line))
    return found


def test_every_loop_listens_or_says_why_not() -> None:
    deaf: dict[str, set[str]] = {}
    for path in sorted(SOURCES.glob("*.p[yx][xd]")):
        for name, (loops, hears) in _functions(path.read_text(encoding="utf-8")).items():
            if loops and not hears and path.name != "signals.pxd":
                deaf.setdefault(path.stem, set()).add(name)
    told = {
        module: {name for names in by_reason.values() for name in names.split()}
        for module, by_reason in DEAF.items()
    }
    assert deaf == told
    headers = {
        path.name
        for path in SOURCES.glob("*.h")
        if re.search(r"\b(?:for|while) \(", path.read_text(encoding="utf-8"))
    }
    assert headers == set(HEADERS)


def test_the_reader_of_loops_sees_what_there_is() -> None:
    text = "cdef int a(\n    int b,\n) noexcept nogil:\n    for i in range(b):\n        hear(i)\n"
    text += "def c():\n    while True:\n        pass\n    x = [i for i in ()]\ndef d(): pass\n"
    assert _functions(text) == {"a": (True, True), "c": (True, False), "d": (False, False)}
