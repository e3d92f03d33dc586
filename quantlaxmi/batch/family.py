"""The family of a catalog's items: their p-values, the discoveries among them, and what is open."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.inference import (
    Bounds,
    Member,
    Method,
    Split,
    anytime_bounds,
    anytime_length,
    count_bounds,
    family_length,
    split,
)
from quantlaxmi.batch.records import FIRST, Family, KindCounts
from quantlaxmi.batch.rows import Row
from quantlaxmi.errors import ConfigError
from quantlaxmi.stats.simes import simes

__all__ = ["FamilyItem", "FamilyResult", "Q", "family"]

#: Rate of false discoveries where nobody names one.
Q: Final = Fraction(1, 10)
_ONE: Final = Bounds(Fraction(1), Fraction(1))


@dataclass(frozen=True, slots=True)
class FamilyItem:
    """An item with its p.

    Attributes
    ----------
    row : Row
    bounds : Bounds
        Of the larger of its market null's p and its equity p; 1 where it has none of its own.
    why : str
        Why it has none; else empty.
    draws : int
        Draws that count, of the kind of drift with fewer.
    exceedances : int
        The most of a kind.
    """

    row: Row
    bounds: Bounds
    why: str
    draws: int = 0
    exceedances: int = 0

    @property
    def key(self) -> str:
        """Key of the item."""
        return self.row.key


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """What a family gives.

    Attributes
    ----------
    version : str
        Of package and engine, whose items these are.
    other_versions : dict of str to int
        Items of others, which are not in it.
    q : Fraction
    method : str
    length : int
        Draws of a p of full length; of a family that grew, those up to which it goes on.
    anytime : bool
        Whether the family grew, or a smaller rate is asked, after draws were seen: p-values are
        then of the kind that holds whenever drawing stops.
    items : tuple of FamilyItem
        All that were planned, by key.
    split : Split
    """

    version: str
    other_versions: dict[str, int]
    q: Fraction
    method: Method
    length: int
    anytime: bool
    items: tuple[FamilyItem, ...]
    split: Split

    @property
    def discoveries(self) -> tuple[FamilyItem, ...]:
        """Items whose edge is not chance, at rate q."""
        found = set(self.split.found)
        return tuple(one for one in self.items if one.key in found)

    @property
    def unresolved(self) -> tuple[FamilyItem, ...]:
        """Items that further draws may make discoveries."""
        still = set(self.split.open)
        return tuple(one for one in self.items if one.key in still)

    @property
    def premiums(self) -> tuple[FamilyItem, ...]:
        """Items that pass as a premium: listed apart, not corrected."""
        return tuple(
            one
            for one in self.items
            if one.row.finished is not None
            and one.row.finished.figures is not None
            and one.row.finished.figures.edge == "premium"
        )

    @property
    def global_p(self) -> Fraction:
        """Simes' p that there is nothing in any item; of the upper bounds."""
        return simes([one.bounds.upper for one in self.items]) if self.items else Fraction(1)


def family(
    catalog: Catalog,
    *,
    q: Fraction = Q,
    method: Method = "bh",
    version: str | None = None,
) -> FamilyResult:
    """Say which items of a catalog are discoveries.

    Parameters
    ----------
    catalog : Catalog
        Read up to now.
    q : Fraction
        Mean share of false ones among the discoveries.
    method : {"bh", "by"}
        Benjamini-Hochberg, or Benjamini-Yekutieli, which holds under any dependence.
    version : str, optional
        Of package and engine; the newest of the catalog by default.

    Returns
    -------
    FamilyResult

    Raises
    ------
    ConfigError
        The rate or method is none, or the catalog has no such version.

    Examples
    --------
    >>> family(Catalog.create("sweeps")).discoveries
    ()
    """
    if not 0 < q < 1:
        raise ConfigError("--q", f"was {q}, expected a rate between 0 and 1")
    if method not in ("bh", "by"):
        raise ConfigError("--method", f"was {method!r}, expected bh or by")
    versions = catalog.versions()
    version = version or next(reversed(versions), "")
    if version and version not in versions:
        raise ConfigError("--version", f"was {version!r}, expected one of {', '.join(versions)}")
    rows = catalog.of_version(version)
    length = family_length(len(rows), q)
    fixed = fixed_length(catalog, version)
    anytime = fixed is not None and (len(rows) > fixed.items or length > fixed.draws)
    if fixed is not None:
        length = anytime_length(len(rows), q) if anytime else fixed.draws
    items = tuple(_item(row, length, anytime=anytime) for row in rows)
    return FamilyResult(
        version=version,
        other_versions={name: n for name, n in versions.items() if name != version},
        q=q,
        method=method,
        length=length,
        anytime=anytime,
        items=items,
        split=split((Member(one.key, one.bounds) for one in items), q, method),
    )


def fixed_length(catalog: Catalog, version: str) -> Family | None:
    """What was fixed before the first draws for the family; of several the smallest."""
    found = [one for one in catalog.families if one.engine_version == version]
    return min(found, key=lambda one: (one.items, one.draws), default=None)


def _item(row: Row, length: int, *, anytime: bool) -> FamilyItem:
    finished = row.finished
    figures = None if finished is None else finished.figures
    if figures is None:
        return FamilyItem(row, _ONE, row.status)
    if figures.excluded:
        return FamilyItem(row, _ONE, figures.excluded)
    if figures.p_equity is None or figures.driftless is None:
        return FamilyItem(row, _ONE, "no p of its own")
    drawn = row.drawn
    pairs: list[tuple[KindCounts, KindCounts | None]] = [
        (figures.driftless, None if drawn is None else drawn.driftless)
    ]
    if figures.drifting is not None:  # option sessions have one kind
        pairs.append((figures.drifting, None if drawn is None else drawn.drifting))
    if drawn is not None and drawn.ended and not all(_complete(b, length) for _, b in pairs):
        return FamilyItem(row, _ONE, "its draws cannot be made")
    p_equity = Fraction(repr(figures.p_equity))
    bounds = Bounds(p_equity, p_equity)
    latest = [later if later is not None and later.draws else first for first, later in pairs]
    for first, later in pairs:
        bounds = bounds.joined(_kind_bounds(first, later, length, anytime=anytime))
    return FamilyItem(
        row,
        bounds,
        "",
        min(one.draws for one in latest),
        max(one.exceedances for one in latest),
    )


def _complete(counts: KindCounts | None, length: int) -> bool:
    return counts is not None and (counts.draws >= length or len(counts.first) == FIRST)


def _kind_bounds(
    first: KindCounts, later: KindCounts | None, length: int, *, anytime: bool
) -> Bounds:
    """Bounds of the p of one kind, from the gate's counts and the family's draws together."""
    bounds = anytime_bounds if anytime else count_bounds
    found = bounds(first, length)
    if later is None or not later.draws:
        return found
    other = bounds(later, length)
    return Bounds(max(found.lower, other.lower), min(found.upper, other.upper))
