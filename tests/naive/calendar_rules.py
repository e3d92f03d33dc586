"""Naive twin of the calendar's rules, from their formulas, in Fractions and long decimals.

A row is (strike, then for the call and for the put: bid, bid size, ask, ask size, open interest),
prices in hundredths; 0 is no quote. A limit of 0 is off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.naive import black76, surface

YEAR, UNIT = 31_536_000, 100
#: (bid, bid size, ask, ask size, open interest)
Quote = tuple[int, int, int, int, int]
Row = tuple[int, Quote, Quote]


def _exact(value: Decimal) -> Fraction:
    return Fraction(value)


def _bare(rows: Sequence[Row]) -> list[surface.Row]:
    return [(k, c[0], c[2], p[0], p[2]) for k, c, p in rows]


def _straddle(rows: Sequence[Row], seconds: int) -> dict[str, Any] | None:
    """Figures of one expiry; None where the straddle at the money has no value."""
    bare = _bare(rows)
    at, _ = surface.forward(bare)
    if at is None or at <= 0 or seconds <= 0:
        return None
    years = max(60, seconds) / YEAR
    k = surface.nearest(bare, at)
    call, put = surface.mid(bare[k], True), surface.mid(bare[k], False)
    if call is None or put is None:
        return None
    intrinsic = at - bare[k][0]
    if call <= max(0, intrinsic) or put <= max(0, -intrinsic) or call >= at or put >= bare[k][0]:
        return None
    low = surface.volatility(bare[k], True, at, years, UNIT)
    high = surface.volatility(bare[k], False, at, years, UNIT)
    assert low is not None and high is not None
    sigma = (low + high) / 2
    with localcontext(black76._work()):
        root = Decimal(years).sqrt()
        total = sigma * root
        d1 = (surface.exact(at / bare[k][0])).ln() / total + total / 2
        vega = 2 * surface.exact(at / UNIT) * black76.density(d1) * root
    smile = surface.skew(bare, at, years, UNIT)
    legs = rows[k][1:]
    return {
        "forward": at / UNIT,
        "strike": bare[k][0],
        "sigma": _exact(sigma),
        "vega": _exact(vega),
        "years": Fraction(years),
        "mid": (call + put) / UNIT,
        "spread": Fraction(sum(q[2] - q[0] for q in legs), UNIT),
        "skew": None if smile is None else _exact(smile),
        "legs": legs,
    }


def half_even(value: Fraction) -> int:
    below = value.numerator // value.denominator
    rest = value - below
    return below + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1))


def check(
    chain: Mapping[int, Sequence[Row]],
    lots: Mapping[int, int],
    now: Mapping[str, int],
    terms: Mapping[str, Any],
) -> tuple[set[str], dict[str, Fraction]]:
    """Rules that forbid to enter, by name, and the figures.

    ``chain`` and ``lots`` are by the seconds to the expiry; ``now`` has ``ts``, ``exch``, ``opens``
    and ``closes`` in seconds; ``terms`` are the settings as Fractions.
    """
    bad: set[str] = set()
    if not now["opens"] <= now["ts"] <= now["closes"]:
        bad.add("session")
    age = now["ts"] - now["exch"]
    if (terms["max_age"] and age > terms["max_age"]) or -age > terms["max_ahead"]:
        bad.add("age")
    ends = sorted(chain)
    front = next((e for e in ends if e >= terms["min_front"]), None)
    back = next((e for e in ends if front is not None and e >= front + terms["min_gap"]), None)
    near = None if front is None else _straddle(chain[front], front)
    far = None if back is None else _straddle(chain[back], back)
    if near is None or far is None:
        return bad | {"quoted"}, {}
    h = min(Fraction(2), max(Fraction(1, 2), near["vega"] / far["vega"]))
    units = terms["front_lots"] * lots[front]
    back_lots = max(1, half_even(h * units / lots[back]))
    back_units = back_lots * lots[back]
    premium = near["mid"] + h * far["mid"]
    found = {
        "hedge": h,
        "gap": h * far["mid"] - near["mid"],
        "calendar_gap": far["sigma"] ** 2 * far["years"] - near["sigma"] ** 2 * near["years"],
        "slope": near["sigma"] - far["sigma"],
        "friction": near["spread"]
        + h * far["spread"]
        + (8 * terms["fee_flat"] + terms["fee_share"] * units * premium) / units,
        "back_lots": Fraction(back_lots),
        "hedge_error": abs(back_units / (h * units) - 1),
    }
    smiles = [one["skew"] for one in (near, far)]
    if None not in smiles:
        found["skew"] = min(smiles)
    quotes = [(q, lots[front], units, 0) for q in near["legs"]]
    quotes += [(q, lots[back], back_units, 1) for q in far["legs"]]
    gap = -found["gap"] if terms["credit"] else found["gap"]
    sigmas = near["sigma"], far["sigma"]
    fails = {
        "front_spread": _over(near["spread"] / near["forward"] * 10_000, terms["front_bps"]),
        "back_spread": _over(far["spread"] / far["forward"] * 10_000, terms["back_bps"]),
        "leg_spread": any(
            _over(Fraction(200 * (q[2] - q[0]), q[2] + q[0]), terms["leg_pct"]) for q, *_ in quotes
        ),
        "open_interest": any(q[4] // lot < terms["open_interest"] for q, lot, *_ in quotes),
        "iv_range": min(sigmas) < terms["min_iv"] or _over(max(sigmas), terms["max_iv"]),
        "calendar_gap": found["calendar_gap"] <= 0,
        "term_slope": terms["slope"] != 0 and found["slope"] > terms["slope"],
        "skew": terms["skew"] != 0 and ("skew" not in found or found["skew"] < terms["skew"]),
        "hedge_error": _over(found["hedge_error"], terms["hedge_error"]),
        "size": any(q[3 if buys else 1] < wanted for q, _, wanted, buys in quotes),
        "gap_floor": gap < terms["gap"],
        "gap_friction": terms["multiple"] > 0 and gap < terms["multiple"] * found["friction"],
    }
    return bad | {name for name, failed in fails.items() if failed}, found


def _over(value: Fraction, limit: Fraction) -> bool:
    return limit > 0 and value > limit
