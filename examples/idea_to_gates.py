"""From an idea to a verdict: plain Python, then a kernel with the same trace, then the gates.

    python examples/idea_to_gates.py

The idea: the price of a perpetual comes back to that of spot, so sell it where it stands high
above, and buy it back where it is near. `basis_capture_python.py` has the rule as one would write
it down first. `basis_capture_numba.py` has it as a kernel, which the thousands of runs of the gates
need. Whoever has only the first form can ask the same gates; they take longer.
"""

from __future__ import annotations

from pathlib import Path

import quantlaxmi as ql

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data"
COSTS = ql.CostModel.binance()


def main() -> None:
    """Four steps; each is a condition of the next."""
    find = ql.StrategyRegistry(installed=False).get
    plain = find(f"{HERE}/basis_capture_python.py:Basis")
    kernel = find(f"{HERE}/basis_capture_numba.py:Basis")
    planted, edgeless = (ql.open_segment(DATA / name) for name in ("planted", "edgeless"))

    print("1. The idea as plain Python. Does it do what was meant?")
    first = ql.backtest(planted, plain, costs=COSTS)
    print(f"   {first.n_decisions} decisions, {first.n_fills} fills, net {first.net}")

    print("2. The same rule as a kernel. Is it the same rule?")
    second = ql.backtest(planted, kernel, costs=COSTS)
    print(f"   traces are equal: {first.trace.trace_hash == second.trace.trace_hash}")

    print("3. Does it keep the contract: settings hashed, no look-ahead, equal runs?")
    shown = list(ql.check_strategy(kernel(), planted))
    print(f"   {len(shown)} checks passed; the first: {shown[0]}")

    print("4. Is the edge real? On data that have one, and on data that have none.")
    for name, segment in (("planted", planted), ("edgeless", edgeless)):
        report = ql.run_gates(segment, kernel, costs=COSTS, gates=("g2",))
        print(f"   {name}: {report.verdict_text}")


if __name__ == "__main__":
    main()
