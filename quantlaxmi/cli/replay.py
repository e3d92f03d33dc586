"""``replay``: a strategy over a segment's append-only log, in bounded memory."""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.run_options import route_usage, run_route

USAGE = route_usage("replay", "Run a strategy over a segment's append-only log.")


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.run.replay import replay

    return run_route(args, replay, "replay")
