"""Write ``traces.json``: the hashes every strategy's run on every bundled segment must have.

The bundled segments have no options: strategies on options run on generated sessions.

A changed hash means that results changed: it needs a new ``SEMANTICS_VERSION`` or schema and a
"trace-breaking" line in the changelog. Run from the repository's root with the package installed:
``python -m tests.golden.regenerate``.
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path

from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.run.replay import backtest
from quantlaxmi.run.result import Run
from quantlaxmi.segment import Segment, open_segment
from quantlaxmi.strategies import IndiaOptionsStrategy, StrategyRegistry

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "data"
SEGMENTS = ("edgeless", "planted")
#: Generated sessions by their kind: eight days, so that a front ends within.
SESSIONS = {"session_fair": "fair", "session_planted": "planted"}
_MADE = tempfile.TemporaryDirectory()
#: Settings that are pinned: each strategy's defaults, and others of strategies named here.
VARIANTS: dict[str, tuple[str, ...]] = {
    "default": (),
    "filtered": (
        "threshold_bps=4 exit_threshold_bps=3.5 cooldown_ms=100 max_spread_bps=0.1 "
        "min_bid_qty=0.02 min_ask_qty=0.02 max_trades_per_hour=90",
    ),
    "perp_alone": ("hedged=false",),
}


def cases() -> list[tuple[str, str, str]]:
    """Every (strategy, variant, segment)."""
    registry = StrategyRegistry(installed=False)
    on_options = {n for n in registry.list() if issubclass(registry.get(n), IndiaOptionsStrategy)}
    return [
        (name, variant, segment)
        for name in registry.list()
        for variant in VARIANTS
        if variant == "default" or name == "basis_capture"
        for segment in (SESSIONS if name in on_options else SEGMENTS)
    ]


@functools.cache
def market(segment: str) -> Segment:
    """The bundled segment or the generated session of a name."""
    if segment in SESSIONS:
        out = Path(_MADE.name) / segment
        return generate_chain_segment(SESSIONS[segment], out, days=8, snapshots=60)
    return open_segment(DATA / segment)


def run(strategy: str, variant: str, segment: str) -> Run:
    """The run whose hashes are pinned."""
    made = StrategyRegistry(installed=False).create(strategy, sets=VARIANTS[variant])
    return backtest(market(segment), made)


def hashes(found: Run) -> dict[str, str | int]:
    """What is pinned of a run."""
    return {
        "decisions": found.n_decisions,
        "fills": found.n_fills,
        "trace_hash": found.trace.trace_hash.hex(),
        "outcome_hash": found.trace.outcome_hash.hex(),
    }


def main() -> None:
    """Write the file afresh."""
    made = {"/".join(case): hashes(run(*case)) for case in cases()}
    (HERE / "traces.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
