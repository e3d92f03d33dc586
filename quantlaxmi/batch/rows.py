"""An item as the journals of a catalog know it."""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.batch.records import DONE, Drawn, Finished, Planned

__all__ = ["Row"]


@dataclass(slots=True)
class Row:
    """An item as the journals know it.

    Attributes
    ----------
    planned : Planned
    finished : Finished or None
        None where it was planned and is not finished.
    drawn : Drawn or None
        Draws for the family.
    """

    planned: Planned
    finished: Finished | None = None
    drawn: Drawn | None = None

    @property
    def key(self) -> str:
        """Key of the item."""
        return self.planned.key

    @property
    def status(self) -> str:
        """What became of the item; ``"unfinished"`` where nothing did yet."""
        return "unfinished" if self.finished is None else self.finished.status

    @property
    def is_done(self) -> bool:
        """Whether the item has a report."""
        return self.finished is not None and self.finished.status == DONE
