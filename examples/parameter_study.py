"""A parameter study that does not fool its author.

    python examples/parameter_study.py

Twelve settings are tried on data without any edge. The best of them looks better than the default,
as the best of twelve always does. The study below names what is searched, keeps a ledger of what
was tried, sets a part of the data aside before it looks, and asks it once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import quantlaxmi as ql
from quantlaxmi.segment import messages_before
from quantlaxmi.strategies.grid_file import Grid
from quantlaxmi.trials import TrialLedger
from quantlaxmi.trials.holdout import seal_from
from quantlaxmi.trials.ledger import using

DATA = Path(__file__).resolve().parent.parent / "data"
COSTS = ql.CostModel.binance()
TEXT = """
strategy = "basis_capture"

[values]
threshold_bps = [3, 4, 5, 6]
exit_threshold_bps = [0.5, 1, 2]
"""


def study(name: str, folder: Path) -> None:
    """Search, judge the choice, and ask the sealed rows about the one setting that is left."""
    segment = ql.open_segment(DATA / name)
    kind = ql.StrategyRegistry().get("basis_capture")
    file = folder / "grid.toml"
    file.write_text(TEXT)
    grid = Grid.load(file, kind)
    (folder / name).mkdir()
    ledger = TrialLedger(folder / name)
    length = segment.last_ts_ns - segment.first_ts_ns
    sealed_ns = segment.first_ts_ns + 7 * length // 10
    with using(ledger):
        seal_from(segment, sealed_ns, ledger)  # before anything is looked at
        early = messages_before(segment, sealed_ns)

        runs = [ql.backtest(early, kind.made_with(one), costs=COSTS) for one in grid.configs]
        best = max(runs, key=lambda run: float(run.net))
        print(f"{name}: {len(runs)} settings, the best earns {float(best.net):.2f}.")

        # The draws of the market null search the same twelve settings.
        report = ql.run_gates(early, kind, costs=COSTS, gates=("g2", "g3"), grid=grid)
        print(f"  before the seal: {report.verdict_text}")
        if report.verdict == "FAIL":
            print("  the sealed part stays sealed, for a better idea")
            return
        judged = report.header["config_hash"]
        settled = next(one for one in grid.configs if one.config_hash.hex() == judged)
        asked = kind.made_with(settled)
        final = ql.run_gates(segment, asked, costs=COSTS, gates=("g2",), open_seal=True)
        print(f"  the sealed part, asked once: {final.verdict_text}")


def main() -> None:
    """The same study on data without an edge and on data with one."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("edgeless", "planted"):
            study(name, Path(folder))


if __name__ == "__main__":
    main()
