"""``backtest``: a strategy over a segment's sealed columns."""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.run_options import route_usage, run_route

USAGE = route_usage("backtest", "Run a strategy over a segment's sealed columns.")


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.run.replay import backtest

    return run_route(args, backtest, "backtest")
