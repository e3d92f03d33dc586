"""``strategies``: what can be run, with what settings, and whether it keeps the contract."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from quantlaxmi.segment import MarketData
    from quantlaxmi.strategies.read_source import Finding
    from quantlaxmi.strategies.sdk import Strategy

USAGE = """
List the strategies, show the settings of one and their defaults, or check that one keeps the
contract of strategies and that its source has nothing that differs between machines or runs.

Usage:
  {program} strategies [--json]
  {program} strategies show NAME [--json]
  {program} strategies check NAME [{segment} DIR] [--config TOML] [--set KV]...
                 [--costs TOML] [--json]

Options:
  {segment} DIR  check: the segment to run on; the more decisions, the more it tells. By default
                     a small one is generated, of BTCUSDT and BTCUSDT-PERP: quotes, or hourly bars.
  --config TOML      check: settings of the strategy.
  --set KV           check: a setting as key=value, over those of --config; may be repeated.
  --costs TOML       check: commissions and least notionals; by default those of the venue.
  --json             One JSON document instead of a table or lines.

NAME is one of the list, path.py:Class, or path.py where the file has one strategy.

Exit codes of check: 0 nothing was found, 1 something was, 2 bad input.
"""
#: Rows, and bars of each instrument, of the segment that is generated for a check.
GENERATED_ROWS, GENERATED_BARS = 4_000, 1_000


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.strategies.registry import StrategyRegistry

    if args["check"]:
        return _check(args)
    registry = StrategyRegistry()
    if not args["show"]:
        found = [(name, _first_line(registry.get(name))) for name in registry.list()]
        if args["--json"]:
            print_json([{"strategy": name, "about": about} for name, about in found])
        else:
            print_table(("strategy", "about"), found)
        return 0
    strategy = registry.create(args["NAME"])
    settings = strategy.config.as_texts()
    if args["--json"]:
        print_json(
            {
                "strategy": strategy.strategy_id,
                "about": _first_line(type(strategy)),
                "settings": settings,
                "config_hash": strategy.config_hash.hex(),
            }
        )
    else:
        print_table(
            ("setting", "default"), settings.items(), title=f"strategy {strategy.strategy_id}"
        )
    return 0


def _check(args: dict[str, Any]) -> int:
    """Print what the source has, each check that holds, and the first that does not."""
    from quantlaxmi.errors import StrategyError
    from quantlaxmi.execution.costs import CostModel
    from quantlaxmi.run.check_strategy import check_strategy
    from quantlaxmi.run.replay import backtest
    from quantlaxmi.strategies.registry import StrategyRegistry

    strategy = StrategyRegistry().create(args["NAME"], args["--config"], args["--set"])
    costs = None if args["--costs"] is None else CostModel.load(args["--costs"])
    if costs is None and args["--segment-dir"] is None and getattr(strategy, "reads_bars", False):
        costs = CostModel.binance()  # generated bars are of no venue whose fees are known
    findings = _findings(args["NAME"], strategy)
    say = (lambda line: None) if args["--json"] else print_line
    holds: list[str] = []
    broken, n_decisions = None, None
    with _segment(args["--segment-dir"], strategy) as segment:
        for finding in findings or ():
            say(str(finding))
        if findings is not None and not findings:
            say("reads: Nothing that differs between machines or runs, as far as the source tells.")
        try:
            for line in check_strategy(strategy, segment, costs=costs):
                holds.append(line)
                say(f"holds: {line}")
            n_decisions = backtest(segment, strategy, costs=costs).n_decisions
        except StrategyError as error:
            broken = str(error)
            say(f"broken: {broken}")
    if args["--json"]:
        print_json(
            {
                "strategy": strategy.strategy_id,
                "findings": [dataclasses.asdict(finding) for finding in findings or ()],
                "source_read": findings is not None,
                "holds": holds,
                "broken": broken,
                "decisions": n_decisions,
            }
        )
    elif n_decisions == 0:
        print_line("note: it took no decision on this segment, so the checks tell little")
    return 1 if findings or broken is not None else 0


def _findings(name: str, strategy: Strategy) -> Sequence[Finding] | None:
    """What the source of a strategy has, its file named as the user named it; None without one."""
    from quantlaxmi.strategies.read_source import read_source

    path = name if name.endswith(".py") else name.rpartition(":")[0]
    if not path.endswith(".py"):
        path = getattr(sys.modules[type(strategy).__module__], "__file__", None) or ""
    return read_source(path) if path.endswith(".py") else None


@contextlib.contextmanager
def _segment(folder: str | None, strategy: Strategy) -> Iterator[MarketData]:
    """The segment that was named, or a generated one that the strategy can be bound to."""
    from quantlaxmi.errors import InputError, StrategyError
    from quantlaxmi.importers.synthetic import SyntheticKind, generate_segment
    from quantlaxmi.importers.synthetic_bars import generate_bars
    from quantlaxmi.segment import open_whole

    if folder is not None:
        yield open_whole(folder)
        return
    with tempfile.TemporaryDirectory(prefix="quantlaxmi-check-") as place:
        made: MarketData = (
            generate_bars(GENERATED_BARS)
            if getattr(strategy, "reads_bars", False)
            else generate_segment(SyntheticKind.PLANTED, Path(place) / "seg", rows=GENERATED_ROWS)
        )
        try:
            strategy.bind(made.instruments)
        except Exception as error:  # the user's code may raise anything
            told = "" if isinstance(error, StrategyError) else f"{type(error).__name__}: "
            told += " ".join(str(error).split())[:300]
            problem = f"needs the folder of a segment to run on; on the generated one: {told}"
            raise InputError("strategies check", problem.rstrip(": ")) from None
        yield made


def _first_line(strategy: type) -> str:
    return (strategy.__doc__ or "").strip().partition("\n")[0]
