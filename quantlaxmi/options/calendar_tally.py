"""How often each of the calendar's rules blocked an entry, alone and together, and how narrowly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from quantlaxmi.options.calendar_rules import CalendarCheck
from quantlaxmi.options.calendar_terms import CalendarRule, CalendarTerms

__all__ = ["CalendarTally", "Miss", "RuleTally", "block_counts", "measured", "tally"]

_S = 10**9


class Miss(NamedTuple):
    """A check that a rule blocked, and by how much.

    Attributes
    ----------
    ts_ns : int
    value, limit : float
        What was measured, and what it had to reach or to stay within.
    """

    ts_ns: int
    value: float
    limit: float


class RuleTally(NamedTuple):
    """How often one rule blocked an entry.

    Attributes
    ----------
    rule : CalendarRule
    blocked : int
        Checks at which it did.
    alone : int
        Those at which no other rule did.
    nearest : tuple of Miss
        Those of ``blocked`` with the smallest distance from the limit; without those that have no
        value.
    """

    rule: CalendarRule
    blocked: int
    alone: int
    nearest: tuple[Miss, ...]


class CalendarTally(NamedTuple):
    """How often the rules blocked an entry.

    Attributes
    ----------
    checks : int
    passing : int
        Checks at which all rules held.
    rules : tuple of RuleTally
        In the order of the rules.
    together : tuple of (CalendarRule, int)
        Sets of rules that blocked one check, the most frequent first, with their number.
    """

    checks: int
    passing: int
    rules: tuple[RuleTally, ...]
    together: tuple[tuple[CalendarRule, int], ...]


def measured(
    check: CalendarCheck, terms: CalendarTerms, ts_ns: int
) -> dict[CalendarRule, tuple[float, float]]:
    """Return what each rule measured, and its limit; rules that measured nothing are left out.

    Parameters
    ----------
    check : CalendarCheck
    terms : CalendarTerms
    ts_ns : int
        Time of the check.

    Returns
    -------
    dict of CalendarRule to tuple of float
        ``SESSION`` and ``AGE`` in seconds, the first from its nearer bound.
    """
    rule = CalendarRule
    before, after = terms.opens_ns - ts_ns, ts_ns - terms.closes_ns
    limit_ns = -terms.max_ahead_ns if check.age_ns < 0 else terms.max_age_ns
    found = {
        rule.SESSION: (max(before, after) / _S, 0.0),
        rule.AGE: (check.age_ns / _S, limit_ns / _S),
    }
    if check.front_row < 0:
        return found
    low, high = sorted((check.front_iv, check.back_iv))
    gap = -check.gap if terms.credit else check.gap
    found |= {
        rule.FRONT_SPREAD: (
            check.front_spread / check.front_forward * 1e4,
            terms.max_front_spread_bps,
        ),
        rule.BACK_SPREAD: (check.back_spread / check.back_forward * 1e4, terms.max_back_spread_bps),
        rule.LEG_SPREAD: (check.leg_spread_pct, terms.max_bid_ask_spread_pct),
        rule.OPEN_INTEREST: (float(check.open_interest), float(terms.min_open_interest)),
        rule.IV_RANGE: (low, terms.min_iv) if low < terms.min_iv else (high, terms.max_iv),
        rule.CALENDAR_GAP: (check.calendar_gap, 0.0),
        rule.TERM_SLOPE: (check.slope, terms.term_structure_slope),
        rule.HEDGE_ERROR: (check.hedge_error, terms.max_hedge_error),
        rule.SIZE: (check.size, 1.0),
        rule.GAP_FLOOR: (gap, terms.min_premium_gap),
        rule.GAP_FRICTION: (gap, terms.gap_friction_multiple * check.friction),
    }
    if check.skew:  # 0 is no value
        found[rule.SKEW] = (check.skew, terms.skew_threshold)
    return found


def tally(
    checks: Iterable[tuple[int, CalendarCheck, CalendarTerms]], nearest: int = 3
) -> CalendarTally:
    """Count what blocked an entry.

    Parameters
    ----------
    checks : iterable of (int, CalendarCheck, CalendarTerms)
        Time, check and limits.
    nearest : int
        Most misses of a rule to keep.

    Returns
    -------
    CalendarTally

    Examples
    --------
    >>> tally([]).checks
    0
    """
    n = 0
    sets: Counter[CalendarRule] = Counter()
    misses: dict[CalendarRule, list[Miss]] = {rule: [] for rule in CalendarRule}
    for ts_ns, check, terms in checks:
        n += 1
        sets[check.blocked] += 1
        values = measured(check, terms, ts_ns)
        for rule in check.blocked:
            if rule in values:
                misses[rule].append(Miss(ts_ns, *values[rule]))
    rules = tuple(
        RuleTally(rule, *counts, _nearest(misses[rule], nearest))
        for rule, counts in block_counts(sets).items()
    )
    passing = sets.pop(CalendarRule(0), 0)
    together = sorted(sets.items(), key=lambda item: (-item[1], int(item[0])))
    return CalendarTally(n, passing, rules, tuple(together))


def block_counts(sets: Mapping[CalendarRule, int]) -> dict[CalendarRule, tuple[int, int]]:
    """Return how many checks each rule blocked, and how many it blocked alone.

    Parameters
    ----------
    sets : mapping of CalendarRule to int
        Checks by the set of rules that blocked them.

    Returns
    -------
    dict of CalendarRule to tuple of int
        In the order of the rules.

    Examples
    --------
    >>> size, floor = CalendarRule.SIZE, CalendarRule.GAP_FLOOR
    >>> block_counts({size: 3, size | floor: 2, CalendarRule(0): 7})[size]
    (5, 3)
    """
    return {
        rule: (sum(n for blocked, n in sets.items() if rule in blocked), sets.get(rule, 0))
        for rule in CalendarRule
    }


def _nearest(misses: Sequence[Miss], most: int) -> tuple[Miss, ...]:
    ordered = sorted(misses, key=lambda one: (abs(one.value - one.limit), one.ts_ns))
    return tuple(ordered[:most])
