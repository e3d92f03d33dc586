"""Random small chain sessions for the engine and its twin; everything follows from a seed.

A shorter session of one seed is a prefix of a longer one. Contracts are those of
`traded.CHAINS["chain"]`; `importers.synthetic_session` makes sessions of a realistic size.
"""

from __future__ import annotations

import functools
from random import Random

from tests.market_builder import MarketBuilder, Tables
from tests.traded import FIRST_END

N = 5


@functools.lru_cache(maxsize=64)
def random_chain(seed: int, n_messages: int, settles: bool = True) -> Tables:
    """Snapshots of some contracts, with missing sides; quotes, trades and depth between them.

    Where it ``settles``, the first expiry's contracts do, at, before or after their end.
    """
    r, b = Random(seed), MarketBuilder()
    mids = [12, 9, 14, 13, 100]
    left = [0, 1] if settles else []
    for _ in range(n_messages):
        b.wait(r.choice((0, 1, 1, 3, 10)))
        b.late(r.choice((7, 7, 9, 30, None, -2)))
        mids = [max(2, mid + r.randrange(-2, 3)) for mid in mids]
        what = r.choice("ccccccqts")
        if what == "c":
            b.chain(_rows(r, mids), unchanged=r.random() < 0.1)
        elif what == "q":
            k = r.randrange(N)
            b.quote(k, mids[k] - 1, r.choice((0, 1, 4)), mids[k] + 1, 3, quiet=r.random() < 0.3)
        elif what == "t":
            k = r.randrange(N)
            b.trade(k, mids[k] + r.randrange(-1, 2), r.randrange(1, 9), r.choice((1, -1)))
        elif left and (b.ts_ns >= FIRST_END or r.random() < 0.1):
            b.settle(left.pop(r.randrange(len(left))), r.choice((0, 90, 100, 107, 250)))
    return b.tables()


def _rows(r: Random, mids: list[int]) -> dict[int, tuple[int, ...]]:
    rows = {}
    for k in r.sample(range(N), r.randrange(1, N + 1)):
        bid, ask = mids[k] - r.randrange(0, 2), mids[k] + r.randrange(1, 3)
        sizes = r.choice((0, 1, 2, 5, 9)), r.choice((1, 2, 5, 9))
        if r.random() < 0.15:
            bid, ask = r.choice(((0, ask), (bid, 0), (0, 0), (ask, bid)))
        rows[k] = (bid, sizes[0], ask, sizes[1], r.choice((0, mids[k])), r.randrange(9), 123_456)
    return rows
