"""Naive twins of bars: the rows they become, and a hedged basis trade computed by hand.

Everything is Python ints and Fractions over the texts of a CSV file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

from quantlaxmi.schema import QuoteFlag

UNIT = 10**8
BPS = Fraction(1, 10_000)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Lines of a CSV file with their numbers under ``line``."""
    with path.open(newline="") as file:
        return [row | {"line": str(n)} for n, row in enumerate(csv.DictReader(file), 2)]


def utc_ns(text: str) -> int:
    """A stamp such as ``2023-06-01 00:00:00`` in UTC."""
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is not None:
        stamp = stamp.replace(tzinfo=None) - stamp.utcoffset()
    return ((stamp - datetime(1970, 1, 1)) // (datetime.resolution)) * 1000


def units(price: Fraction) -> int:
    """A price at eight decimals."""
    value = price * UNIT
    assert value.denominator == 1
    return value.numerator


def sides(price: Fraction, half_spread: Fraction) -> tuple[int, int]:
    """Bid and ask, rounded away from the price."""
    value = units(price)
    return floor(value * (1 - half_spread)), ceil(value * (1 + half_spread))


def quote_rows(
    legs: Sequence[Sequence[dict[str, Any]]],
    interval_ns: int,
    half_spread: Fraction,
    funding: Sequence[tuple[int, int, int]] = (),
    waits: Callable[[int, int], bool] = lambda ended, begun: False,
) -> list[tuple[str, tuple[int, ...]]]:
    """Every row in order: ``("quotes", (ts, instrument, bid, bid_qty, ask, ask_qty, flags))`` and
    ``("funding", (ts, mark, rate))``.

    A bar is a dict of ``open_ns open close size``; ``funding`` holds ``(time, mark, rate)``.
    ``waits(ended, begun)``: the close before a span without bars is said when the next bar begins.
    """
    begins = [{bar["open_ns"]: bar for bar in bars} for bars in legs]
    ends: list[dict[int, dict[str, Any]]] = [{} for _ in legs]
    shut: list[dict[int, dict[str, Any]]] = [{} for _ in legs]
    last = max(bars[-1]["open_ns"] + interval_ns for bars in legs)
    for k, bars in enumerate(legs):
        for bar, after in zip(bars, [*bars[1:], None], strict=True):
            ended = bar["open_ns"] + interval_ns
            if after is not None and after["open_ns"] > ended and waits(ended, after["open_ns"]):
                ends[k][after["open_ns"]] = shut[k][ended] = bar
            else:
                ends[k][ended] = bar
    parts = (*begins, *ends, *shut)
    times = sorted({t for part in parts for t in part} | {f[0] for f in funding})
    rows: list[tuple[str, tuple[int, ...]]] = []
    for ts in times:
        ending = [k for k in range(len(legs)) if ts in ends[k]]
        for k in ending:
            bid, ask = sides(ends[k][ts]["close"], half_spread)
            asks = k == ending[-1] and ts != last
            size = ends[k][ts]["size"]
            flag = 0 if asks else int(QuoteFlag.QUIET)
            rows.append(("quotes", (ts, k, bid, size, ask, size, flag)))
        rows += [("funding", (ts, mark, rate)) for at, mark, rate in funding if at == ts]
        for k in range(len(legs)):
            if ts in begins[k]:
                bar = begins[k][ts]
                bid, ask = sides(bar["open"], half_spread)
                rows.append(("quotes", (ts, k, bid, bar["size"], ask, bar["size"], 1)))
            elif (k in ending or ts in shut[k]) and ts != last:
                bid, ask = sides((ends[k] | shut[k])[ts]["close"], half_spread)
                rows.append(("quotes", (ts, k, bid, 0, ask, 0, 1)))
    return rows


def bar_rows(
    legs: Sequence[Sequence[dict[str, Any]]],
    interval_ns: int,
    waits: Callable[[int, int], bool] = lambda ended, begun: False,
) -> list[tuple[int, ...]]:
    """Rows of ``bars``: time told, instrument, end, begin, open, high, low, close, volume.

    A bar is a dict of ``open_ns open high low close volume``, prices in units.
    """
    rows = []
    for k, bars in enumerate(legs):
        for bar, after in zip(bars, [*bars[1:], None], strict=True):
            ended = told = bar["open_ns"] + interval_ns
            if after is not None and after["open_ns"] > ended and waits(ended, after["open_ns"]):
                told = after["open_ns"]
            names = ("open_ns", "open", "high", "low", "close", "volume")
            rows.append((told, k, ended, *(bar[name] for name in names)))
    return sorted(rows)


def basis_by_hand(
    bars: Sequence[dict[str, Any]],
    interval_ns: int,
    *,
    half_spread: Fraction,
    threshold: Fraction,
    exit_threshold: Fraction,
    qty: Fraction,
    fees: tuple[Fraction, Fraction],
) -> dict[str, Any]:
    """What a hedged basis trade earns, line by line as in a spreadsheet.

    Parameters
    ----------
    bars : sequence of dict
        ``open_ns``, ``spot`` and ``perp`` as ``(open, close)``, and ``funding``: None or
        ``(mark, rate)`` settled when the bar begins, on what is held until then; settlements
        inside a bar stand under ``inner`` as ``(time, (mark, rate))``.
    fees : tuple of Fraction
        Share of the notional, spot and perpetual.

    Returns
    -------
    dict
        ``fills``, ``payments`` (lists), ``fees``, ``funding``, ``cash``, ``equity`` (Fractions),
        ``held`` (signed perpetual) and ``cancelled`` decisions.
    """
    cash = fee_total = funding_total = Fraction(0)
    held = Fraction(0)  # of the perpetual; the spot is its opposite
    fills: list[tuple[int, int, int, int]] = []  # open_ns, instrument, signed qty, price
    payments: list[tuple[int, int, Fraction]] = []
    cancelled = 0
    wanted: Fraction | None = None  # perpetual position asked for at the close before
    asked_at = -1

    def settle(at_ns: int, mark: Fraction, rate: Fraction) -> None:
        nonlocal cash, funding_total
        if held:
            # The ledger keeps sixteen decimals.
            amount = -Fraction(round(held * mark * rate * 10**16), 10**16)
            cash, funding_total = cash + amount, funding_total + amount
            payments.append((at_ns, int(held * UNIT), amount))

    for bar in bars:
        opened = bar["open_ns"]
        if bar["funding"] is not None:
            settle(opened, *bar["funding"])
        if wanted is not None:
            if asked_at == opened:
                change = wanted - held
                for k, signed, name in ((1, change, "perp"), (0, -change, "spot")):
                    bid, ask = sides(bar[name][0], half_spread)
                    price = Fraction(ask if signed > 0 else bid, UNIT)
                    fee = Fraction(round(price * abs(signed) * fees[k] * UNIT), UNIT)
                    cash -= signed * price + fee
                    fee_total += fee
                    fills.append((opened, k, int(signed * UNIT), units(price)))
                held = wanted
            else:
                cancelled += 1
            wanted = None
        for at_ns, (mark, rate) in bar.get("inner", ()):
            settle(at_ns, mark, rate)
        spot, perp = (sum(sides(bar[name][1], half_spread)) for name in ("spot", "perp"))
        basis = Fraction(perp - spot, spot) / BPS
        if bar is bars[-1]:
            break
        if held == 0:
            if abs(basis) > threshold:
                wanted = -qty if basis > 0 else qty
        elif (basis < exit_threshold) if held < 0 else (basis > -exit_threshold):
            wanted = Fraction(0)
        asked_at = opened + interval_ns
    equity = cash + held * Fraction(perp, 2 * UNIT) - held * Fraction(spot, 2 * UNIT)
    return {
        "fills": fills,
        "payments": payments,
        "fees": fee_total,
        "funding": funding_total,
        "cash": cash,
        "equity": equity,
        "held": held,
        "cancelled": cancelled,
    }


#: What the ledger counts money in: sixteen decimals.
LEDGER = 10**16
YEAR_NS = 365 * 86_400 * 10**9


def interest_by_hand(
    bars: Sequence[dict[str, Any]],
    hand: dict[str, Any],
    interval_ns: int,
    *,
    half_spread: Fraction,
    bps: Fraction,
    latency_ns: int,
) -> list[tuple[int, int, int, int]]:
    """Return what the borrowed spot of `basis_by_hand` costs.

    Interest is mid * quantity * bps * nanoseconds / (10**4 * 365 days), half to even. It is paid at
    each change of the spot's position, at the mid of the open that fills, and at the last close.

    Parameters
    ----------
    bars, hand
        Bars and what `basis_by_hand` returned for them.
    bps : Fraction
        Interest a year.
    latency_ns : int
        Orders of a close fill so much later, at the prices of the open.

    Returns
    -------
    list of tuple
        ``(since_ns, ts_ns, signed quantity in 10**-8, interest in 10**-16)``.
    """
    opens = {bar["open_ns"]: sum(sides(bar["spot"][0], half_spread)) for bar in bars}
    changes = [(at + latency_ns, signed, opens[at]) for at, k, signed, _ in hand["fills"] if k == 0]
    last = sum(sides(bars[-1]["spot"][1], half_spread))
    changes.append((bars[-1]["open_ns"] + interval_ns, 0, last))
    paid, position, since = [], 0, 0
    for at, signed, bid_and_ask in changes:
        if position < 0:
            worth = Fraction(bid_and_ask, 2 * UNIT) * Fraction(-position, UNIT)
            amount = round(worth * bps * (at - since) * LEDGER / (10**4 * YEAR_NS))
            paid.append((since, at, position, amount))
        position, since = position + signed, at
    return paid
