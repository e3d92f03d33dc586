"""``strategies``: what can be run, and with what settings."""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.output import print_json, print_table

USAGE = """
List the strategies, or show the settings of one and their defaults.

Usage:
  {program} strategies [--json]
  {program} strategies show NAME [--json]

Options:
  --json  One JSON document instead of a table.

NAME is one of the list or path.py:Class.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.strategies.registry import StrategyRegistry

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


def _first_line(strategy: type) -> str:
    return (strategy.__doc__ or "").strip().partition("\n")[0]
