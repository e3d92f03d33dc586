"""Hold a strategy to the public contract, from a command line.

    python tests/check_strategy.py data/planted examples/basis_capture_python.py:Basis key=value ...

The checks themselves are ``quantlaxmi.strategies.contract``, installed with the package.
"""

from __future__ import annotations

import sys

from quantlaxmi.errors import QuantlaxmiError
from quantlaxmi.run.replay import backtest
from quantlaxmi.segment import open_segment
from quantlaxmi.strategies import StrategyRegistry
from quantlaxmi.strategies.contract import check_strategy


def main(arguments: list[str]) -> int:
    """Run every check; 0 if all hold, 1 if one does not, 2 for wrong arguments."""
    if len(arguments) < 2:
        print("usage: check_strategy.py SEGMENT_DIR STRATEGY [key=value]...", file=sys.stderr)
        return 2
    folder, name, *sets = arguments
    try:
        segment = open_segment(folder)
        strategy = StrategyRegistry().create(name, sets=sets)
        for line in check_strategy(strategy, segment, backtest):
            print("ok  ", line)
    except QuantlaxmiError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
