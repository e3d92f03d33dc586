"""``strategies``: what can be run, and with what settings."""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.output import print_json, print_table

USAGE = """
List the strategies, show the settings of one and their defaults, or check that one keeps the
contract of strategies.

Usage:
  {program} strategies [--json]
  {program} strategies show NAME [--json]
  {program} strategies check NAME [{segment} DIR] [--config TOML] [--set KV]...

Options:
  {segment} DIR  check: the segment to run on; the more decisions, the more it tells.
  --config TOML      check: settings of the strategy.
  --set KV           check: a setting as key=value, over those of --config; may be repeated.
  --json             One JSON document instead of a table.

NAME is one of the list or path.py:Class.

Exit codes of check: 0 the strategy keeps the contract, 1 it does not, 2 bad input.
"""


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
    """Print each check that holds, and the first that does not."""
    from quantlaxmi.errors import InputError, StrategyError
    from quantlaxmi.run.check_strategy import check_strategy
    from quantlaxmi.segment import open_whole
    from quantlaxmi.strategies.registry import StrategyRegistry

    if args["--segment-dir"] is None:
        raise InputError("strategies check", "needs the folder of a segment to run on")
    strategy = StrategyRegistry().create(args["NAME"], args["--config"], args["--set"])
    segment = open_whole(args["--segment-dir"])
    try:
        for line in check_strategy(strategy, segment):
            print(f"holds: {line}")
    except StrategyError as error:
        print(f"broken: {error}")
        return 1
    return 0


def _first_line(strategy: type) -> str:
    return (strategy.__doc__ or "").strip().partition("\n")[0]
