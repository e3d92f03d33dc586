"""Naive twin of calendar_carry's state machine: when it enters and leaves, in whole numbers.

Orders fill whole at the book that was decided on, as they do where latency is short and touches are
large.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

S, DAY = 10**9, 86_400 * 10**9
IST = 19_800 * S
#: (contract, signed units)
Leg = tuple[int, int]


def midnight(ts: int) -> int:
    return (ts + IST) // DAY * DAY - IST


def decisions(
    times: Sequence[int],
    books: Callable[[int], Mapping[int, tuple[int, int]]],
    checks: Callable[[int, bool], Any],
    config: Mapping[str, Fraction],
    ends: Mapping[int, int],
) -> list[tuple[int, str, list[Leg]]]:
    """Time, kind and legs of every decision.

    ``books(k)`` are bid and ask by contract at snapshot k; ``checks(k, rests)`` is None where a
    rule forbids, else the legs to enter with and the friction; ``ends`` are expiries of contracts.
    """
    found: list[tuple[int, str, list[Leg]]] = []
    checked = left = None
    held: dict[str, Any] | None = None
    for k, now in enumerate(times):
        if checked is not None and now - checked < config["interval"] * S:
            continue
        checked = now
        rests = left is not None and now - left < config["cooldown"] * S
        entry = checks(k, rests)
        quotes = books(k)
        if held is None:
            if entry is not None:
                legs, friction = entry
                mids = {c: Fraction(sum(quotes[c]), 2) for c, _ in legs}
                held = {"legs": legs, "mids": mids, "friction": friction, "since": now}
                found.append((now, "enter", legs))
            continue
        if not leaves(now, held, quotes, config, ends):
            continue
        found.append((now, "exit", [(c, -qty) for c, qty in held["legs"]]))
        left, held = now, None
    return found


def leaves(
    now: int,
    held: Mapping[str, Any],
    quotes: Mapping[int, tuple[int, int]],
    config: Mapping[str, Fraction],
    ends: Mapping[int, int],
) -> bool:
    close = midnight(now) + (15 * 3600 + 30 * 60) * S
    if now - held["since"] >= config["hold"] * S or now > close - config["buffer"] * S:
        return True
    front = min(ends[c] for c, _ in held["legs"])
    if now >= front:
        return True
    if midnight(front) <= midnight(now) and now > close - config["expiry_exit"] * S:
        return True
    if any(0 in quotes.get(c, (0, 0)) for c, _ in held["legs"]):
        return False
    gained = sum(qty * (Fraction(sum(quotes[c]), 2) - held["mids"][c]) for c, qty in held["legs"])
    front_units = max(-qty for _, qty in held["legs"])
    profit = gained / front_units / 100
    if config["target"] and profit >= config["target"] * held["friction"]:
        return True
    return bool(config["stop"]) and profit <= -config["stop"] * held["friction"]
