"""The options of a run, and the lines printed about it; shared by the commands that run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.ending import flush_output
from quantlaxmi.cli.output import Progress, money_text, print_facts, print_json, print_note
from quantlaxmi.cli.values import utc_nanoseconds, utc_text, whole_number
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from quantlaxmi.run.result import Run
    from quantlaxmi.segment import MarketData
    from quantlaxmi.strategies.sdk import Strategy

#: Facts of a run that are money.
_MONEY = ("gross_pnl", "slippage", "fees", "funding", "borrow", "note_rounding", "net_pnl")
#: The part of a usage text that every run shares, and its explanations.
RUN_USAGE = """{segment} DIR [--until TIME] --strategy NAME [--config TOML]
                 [--set KV]... [--costs TOML] [--risk TOML] [--latency-ns N | --latency TOML]
                 [--leg-latency-ns N] [--settle-at WHAT] [{seed} N]"""
RUN_OPTIONS = """  {segment} DIR     The segment's folder.
  --until TIME          Read no message received at this time or later, such as sealed rows; UTC:
                        2024-08-08T12:00:00Z, or nanoseconds.
  --strategy NAME       One of those the strategies command lists, or path.py:Class.
  --config TOML         Settings of the strategy.
  --set KV              A setting as key=value, over those of --config; may be repeated, and one
                        quoted text may hold several.
  --costs TOML          Commissions and least notionals; what it does not name is the venue's on the
                        data's date.
  --risk TOML           Limits on positions, losses, orders and the age of books; none by default.
  --latency-ns N        Nanoseconds from a decision to its orders' arrival, with the transit of
                        market data. By default a millisecond; of a chain session one median
                        interval between snapshots.
  --latency TOML        Latencies of entry and response, constant or drawn from measured values.
  --leg-latency-ns N    Nanoseconds from the arrival of one leg of a bundle to that of the next
                        [default: 0].
  --settle-at WHAT      What a position past its expiry takes: price, which the data must have, or
                        mark, the contract's last mid where they have none [default: price].
  --seed N              Seed of the run's own draws: of latencies [default: 0]."""
_ROUTE_USAGE = """
{about}

Usage:
  {program} {route} RUN_USAGE
                 [--interpreted] [--flatten] [--output-trace FILE] [--run-dir DIR]
                 [--price-step X] [--trials DIR] [--json]

Options:
RUN_OPTIONS
  --interpreted         Run the kernel's interpreted twin: slow, same trace.
  --flatten             Close what is open at the last message.
  --output-trace FILE   Write the decision trace, .json or .arrow.
  --run-dir DIR         Folder to create with the trace, the summary and every fill's attribution.
  --price-step X        A mid that moves by more than this factor from one book to the next is
                        told where it was held [default: 1.5].
  --trials DIR          Folder of the trial ledger: the run is written there, and its seals hold.
                        By default that of QUANTLAXMI_TRIALS, where it is set.
  --json                One JSON document instead of a table.
"""


def route_usage(route: str, about: str) -> str:
    """Usage text of ``backtest`` or ``replay``."""
    text = _ROUTE_USAGE.replace("RUN_USAGE", RUN_USAGE).replace("RUN_OPTIONS", RUN_OPTIONS)
    text = text.replace("{seed}", "--seed")
    return text.replace("{route}", route).replace("{about}", about)


def make_strategy(args: dict[str, Any]) -> Strategy:
    """The strategy with its settings."""
    from quantlaxmi.strategies.registry import StrategyRegistry

    return StrategyRegistry().create(args["--strategy"], args["--config"], args["--set"])


def segment_of(args: dict[str, Any]) -> MarketData:
    """The segment, or its messages before ``--until``."""
    from quantlaxmi.segment import messages_before, open_whole

    until = args["--until"]
    stop_ns = None if until is None else utc_nanoseconds("--until", until)
    segment = open_whole(args["--segment-dir"])
    if stop_ns is None:
        return segment
    if segment.n_messages and stop_ns <= segment.first_ts_ns:
        raise InputError(
            "--until",
            f"was {until}, expected a time after {utc_text(segment.first_ts_ns)}, that of the "
            "first message",
        )
    return messages_before(segment, stop_ns)


def run_keywords(args: dict[str, Any], seed: str = "--seed") -> dict[str, Any]:
    """Keyword arguments of ``backtest`` and ``replay`` that options give.

    `seed` names the option of the run's own seed.
    """
    keywords: dict[str, Any] = {"seed": whole_number(seed, args[seed], 0, 2**63 - 1)}
    if args["--latency-ns"] is not None:
        most = 86_400 * 10**9
        keywords["latency_ns"] = whole_number("--latency-ns", args["--latency-ns"], 0, most)
    step = whole_number("--leg-latency-ns", args["--leg-latency-ns"], 0, 86_400 * 10**9)
    if step:
        keywords["leg_latency_ns"] = step
    if args["--settle-at"] not in ("price", "mark"):
        raise InputError("--settle-at", f"was {args['--settle-at'][:40]!r}, expected price or mark")
    keywords["settle_at"] = args["--settle-at"]
    if args["--latency"] is not None:
        from quantlaxmi.execution.latency import LatencyModel

        keywords["latency"] = LatencyModel.load(args["--latency"])
    if args["--costs"] is not None:
        from quantlaxmi.execution.costs import CostModel

        keywords["costs"] = CostModel.load(args["--costs"])
    if args["--risk"] is not None:
        from quantlaxmi.execution.risk import RiskLimits

        keywords["limits"] = RiskLimits.load(args["--risk"])
    return keywords


def run_route(args: dict[str, Any], route: Callable[..., Run], label: str) -> int:
    """Run ``backtest`` or ``replay``, write what was asked for, and say what came out."""
    from quantlaxmi.cli.run_files import check_new_folder, check_output, write_run
    from quantlaxmi.run.summary.capital import NO_CAPITAL

    trace, folder = args["--output-trace"], args["--run-dir"]
    if trace:
        from quantlaxmi.trace.file import KIND

        check_output("--output-trace", trace, (".json", ".arrow"), KIND)
    if folder:
        check_new_folder("--run-dir", folder)
        if trace and os.path.realpath(trace) == os.path.realpath(folder):
            raise InputError("--run-dir", f"was {folder}, which --output-trace names too")
    step = price_step(args["--price-step"])
    strategy, keywords = make_strategy(args), run_keywords(args)
    segment = segment_of(args)
    with Progress(label) as progress:
        run = route(
            segment,
            strategy,
            flatten=args["--flatten"],
            interpreted=args["--interpreted"],
            progress=progress,
            trials=args["--trials"],
            **keywords,
        )
    lines = run.summary(step)
    facts = {**run_facts(run), "summary": [line.to_json() for line in lines]}
    # Money of several currencies is never added, so such a run has no figures in all.
    stats = run.stats() if len(run.exact.traded_currencies) == 1 else None
    if stats is not None:
        facts["statistics"] = stats.to_dict()
    # Said before it is written: a full disk does not take the figures with it.
    if args["--json"]:
        print_json(facts)
    else:
        figures = {
            name: value for name, value in facts.items() if name not in ("summary", "statistics")
        }
        print_facts(lines_by_currency(figures))
        if stats is not None:
            print(stats)
        for line in lines:
            # The statistics say so themselves.
            if stats is None or line != NO_CAPITAL:
                print_note(str(line))
    flush_output()
    if trace:
        run.trace.save(trace)
    if folder:
        write_run(run, facts, folder)
    return 0


def price_step(text: str) -> Fraction:
    """Value of ``--price-step``."""
    from quantlaxmi.run.summary.line import price_step_of

    try:
        return price_step_of(text)
    except InputError as error:
        raise InputError("--price-step", error.problem) from None


def run_money(run: Run) -> dict[str, Any]:
    """A run's money by name, as exact decimal text: each a mapping where there are currencies.

    Currencies that were not traded are left out, unless none was.
    """
    exact, scale = run.exact, run.exact.ledger_exponent
    traded = exact.traded_currencies or tuple(exact.cash)
    amounts = {
        "gross_pnl": (exact.gross_by_currency, scale - 1),
        "slippage": (exact.fills_by_currency(*exact.attributions.halves("slippage")), scale - 1),
        "fees": (exact.by_currency(a.fees for a in exact.accounts), scale),
        "funding": (exact.by_currency(a.funding for a in exact.accounts), scale),
        "borrow": (exact.by_currency(a.borrow for a in exact.accounts), scale),
        **({"note_rounding": (exact.rounding_by_currency, scale)} if len(exact.notes) else {}),
        "net_pnl": (exact.net_by_currency, scale - 1),
    }
    found: dict[str, Any] = {}
    for name, (by_currency, exponent) in amounts.items():
        texts = {currency: money_text(by_currency[currency], exponent) for currency in traded}
        found[name] = texts if len(traded) > 1 else texts[traded[0]]
    return {**found, "currency": ", ".join(traded)}


def lines_by_currency(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts to print, with a line for each currency where money is in several."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if name in _MONEY and isinstance(value, dict):
            found |= {f"{name} {currency}": text for currency, text in value.items()}
        else:
            found[name] = value
    return found


def run_facts(run: Run) -> dict[str, Any]:
    """Facts printed about a run; money is exact decimal text in the currency of its account.

    Money in several currencies is a mapping by currency, because it is never added. Each decision
    is an entry, an exit or an adjustment.
    """
    from quantlaxmi.schema import DecisionType, RiskRule

    kinds = run.exact.decisions["decision_type"]
    return {
        "segment": str(run.segment.path),
        "messages": run.n_messages,
        "strategy": run.strategy.strategy_id,
        "decisions": run.n_decisions,
        "entries": int((kinds == DecisionType.ENTER).sum()),
        "exits": int((kinds == DecisionType.EXIT).sum()),
        "adjustments": int((kinds == DecisionType.ADJUST).sum()),
        "fills": run.n_fills,
        "risk_events": {
            rule.name.lower(): n
            for rule in RiskRule
            if (n := int((run.exact.risk["rule"] == rule).sum()))
        },
        **run_money(run),
        "open_positions": {
            instrument.symbol: money_text(account.position, instrument.qty_exponent)
            for instrument, account in zip(run.instruments, run.exact.accounts, strict=True)
            if account.position
        },
        "config_hash": run.header.config_hash.hex(),
        "trace_hash": run.trace.trace_hash.hex(),
        "outcome_hash": run.trace.outcome_hash.hex(),
    }
