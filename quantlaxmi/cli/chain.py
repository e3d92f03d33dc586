"""``chain``: an option chain as it was known at one time."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.options.moment import ChainMoment, SideColumns
    from quantlaxmi.options.recorded import RecordedChain
    from quantlaxmi.options.surface import Surface

USAGE = """
Show an option chain as it was known at one time: forward, strike at the money, volatilities and
greeks by strike.

Usage:
  {program} chain {segment} DIR --at TIME [--underlying NAME] [--expiry DAY]
                 [--all] [--json]

Options:
  {segment} DIR      The segment's folder.
  --at TIME              Time in India, HH:MM:SS, with the day where the segment has several:
                         2025-08-29T10:00:00.
  --underlying NAME      Where the segment has options of several.
  --expiry DAY           Strikes of this expiry, such as 2025-09-02; of the first by default.
  --all                  All strikes of all expiries; else ten on either side of the forward.
  --json                 One JSON document instead of tables.

Volatilities are those at which the mids are worth their price; vega is of one point of volatility,
theta of one day of 365. A value that does not exist is left out.
"""
_IST = timezone(timedelta(hours=5, minutes=30))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT = re.compile(r"(?:([0-9]{4}-[0-9]{2}-[0-9]{2})[T ])?([0-9]{2}:[0-9]{2}:[0-9]{2})")
#: Strikes on either side of the forward.
_BESIDE = 10
_POINTS, _DAYS = 100, 365
_SUMMARY = (
    "forward", "atm", "iv_call", "iv_put", "iv", "straddle", "spread", "vega", "skew"
)  # fmt: skip
_SIDE = ("bid", "ask", "bid_qty", "ask_qty", "oi", "iv", "delta", "gamma", "vega", "theta")


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.output import print_facts, print_json, print_table
    from quantlaxmi.options.recorded import RecordedChain
    from quantlaxmi.options.surface import surface
    from quantlaxmi.segment import open_whole

    recorded = RecordedChain(open_whole(args["--segment-dir"]), args["--underlying"] or "")
    k = _snapshot(recorded, args["--at"])
    moment = recorded.moment(k)
    found = surface(moment.chain)
    days = [_moment(end).date() for end in moment.expiry_ns.tolist()]
    facts = {
        "underlying": recorded.underlying,
        "known at": _moment(moment.ts_ns).isoformat(),
        "exchange's time": _moment(moment.exch_ts_ns).isoformat(),
        "contracts": int(sum((side.contract >= 0).sum() for side in (moment.call, moment.put))),
    }
    expiries = [
        {"expiry": day.isoformat(), **_expiry(moment, found, e)} for e, day in enumerate(days)
    ]
    shown = _shown(args, days)
    strikes = [
        row
        for e in shown
        for row in _strikes(moment, found, e, days[e], None if args["--all"] else _BESIDE)
    ]
    if args["--json"]:
        print_json({**facts, "expiries": expiries, "strikes": strikes})
        return 0
    print_facts(facts)
    print_table(("expiry", "days", *_SUMMARY), [_cells(one) for one in expiries])
    for e in shown:
        own = [row for row in strikes if row["expiry"] == days[e].isoformat()]
        for side in ("call", "put"):
            print_table(
                ("strike", *_SIDE),
                [(row["strike"], *_cells(row[side])) for row in own],
                title=f"\n{recorded.underlying} {days[e].isoformat()}, {side}s",
            )
    return 0


def _moment(ts_ns: int) -> datetime:
    return (_EPOCH + timedelta(microseconds=ts_ns // 1000)).astimezone(_IST)


def _cells(row: dict[str, Any]) -> list[str]:
    return ["-" if value is None else str(value) for value in row.values()]


def _snapshot(recorded: RecordedChain, text: str) -> int:
    """The last snapshot that was known at the time of ``--at``."""
    found = _AT.fullmatch(text)
    days = sorted({_moment(ts).date() for ts in recorded.ts_ns.tolist()})
    if not days:
        raise InputError("--at", f"was {text[:40]}, and the segment has no snapshot")
    try:
        if found is None:
            raise ValueError
        clock = datetime.strptime(found[2], "%H:%M:%S").time()
        day = date.fromisoformat(found[1]) if found[1] else None
    except ValueError:
        expected = "a time such as 10:00:00 or 2025-08-29T10:00:00"
        raise InputError("--at", f"was {text[:40]!r}, expected {expected}") from None
    if day is None and len(days) > 1:
        expected = (
            f"the day too: the segment has {counted(len(days), 'day[s]')}, {days[0]} to {days[-1]}"
        )
        raise InputError("--at", f"was {text}, expected {expected}")
    if day is not None and day not in days:
        expected = f"a day from {days[0]} to {days[-1]} that the segment has"
        raise InputError("--at", f"was {text}, expected {expected}")
    asked = datetime.combine(day or days[0], clock, _IST)
    k = recorded.known_at(int((asked - _EPOCH).total_seconds()) * 10**9)
    if k < 0 or _moment(int(recorded.ts_ns[k])).date() != asked.date():
        later = [ts for ts in recorded.ts_ns.tolist() if _moment(ts).date() == asked.date()]
        first = _moment(later[0]).time().isoformat()
        raise InputError("--at", f"was {text}, expected {first} or later: the first snapshot")
    return k


def _shown(args: dict[str, Any], days: list[date]) -> list[int]:
    """Expiries whose strikes are shown."""
    wanted = args["--expiry"]
    if wanted is None:
        return list(range(len(days))) if args["--all"] else [0]
    texts = [day.isoformat() for day in days]
    if wanted not in texts:
        expected = f"one of {', '.join(texts)}"
        raise InputError("--expiry", f"was {wanted[:40]!r}, expected {expected}")
    return [texts.index(wanted)]


def _expiry(moment: ChainMoment, found: Surface, e: int) -> dict[str, Any]:
    """Figures of one expiry."""
    from quantlaxmi.cli.output import money_text
    from quantlaxmi.options.status import OptionStatus

    here, skewed = found.status[e] == OptionStatus.OK, found.skew.status[e] == OptionStatus.OK
    has_forward = found.forward.status[e] == OptionStatus.OK
    strike = int(moment.chain.strike[found.atm[e]]) if has_forward else 0
    call, put = float(found.sigma_call[e]), float(found.sigma_put[e])
    return {
        "days": round(int(moment.chain.seconds[e]) / 86_400, 3),
        "forward": round(float(found.forward.value[e]), 4) if has_forward else None,
        "atm": money_text(strike, moment.chain.price_exponent) if has_forward else None,
        "iv_call": round(call, 6) if here else None,
        "iv_put": round(put, 6) if here else None,
        "iv": round((call + put) / 2, 6) if here else None,
        "straddle": round(float(found.straddle[e]), 4) if here else None,
        "spread": round(float(found.spread[e]), 4) if here else None,
        "vega": round(float(found.vega[e]) / _POINTS, 4) if here else None,
        "skew": round(float(found.skew.value[e]), 6) if skewed else None,
    }


def _strikes(
    moment: ChainMoment, found: Surface, e: int, day: date, beside: int | None
) -> list[dict[str, Any]]:
    """Rows of one expiry, all or those nearest to the strike at the money."""
    from quantlaxmi.cli.output import money_text
    from quantlaxmi.options.prices import greeks

    rows = range(*moment.chain.rows(e).indices(moment.chain.strike.size))
    at = int(found.atm[e])
    if beside is not None:
        middle = at if at >= 0 else rows[len(rows) // 2]
        rows = rows[max(0, middle - rows.start - beside) : middle - rows.start + beside + 1]
    exponent = moment.chain.price_exponent
    kept = slice(rows.start, rows.stop)
    strikes = moment.chain.strike[kept] * 10.0**exponent
    years, forward = float(moment.chain.years[e]), float(found.forward.value[e])
    sides = []
    for name, side, sigma in (
        ("call", moment.call, found.call),
        ("put", moment.put, found.put),
    ):
        own = greeks(forward, strikes, years, sigma.value[kept], name == "call")
        ok = (sigma.status[kept] == 0) & (own.status == 0)
        values = {
            "iv": sigma.value[kept],
            "delta": own.delta,
            "gamma": own.gamma,
            "vega": own.vega / _POINTS,
            "theta": own.theta / _DAYS,
        }
        sides.append([_side(side, k, exponent, values, ok, n) for n, k in enumerate(rows)])
    return [
        {
            "expiry": day.isoformat(),
            "strike": money_text(int(moment.chain.strike[k]), exponent),
            "call": call,
            "put": put,
        }
        for k, call, put in zip(rows, *sides, strict=True)
    ]


def _side(
    side: SideColumns, k: int, exponent: int, values: dict[str, Any], ok: Any, n: int
) -> dict[str, Any]:
    """One option: what is quoted, and what follows from it."""
    from quantlaxmi.cli.output import money_text

    if side.contract[k] < 0:
        return dict.fromkeys(_SIDE)
    quoted = {
        name: money_text(int(getattr(side, name)[k]), exponent) if getattr(side, name)[k] else None
        for name in ("bid", "ask")
    }
    sizes = {name: int(getattr(side, name)[k]) for name in ("bid_qty", "ask_qty", "oi")}
    return {
        **quoted,
        **sizes,
        **{name: round(float(column[n]), 6) if ok[n] else None for name, column in values.items()},
    }
