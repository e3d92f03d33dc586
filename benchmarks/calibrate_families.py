"""False discoveries, power and draws of a family of items: the table of docs/CALIBRATION.md.

    python benchmarks/calibrate_families.py [SEEDS]

A family has 200 items without an edge and 20 with one. An item's statistics of the market null and
of equity are normal, correlated by 0.7, and share a factor with those of all other items where the
world says so. A draw of the market null exceeds with the chance that the item's statistic leaves to
it, in each of the two kinds of drift by itself. "market null alone" gives equity no say: items
without an edge then stand exactly at the nominal level, as where one test of the two is of no use.

Discoveries are computed twice: in stages as a sweep does, in an order and in steps drawn at random,
and by Benjamini-Hochberg on p-values of full length, written from the definition. A family in which
the two differ ends the script.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

import numpy as np

from quantlaxmi.batch.inference import (
    Bounds,
    Member,
    count_bounds,
    family_length,
    next_stage,
    rejected,
    split,
)
from quantlaxmi.batch.records import FIRST, KindCounts

EDGELESS, PLANTED = 200, 20
Q = Fraction(1, 10)
#: Correlation of the two statistics of an item.
WITHIN = 0.7
#: World: share of the variance that all items have in common, strength of an edge, both tests.
WORLDS = {
    "independent, edge 3.5, market null alone": (0.0, 3.5, False),
    "independent, edge 3.5": (0.0, 3.5, True),
    "independent, edge 4.5": (0.0, 4.5, True),
    "common factor 0.3, edge 3.5, market null alone": (0.3, 3.5, False),
    "common factor 0.3, edge 3.5": (0.3, 3.5, True),
    "common factor 0.7, edge 3.5": (0.7, 3.5, True),
    "no edge anywhere, market null alone": (0.0, 0.0, False),
    "no edge anywhere": (0.0, 0.0, True),
}
_TAIL = NormalDist().cdf


@dataclass(slots=True)
class Kind:
    """Places of the first ten exceedances of one kind of drift, and how many draws were made."""

    places: tuple[int, ...]
    made: int = 0

    def counts(self) -> KindCounts:
        """What a worker would have told after so many draws."""
        seen = tuple(one for one in self.places if one <= self.made)
        made = seen[-1] if len(seen) == FIRST else self.made
        return KindCounts(draws=made, exceedances=len(seen), first=seen)

    def p(self, length: int) -> Fraction:
        """The p of full length, from the definition."""
        if len(self.places) == FIRST:
            return Fraction(FIRST, self.places[-1])
        return Fraction(len(self.places) + 1, length + 1)


@dataclass(slots=True)
class Item:
    """An item of a family."""

    planted: bool
    equity: Fraction
    kinds: tuple[Kind, Kind]

    def bounds(self, length: int) -> Bounds:
        """Of the larger of its p-values, from the draws that were made."""
        found = Bounds(self.equity, self.equity)
        for kind in self.kinds:
            found = found.joined(count_bounds(kind.counts(), length))
        return found

    def draws(self) -> int:
        """Draws that were made, of both kinds."""
        return sum(kind.counts().draws for kind in self.kinds)


def family(rng: np.random.Generator, world: tuple[float, float, bool], length: int) -> list[Item]:
    """One family."""
    common, edge, both = world
    shared = rng.standard_normal(2)
    items = []
    for k in range(EDGELESS + PLANTED):
        planted = k >= EDGELESS and edge > 0
        own = rng.standard_normal(3)
        pair = np.sqrt(WITHIN) * own[0] + np.sqrt(1 - WITHIN) * own[1:]
        factor = np.sqrt(WITHIN) * shared[0] + np.sqrt(1 - WITHIN) * shared[1]
        z = np.sqrt(common) * factor + np.sqrt(1 - common) * pair + edge * planted
        share = max(_TAIL(-float(z[0])), 1e-12)
        kinds = tuple(
            Kind(tuple(int(p) for p in np.cumsum(rng.geometric(share, FIRST)) if p <= length))
            for _ in range(2)
        )
        equity = Fraction(_TAIL(-float(z[1]))) if both else Fraction(0)
        items.append(Item(planted, equity, (kinds[0], kinds[1])))
    return items


def in_stages(rng: np.random.Generator, items: list[Item], length: int) -> set[int]:
    """Discoveries as a sweep computes them; open items draw in any order, some of them at a time.

    Half of the families take the stages of the package, the others steps of any length.
    """
    steps = rng.random() < 0.5
    while True:
        found = split((Member(str(k), one.bounds(length)) for k, one in enumerate(items)), Q)
        if not found.open:
            return {int(key) for key in found.found}
        still = [int(key) for key in found.open]
        for k in rng.permutation(still)[: int(rng.integers(1, len(still) + 1))]:
            for kind in items[k].kinds:
                wanted = next_stage(kind.made, length)
                if steps:
                    wanted = min(length, kind.made + int(rng.integers(1, 3000)))
                kind.made = max(kind.made, wanted)


def at_full_length(items: list[Item], length: int) -> set[int]:
    """Discoveries by definition."""
    values = [max(one.equity, *(kind.p(length) for kind in one.kinds)) for one in items]
    most = rejected(values, Q)
    return {k for k, p in enumerate(values) if most is not None and p <= most}


@dataclass(frozen=True, slots=True)
class Rates:
    """What the families of a world gave."""

    share: float
    share_se: float
    none_false: float
    power: float
    draws: float
    full_draws: float


def rates(name: str, seeds: int) -> Rates:
    """False discoveries, power and draws of a world.

    Raises
    ------
    AssertionError
        The discoveries of a family in stages are not those of full length.
    """
    length = family_length(EDGELESS + PLANTED, Q)
    shares, powers, made, full = [], [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng([16, seed, *name.encode()])
        items = family(rng, WORLDS[name], length)
        found = in_stages(rng, items, length)
        if found != at_full_length(items, length):
            raise AssertionError(f"{name}, seed {seed}: stages differ from full length")
        false = sum(not items[k].planted for k in found)
        shares.append(false / max(len(found), 1))
        planted = sum(one.planted for one in items)
        powers.append((len(found) - false) / planted if planted else 0.0)
        made.append(sum(one.draws() for one in items) / len(items))
        for one in items:
            for kind in one.kinds:
                kind.made = length
        full.append(sum(one.draws() for one in items) / len(items))
    return Rates(
        float(np.mean(shares)),
        float(np.std(shares, ddof=1) / np.sqrt(seeds)),
        float(np.mean([share == 0 for share in shares])),
        float(np.mean(powers)),
        float(np.mean(made)),
        float(np.mean(full)),
    )


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{seeds} families a world, q = {float(Q)}, {EDGELESS} + {PLANTED} items\n")
    print("| world | false discoveries | families without one | power | draws an item | in full |")
    print("|---|---|---|---|---|---|")
    for name, (_, edge, _) in WORLDS.items():
        one = rates(name, seeds)
        power = f"{100 * one.power:.1f} %" if edge else "–"
        print(
            f"| {name} | {100 * one.share:.2f} ± {100 * one.share_se:.2f} % "
            f"| {100 * one.none_false:.1f} % | {power} | {one.draws:.0f} | {one.full_draws:.0f} |"
        )


if __name__ == "__main__":
    main()
