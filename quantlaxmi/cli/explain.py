"""``explain``: how often each rule of a strategy blocked an entry, and by how little."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.run_options import (
    RUN_OPTIONS,
    RUN_USAGE,
    make_strategy,
    run_keywords,
    segment_of,
)
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.options.calendar_tally import CalendarTally
    from quantlaxmi.options.calendar_terms import CalendarRule

_USAGE = """
Say how often each rule of a strategy blocked an entry, alone and with others, and its nearest
misses: over all checks of the data, without position, cooldown and margin; or as a run had it.

Usage:
  {program} explain RUN_USAGE
                 [--as-run] [--json]

Options:
RUN_OPTIONS
  --as-run              As a backtest with these options has it: with cooldown and margin, at checks
                        without a position or order. Options of costs, limits and latency need it.
  --json                One JSON document instead of tables.

A rule counts wherever it blocks, whatever the others say. Rules that need quotes count where there
are quotes. A miss is what was measured and the limit that it did not meet. Only calendar_carry has
rules that can be explained.
"""
USAGE = (
    _USAGE.replace("RUN_USAGE", RUN_USAGE)
    .replace("RUN_OPTIONS", RUN_OPTIONS)
    .replace("{seed}", "--seed")
)
_IST = timezone(timedelta(hours=5, minutes=30))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Rules that measure a time: how far outside the session's bounds, how old.
_IN_SECONDS = ("session", "age")
#: Sets of rules that the table shows.
_MOST_SETS = 12


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.cli.output import print_facts, print_json, print_table
    from quantlaxmi.options.calendar_tally import tally
    from quantlaxmi.run.own_tables import margin_asks
    from quantlaxmi.run.replay import backtest
    from quantlaxmi.strategies.calendar_carry import CalendarCarry

    strategy = make_strategy(args)
    if not isinstance(strategy, CalendarCarry):
        expected = "one whose rules can be explained: calendar_carry"
        raise InputError("--strategy", f"was {strategy.strategy_id}, expected {expected}")
    segment = segment_of(args)
    if args["--as-run"]:
        run = backtest(segment, strategy, **run_keywords(args))
        exact = run.exact
        records = {name: getattr(exact, name) for name in ("decisions", "orders", "fills")}
        checks = strategy.run_checks(segment, records, margin_asks(exact, segment, run.config))
    else:
        _refuse_run_options(args)
        checks = strategy.recorded_checks(segment)
    found = tally(checks)
    if not found.checks and not len(segment.columns("chain")["seq"]):
        raise InputError("explain", "needs snapshots of an option chain, and the segment has none")
    facts = {
        "strategy": strategy.strategy_id,
        "config_hash": strategy.config_hash.hex(),
        "checks": found.checks,
        "passing": found.passing,
    }
    if args["--json"]:
        print_json({**facts, **_document(found)})
        return 0
    print_facts(facts)
    print_table(
        ("rule", "blocked", "alone"), [(_name(x.rule), x.blocked, x.alone) for x in found.rules]
    )
    misses = [
        (_name(x.rule), _amount(x.rule, m.value), _amount(x.rule, m.limit), _at(m.ts_ns))
        for x in found.rules
        for m in x.nearest
    ]
    if misses:
        print()
        print_table(("nearest misses of", "measured", "limit", "at"), misses, title="")
    if found.together:
        print()
        rows = [(n, ", ".join(map(_name, blocked))) for blocked, n in found.together[:_MOST_SETS]]
        print_table(("checks", "rules that blocked together"), rows, title="")
    if (more := len(found.together) - _MOST_SETS) > 0:
        print(f"{more} more sets of rules; --json has all")
    return 0


def _refuse_run_options(args: dict[str, Any]) -> None:
    """Options that change a run say nothing where none is made."""
    plain = {"--leg-latency-ns": "0", "--settle-at": "price", "--seed": "0"}
    names = ("--costs", "--risk", "--latency-ns", "--latency", *plain)
    for name in names:
        if args[name] != plain.get(name):
            raise InputError(name, "needs --as-run: without a run it changes nothing")


def _amount(rule: CalendarRule, value: float) -> str:
    return f"{value:.6g}{' s' if _name(rule) in _IN_SECONDS else ''}"


def _name(rule: CalendarRule) -> str:
    return str(rule.name).lower()


def _at(ts_ns: int) -> str:
    moment = (_EPOCH + timedelta(microseconds=ts_ns // 1000)).astimezone(_IST)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def _document(found: CalendarTally) -> dict[str, Any]:
    return {
        "rules": [
            {
                "rule": _name(one.rule),
                "blocked": one.blocked,
                "alone": one.alone,
                "nearest": [
                    {"at": _at(m.ts_ns), "ts_ns": m.ts_ns, "value": m.value, "limit": m.limit}
                    for m in one.nearest
                ],
            }
            for one in found.rules
        ],
        "together": [
            {"rules": [_name(rule) for rule in blocked], "checks": n}
            for blocked, n in found.together
        ],
    }
