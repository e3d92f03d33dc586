"""Naive twin of the market null, in Python ints and Fractions, from its definition.

States of an instrument are its valid books; increments differences of twice the mid from one to
the next; instants the distinct receive times of increments. Bit i of a draw turns the deviations
from the mean of all increments of instant i over. After the turned increments F of an instrument
its prices have moved by -sum(F) + round(|F| * T / n), halves to even; without drift by -sum(F).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.naive.engine import Engine, Market, merged
from tests.naive.rng import word

MAX_PRICE = (2**63 - 1) // 10


@dataclass
class Path:
    """States of one instrument: seq, ts, bid, ask."""

    states: list[tuple[int, int, int, int]] = field(default_factory=list)

    @property
    def increments(self) -> list[int]:
        mids = [bid + ask for _, _, bid, ask in self.states]
        return [b - a for a, b in itertools.pairwise(mids)]


def paths(tables: Mapping[str, Any], n_instruments: int) -> list[Path]:
    market, found = Market(n_instruments), [Path() for _ in range(n_instruments)]
    for table, rows in merged(tables):
        book = market.books[rows[-1]["instrument"]]
        sets_top = table == "quotes" or (table == "depth" and not book.has_quotes)
        market.apply(table, rows)
        if sets_top and book.valid:
            row = rows[-1]
            found[row["instrument"]].states.append((row["seq"], row["ts_ns"], book.bid, book.ask))
    return found


def instants(found: list[Path]) -> list[int]:
    return sorted({ts for path in found for _, ts, _, _ in path.states[1:]})


def signs(key: int, draw: int, attempt: int, n: int) -> list[int]:
    """1 where the instant is turned."""
    return [word(key, draw, (attempt << 41) + i // 64) >> (i % 64) & 1 for i in range(n)]


def shifts(path: Path, turned: dict[int, int], drift: bool = True) -> list[tuple[int, int]]:
    """(seq, shift from there on) of every state."""
    steps, flipped, made = path.increments, [], []
    for k, (seq, ts, _, _) in enumerate(path.states):
        if k and turned[ts]:
            flipped.append(steps[k - 1])
        mean = Fraction(sum(steps), len(steps)) if steps and drift else Fraction(0)
        made.append((seq, -sum(flipped) + round(len(flipped) * mean)))
    return made


def positive(path: Path, made: list[tuple[int, int]]) -> bool:
    return all(
        bid + shift > 0 and ask + shift <= MAX_PRICE
        for (_, _, bid, ask), (_, shift) in zip(path.states, made, strict=True)
    )


def draw_shifts(
    tables: Mapping[str, Any], n: int, key: int, draw: int, tries: int, drift: bool = True
) -> tuple[list[list[tuple[int, int]]], int] | None:
    """Shifts of the first positive market of a draw and how many were tried; None: no market."""
    found = paths(tables, n)
    times = instants(found)
    for attempt in range(tries):
        turned = dict(zip(times, signs(key, draw, attempt, len(times)), strict=True))
        made = [shifts(path, turned, drift) for path in found]
        if all(positive(path, one) for path, one in zip(found, made, strict=True)):
            return made, attempt + 1
    return None


def shift_at(made: list[tuple[int, int]], seq: int) -> int:
    return next((shift for at, shift in reversed(made) if at <= seq), 0)


def with_shifts(tables: Mapping[str, Any], made: list[list[tuple[int, int]]]) -> dict[str, Any]:
    """The tables with a column of shifts, as the engines read it."""
    moved = {name: dict(columns) for name, columns in tables.items()}
    for name in ("quotes", "depth"):
        moved[name]["shift"] = [
            shift_at(made[int(i)], int(seq))
            for i, seq in zip(tables[name]["instrument"], tables[name]["seq"], strict=True)
        ]
    return moved


def moved_rows(tables: Mapping[str, Any], made: list[list[tuple[int, int]]]) -> dict[str, Any]:
    """The same market literally: every price of it moved. Without depth."""
    rows: dict[str, list[dict[str, int]]] = {name: [] for name in tables}
    for name, (row,) in merged(tables):
        shift = shift_at(made[row["instrument"]], row["seq"])
        rows[name].append(
            {
                k: v + shift if k in ("bid", "ask", "price", "mark") and v > 0 else v
                for k, v in row.items()
            }
        )
    return rows


def trips(engine: Engine, weights: list[int], last_mid2: list[int]) -> tuple[int, int, int] | None:
    """Sum, sum of squares and number of trips; None where a filled decision saw no book."""
    held = [0] * len(weights)
    gain, gains = 0, []
    for decision in engine.decisions:
        legs = [x for x in engine.legs if x["decision"] == decision["sequence"]]
        mids = {x["instrument"]: x["reference_price"] // 5 for x in legs}
        change = [0] * len(weights)
        for fill in engine.fills:
            if fill["decision"] == decision["sequence"]:
                change[fill["instrument"]] += fill["side"] * fill["qty"]
        if not any(change):
            continue
        if any(c and not mids[i] for i, c in enumerate(change)):
            return None
        after = [h + c for h, c in zip(held, change, strict=True)]
        opposed = all(h * a <= 0 for h, a in zip(held, after, strict=True))
        if any(held) and any(after) and opposed:
            gains.append(gain + sum(h * mids[i] * weights[i] for i, h in enumerate(held) if h))
            gain, change = 0, after
        gain -= sum(c * mids[i] * weights[i] for i, c in enumerate(change) if c)
        held = after
        if not any(held):
            gains.append(gain)
            gain = 0
    if any(held):
        gains.append(gain + sum(h * last_mid2[i] * weights[i] for i, h in enumerate(held)))
    return sum(gains), sum(g * g for g in gains), len(gains)


def bucket_sums(
    engine: Engine,
    weights: list[int],
    tables: Mapping[str, Any],
    made: list[list[tuple[int, int]]],
    n: int,
) -> tuple[int, int] | None:
    """Sum and sum of squares of gross in n equal parts of the clock; None as for `trips`.

    The time from the first to the last message is cut; part k has the stamps up to
    ``first + (last - first) * (k + 1) // n``. A fill is worth its decision's mid; what is held, the
    mid of the last valid book at the part's end.
    """
    stamps = sorted(int(ts) for columns in tables.values() for ts in columns["ts_ns"])
    first, span = stamps[0], stamps[-1] - stamps[0]
    mids = {
        (legs["decision"], legs["instrument"]): legs["reference_price"] // 5 for legs in engine.legs
    }
    if any(not mids.get((f["decision"], f["instrument"])) for f in engine.fills):
        return None
    states = paths(tables, len(weights))
    values = [0]
    for k in range(n):
        end = first + span * (k + 1) // n
        value = 0
        for i, weight in enumerate(weights):
            done = [f for f in engine.fills if f["instrument"] == i and f["ts_ns"] <= end]
            held = sum(f["side"] * f["qty"] for f in done)
            value -= weight * sum(f["side"] * f["qty"] * mids[f["decision"], i] for f in done)
            seen = [(seq, bid + ask) for seq, ts, bid, ask in states[i].states if ts <= end]
            if held:
                seq, mid2 = seen[-1]
                value += weight * held * (mid2 + 2 * shift_at(made[i], seq))
        values.append(value)
    gains = [b - a for a, b in itertools.pairwise(values)]
    return sum(gains), sum(g * g for g in gains)


def count(
    draws: list[list[tuple[int, int, int]]],
    own: tuple[int, int],
    least: int,
    stages: list[tuple[int, int]],
    tries: int = 10,
) -> tuple[int, int, bool]:
    """Exceedances, draws that count, and whether it stopped.

    `draws` has sum, squares and trips of every setting on the market of each draw, in order; spans
    of it are read from the first draw on.
    A draw counts where a setting made `least` trips, and exceeds where such a setting's S/sqrt(Q)
    is at least the data's. `stages` are (draws that count, exceedances that stop): the second
    follows where the share of the first leaves the level open, which is for the caller to say by
    giving one or two.
    """

    def reaches(total: int, squares: int) -> bool:
        # S/sqrt(Q) as its signed square.
        def square(s: int, q: int) -> Fraction:
            return Fraction(s * abs(s), q) if q else Fraction(0)

        return square(total, squares) >= square(*own)

    b = m = done = 0
    for wanted, stop_after in stages:
        for one in draws[done : tries * wanted]:
            if m == wanted:
                break
            done += 1
            able = [(s, q) for s, q, n in one if n >= least]
            m += bool(able)
            b += any(reaches(*sums) for sums in able)
            if stop_after and b == stop_after:
                return b, m, True
    return b, m, False


def moved_bars(
    tables: Mapping[str, Any], made: list[list[tuple[int, int]]], turned: dict[int, int]
) -> list[tuple[int, int, int, int]]:
    """Open, high, low and close of every bar on a moved market.

    Its open and close move as their quotes: the last one before its close, and that of its close.
    Where the increment that ends at its close is turned, what lay above open and close lies below.
    """
    found = paths(tables, len(made))
    quotes = list(
        zip(*(tables["quotes"][n].tolist() for n in ("seq", "instrument", "ts_ns")), strict=True)
    )
    names = ("seq", "instrument", "open", "high", "low", "close")
    bars = []
    for seq, k, opened, high, low, closed in zip(
        *(tables["bars"][n].tolist() for n in names), strict=True
    ):
        later = [(at, ts) for at, i, ts in quotes if i == k and at > seq]
        begun = opened + shift_at(made[k], seq)
        ended = closed + (shift_at(made[k], later[0][0]) if later else begun - opened)
        above, below = high - max(opened, closed), min(opened, closed) - low
        moves = later and any(at == later[0][0] for at, *_ in found[k].states[1:])
        if moves and turned[later[0][1]]:
            above, below = below, above
        bars.append((begun, max(begun, ended) + above, min(begun, ended) - below, ended))
    return bars
