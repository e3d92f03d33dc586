"""A table of chains as a history, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.instruments import Instrument
from quantlaxmi.options import OptionChain, chain_history
from quantlaxmi.schema import InstrumentKind
from tests.options.fair_variance_cases import random_history

PRICES = ("bid", "ask")
CALL, PUT = InstrumentKind.CALL, InstrumentKind.PUT


def option(strike: int, expiry_ns: int, kind: InstrumentKind, **more: Any) -> Instrument:
    fields: dict[str, Any] = {
        "symbol": f"X-{expiry_ns}-{strike}-{kind.value}",
        "venue": "nse",
        "venue_symbol": "X",
        "kind": kind,
        "price_exponent": -2,
        "qty_exponent": 0,
        "currency": "INR",
        "base": "X",
        "tick": 5,
        "lot": 75,
        "expiry_ns": expiry_ns,
        "strike": strike,
    }
    return Instrument(**fields | more)


def listed() -> tuple[list[Instrument], dict[str, np.ndarray]]:
    """The contracts of a random history in no order beside an index, and its rows as a table."""
    history = random_history(5, quoted=1.0)
    index = option(1, 1, InstrumentKind.INDEX, symbol="X")
    contracts = [index] + [
        option(int(history.strike[k]), int(history.expiry_ns[e]), kind)
        for e in (1, 0)
        for k in range(*history.start[e : e + 2])
        for kind in (PUT, CALL)
    ]
    places = [(-1, 0)] + [
        (k, side) for e in (1, 0) for k in range(*history.start[e : e + 2]) for side in (2, 0)
    ]
    rows = []
    for t in range(history.n_snapshots):
        for i, (k, side) in enumerate(places):
            quote = history.tops[[side, 4 + side, side + 1, 5 + side], t, k].tolist()
            rows.append((2 * t + 7, history.ts_ns[t], i, *(quote if k >= 0 else [1, 1, 2, 1])))
    names = ("seq", "ts_ns", "instrument", "bid", "bid_qty", "ask", "ask_qty")
    table = {n: np.array(c, np.int64) for n, c in zip(names, zip(*rows, strict=True), strict=True)}
    return contracts, table | {"instrument": table["instrument"].astype(np.int16)}


def test_table_and_history_are_one() -> None:
    instruments, table = listed()
    found = chain_history(table, instruments)
    history, same = found.history, random_history(5, quoted=1.0)
    for name in ("ts_ns", "expiry_ns", "start", "strike", "tops"):
        assert np.array_equal(getattr(history, name), getattr(same, name)), name
    assert (history.tick, history.price_exponent) == (5, -2)
    back = found.table_of(history.tops)
    option_rows = found.row >= 0
    assert option_rows.sum() == history.n_snapshots * history.n_rows * 2
    for name, column in back.items():
        assert np.array_equal(column[option_rows], table[name][option_rows])
        assert (column[~option_rows] == 0).all()
    assert isinstance(history.option_chain(3), OptionChain)
    assert history.option_chain(3).call_bid.tolist() == history.tops[0, 3].tolist()


def test_rows_may_be_missing() -> None:
    instruments, table = listed()
    kept = np.arange(table["seq"].size) % 7 != 3
    found = chain_history({n: c[kept] for n, c in table.items()}, instruments)
    full = chain_history(table, instruments)
    gone = full.history.tops != found.history.tops
    assert gone.any() and (found.history.tops[gone] == 0).all()


def test_contracts_that_do_not_fit_are_named() -> None:
    instruments, table = listed()
    with pytest.raises(InputError, match="has no option"):
        chain_history(table, [])
    last = len(instruments) - 1
    for more, word in (
        ({"base": "Y"}, "underlying, exponent, tick"),
        ({"tick": 10}, "underlying, exponent, tick"),
        ({"strike": None}, "no expiry or no strike"),
    ):
        odd = option(**{"strike": 940_00, "expiry_ns": 5, "kind": CALL} | more)
        with pytest.raises(InputError, match=word):
            chain_history(table, [*instruments[:last], odd])
    moved = np.where(table["instrument"] == last, last - 1, table["instrument"])
    twice = table | {"instrument": moved}
    with pytest.raises(InputError, match="snapshot 0 has a contract twice"):
        chain_history(twice, instruments)
