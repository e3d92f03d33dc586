"""Sealed holdouts: rows that no run reads until one setting was named for them.

A seal stands in the ledger. It holds for whoever uses that ledger, and cannot see a deleted file or
a run on another machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from quantlaxmi.errors import HoldoutError
from quantlaxmi.segment import MarketData
from quantlaxmi.trials.ledger import TrialLedger, current_ledger
from quantlaxmi.trials.records import Extent, Judgement, Opening, Seal, extent_of

__all__ = ["Holdout", "holdouts", "refuse_sealed", "seal_from"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Holdout:
    """A seal that covers some data, its opening, and what was found.

    Attributes
    ----------
    seal : Seal
    opening : Opening or None
        None while it is sealed.
    judgement : Judgement or None
        None while it is sealed, and where whoever opened it was stopped before the verdict.
    """

    seal: Seal
    opening: Opening | None
    judgement: Judgement | None = None

    @property
    def pending(self) -> bool:
        """Whether it was opened for a question that has no answer so far."""
        asked = self.opening is not None and self.opening.question is not None
        return asked and self.judgement is None

    @property
    def begins(self) -> str:
        """UTC time of the first sealed row."""
        return _utc(self.seal.from_ns)

    def describe(self) -> dict[str, Any]:
        """What a report holds of it."""
        opening = self.opening
        return {
            "seal": self.seal.seal_id,
            "from_ns": self.seal.from_ns,
            "segment": self.seal.data.segment,
            "opened_for": None if opening is None else opening.config_hash,
        }


def _utc(ts_ns: int) -> str:
    return (_EPOCH + timedelta(microseconds=ts_ns // 1000)).isoformat().replace("+00:00", "Z")


def holdouts(ledger: TrialLedger, data: Extent | None = None) -> tuple[Holdout, ...]:
    """The seals of a ledger; with `data`, those whose rows are in them.

    Parameters
    ----------
    ledger : TrialLedger
        Read up to now.
    data : Extent, optional

    Returns
    -------
    tuple of Holdout

    Examples
    --------
    >>> import os
    >>> from quantlaxmi import open_segment
    >>> os.mkdir("trials")
    >>> holdouts(TrialLedger("trials"), extent_of(open_segment("data/planted")))
    ()
    """
    found = [seal for seal in ledger.seals() if data is None or seal.covers(data)]
    openings = ledger.openings() if found else {}
    judged = ledger.judgements() if openings else {}
    made = []
    for seal in found:
        opening = openings.get(seal.seal_id)
        judgement = None if opening is None else judged.get(opening.opening_id)
        made.append(Holdout(seal, opening, judgement))
    return tuple(made)


def refuse_sealed(market: MarketData, ledger: TrialLedger | None = None) -> tuple[Holdout, ...]:
    """Refuse data with sealed rows; every run, gate and grid calls it before it reads them.

    Parameters
    ----------
    market : MarketData
    ledger : TrialLedger, optional
        By default the current one; where there is none, nothing is sealed.

    Returns
    -------
    tuple of Holdout
        Those that cover the data and were opened: reports are marked with them.

    Raises
    ------
    HoldoutError
        Some rows are sealed.

    Examples
    --------
    >>> import os
    >>> from quantlaxmi import open_segment
    >>> os.mkdir("trials")
    >>> refuse_sealed(open_segment("data/planted"), TrialLedger("trials"))
    ()
    """
    ledger = current_ledger(ledger)
    if ledger is None:
        return ()
    found = holdouts(ledger, extent_of(market))
    for one in found:
        if one.opening is None:
            raise HoldoutError(
                market.path,
                f"its rows from {one.begins} on are sealed in {ledger.folder}: end before them, or "
                "name the one setting to judge by run-gates --open-seal",
            )
    return found


def seal_from(market: MarketData, from_ns: int, ledger: TrialLedger) -> Seal:
    """Seal the rows of a segment from a time on; the same seal twice is one.

    Parameters
    ----------
    market : MarketData
    from_ns : int
        Receive time of the first sealed row, ns.
    ledger : TrialLedger

    Returns
    -------
    Seal

    Raises
    ------
    HoldoutError
        No row would be sealed, all would be, or some of them are sealed by another seal.
    TrialError
        The ledger cannot be written.

    Examples
    --------
    >>> import os
    >>> from quantlaxmi import open_segment
    >>> os.mkdir("trials")
    >>> segment = open_segment("data/planted")
    >>> seal = seal_from(segment, segment.last_ts_ns - 10**9, TrialLedger("trials"))
    >>> seal.covers(extent_of(segment))
    True
    """
    data = extent_of(market)
    if not data.first_ns < from_ns <= data.last_ns:
        raise HoldoutError(
            market.path,
            f"has messages from {_utc(data.first_ns)} to {_utc(data.last_ns)}, expected a time "
            f"after the first and up to the last one, was {_utc(from_ns)}",
            "--from",
        )
    seal = Seal(data=data, from_ns=from_ns)
    ledger.refresh()
    for one in holdouts(ledger, data):
        if one.seal != seal and one.seal.data.parent == data.parent:
            raise HoldoutError(
                market.path, f"is sealed from {one.begins} on already; a seal stays as it is"
            )
    ledger.append([seal])
    return seal
