"""What a session keeps of a contract: at most 1 KiB."""

from __future__ import annotations

import ctypes

import msgspec
import pytest

from quantlaxmi.run.config import RunConfig
from quantlaxmi.run.session import Session
from quantlaxmi.strategies import StrategyRegistry
from tests.market_builder import MarketBuilder, MemorySegment
from tests.options.test_scan_margin import NOW
from tests.run.test_margin_rule import CHAIN

HELD = 6
LIMIT = 1024


class Allocated(ctypes.Structure):
    """``struct mallinfo2`` of glibc."""

    _fields_ = tuple((f"f{k}", ctypes.c_size_t) for k in range(10))


def allocated() -> int:
    """Bytes that malloc has given out: of its heap, and as maps of their own."""
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        pytest.skip("the C library does not count what it has given out")
    ask.restype = Allocated
    found = ask()
    return found.f7 + found.f4


def sessions(n: int) -> list[Session]:
    """Several of the same: strikes as far as ``n`` contracts go."""
    # Strikes of 5 paise each: only their number counts.
    contracts = tuple(
        msgspec.structs.replace(
            CHAIN[k % 2], symbol=f"NIFTY-{k}", venue_symbol=f"NIFTY-{k}", strike=1_000_000 + k // 2
        )
        for k in range(n)
    )
    strategy = StrategyRegistry().create("calendar_carry", sets=("min_premium_gap=12",))
    tables = MarketBuilder(ts_ns=NOW).quote(0, 99, 75, 101, 75).tables()
    config = RunConfig.of().complete_for(MemorySegment(tables, contracts))
    return [Session(contracts, strategy.bind(contracts), config) for _ in range(HELD)]


def test_a_session_keeps_at_most_a_kibibyte_of_a_contract() -> None:
    kept = sessions(400)
    sizes = []
    for n in (400, 1_600):
        sessions(n)  # what is made once for the same contracts
        before = allocated()
        kept += sessions(n)
        sizes.append(allocated() - before)
    each = (sizes[1] - sizes[0]) / 1_200 / HELD
    assert 400 < each < LIMIT, each
