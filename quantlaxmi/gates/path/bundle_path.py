"""The bundles of a run over option chains, as gates see them: actions on snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantlaxmi.gates.path.bundle_costs import BundleTerms, bundle_terms
from quantlaxmi.gates.path.role_templates import overnight
from quantlaxmi.gates.path.round_trips import PathError, TradePath, TradeRecords, build_path
from quantlaxmi.gates.path.snapshot_grid import SnapshotGrid

if TYPE_CHECKING:
    from quantlaxmi.run.result import Run

__all__ = ["BundlePath", "bundle_path"]


@dataclass(frozen=True, slots=True, eq=False)
class BundlePath:
    """A run's bundles, and the snapshots on which others like them could stand.

    Attributes
    ----------
    grid : SnapshotGrid
    path : TradePath
        Rows are those of the grid; a trip is a bundle, from flat to flat.
    terms : BundleTerms
    by_day : bool
        Whether sums are of session days; else they are of bundles.
    """

    grid: SnapshotGrid
    path: TradePath
    terms: BundleTerms
    by_day: bool

    @property
    def unit(self) -> str:
        """What sums are of, in words."""
        return "session days" if self.by_day else "bundles"

    def trips_by_day(self) -> list[list[int]]:
        """Numbers of the trips of each session day that has some."""
        found: dict[int, list[int]] = {}
        for k, trip in enumerate(self.path.trips):
            found.setdefault(int(self.grid.day[trip.actions[0].row]), []).append(k)
        return list(found.values())


def bundle_path(run: Run, records: TradeRecords, grid: SnapshotGrid, *, by_day: bool) -> BundlePath:
    """Cut a run over option chains into bundles.

    Raises
    ------
    PathError
        Contracts differ in their money, a position was held overnight or until it was settled, or
        the run has no path over the snapshots.
    EngineError
        An action's value at the mids is not its attributed gross.
    """
    traded = sorted({*run.exact.fills["instrument"].tolist()})
    if any(grid.rows.row_of[i] < 0 for i in traded):
        raise PathError("Instruments that are no options were traded: they have no roles.")
    terms = bundle_terms(run, traded or [int(i) for i in (grid.rows.row_of >= 0).nonzero()[0][:1]])
    mid2 = {i: grid.mid2[int(grid.rows.put_of[i]), :, grid.rows.row_of[i]] for i in traded}
    path = build_path(records, seq=grid.seq, mid2=mid2, units=[terms.unit] * len(run.instruments))
    if held := overnight(grid, path.trips):
        raise PathError(
            f"Bundles held overnight: {held} of {len(path.trips)}, 0 expected, since a bundle is "
            "struck anew within its session day. Close before the day ends."
        )
    return BundlePath(grid, path, terms, by_day)
