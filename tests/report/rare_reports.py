"""Reports with the figures that few have: option sessions, few arrangements, names never asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quantlaxmi import open_segment, run_gates
from quantlaxmi.calibrate.markets import COSTS
from quantlaxmi.calibrate.random_streams import Draws, run_key
from quantlaxmi.calibrate.worlds.catalogue import EDGES
from quantlaxmi.gates import GatePolicy
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.segment import Window
from quantlaxmi.strategies.basis_capture import BasisCapture
from tests.gates.test_chain_sessions import Straddles
from tests.gates.test_own_signals import Forgotten

DATA = Path(__file__).resolve().parents[2] / "data"


def carried(search: bool) -> Any:
    """A world in which funding is earned without timing: its segment and strategy."""
    world = next(one for one in EDGES if one.name == "carry-t7")
    return world.make(Draws(run_key(2, "carry-t7", 0)), search)


def session(folder: Path, policy: GatePolicy) -> tuple[Any, ...]:
    """Report, segment and options: ten generated days of options, judged by every gate."""
    segment = generate_chain_segment("fair", folder / "s", days=10, snapshots=20)
    report = run_gates(segment, Straddles(), gates="g2,g3", policy=policy)
    return report, segment, {"strategy": Straddles()}


class Keeps(Straddles):
    """Trades as straddles do for four days, then keeps one."""

    strategy_id = "straddles_kept"

    def on_market(self, event: Any, ctx: Any) -> Any:
        """Nothing any more after four days."""
        if self.n > 80 and self.pair is not None:
            return None
        return super().on_market(event, ctx)


def settled(folder: Path, policy: GatePolicy) -> tuple[Any, ...]:
    """A bundle that is kept to its end, which drawn chains have elsewhere."""
    segment = generate_chain_segment("fair", folder / "s", days=10, snapshots=20)
    policy = policy.replace(min_trades=2, suites={"g2": ["market_null"]})
    report = run_gates(segment, Keeps(), policy=policy, settle_at="mark")
    return report, segment, {"strategy": Keeps()}


def never_asked(_: Path, policy: GatePolicy) -> tuple[Any, ...]:
    """A signal that no line passes through."""
    policy = policy.replace(suites={"g2": ["ablation"]})
    report = run_gates(DATA / "planted", Forgotten(), policy=policy)
    return report, DATA / "planted", {"strategy": Forgotten()}


def few_arrangements(_: Path, policy: GatePolicy) -> tuple[Any, ...]:
    """So few arrangements of a run's spans that they are counted."""
    policy = policy.replace(min_trades=2, min_arrangements=1, suites={"g2": ["label_permutation"]})
    segment = open_segment(DATA / "planted")
    report = run_gates(Window(segment, 0, 300, 0), BasisCapture(), policy=policy)
    return report, segment, {}


def carried_search(_: Path, policy: GatePolicy) -> tuple[Any, ...]:
    """A choice among settings of a run that funding carries."""
    case = carried(True)
    policy = policy.replace(suites={"g2": ["premium", "market_null"], "g3": ["selection"]})
    report = run_gates(
        case.segment, case.strategy, gates="g2,g3", policy=policy, costs=COSTS["free"]
    )
    return report, case.segment, {"strategy": case.strategy}


RARE = {
    "session": session,
    "settled": settled,
    "never asked": never_asked,
    "few arrangements": few_arrangements,
    "carried search": carried_search,
}
