"""Sealed holdouts: rows that no run reads until one setting was named for them.

A seal stands in the ledger. It holds for whoever uses that ledger, and cannot see a deleted file or
a run on another machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from quantlaxmi.errors import HoldoutError
from quantlaxmi.segment import MarketData
from quantlaxmi.trials.ledger import TrialLedger, current_ledger
from quantlaxmi.trials.records import Extent, Opening, Seal, extent_of

__all__ = ["Holdout", "holdouts", "open_seal", "refuse_sealed", "seal_from"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Holdout:
    """A seal that covers some data, and its opening.

    Attributes
    ----------
    seal : Seal
    opening : Opening or None
        None while it is sealed.
    """

    seal: Seal
    opening: Opening | None

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


def holdouts(ledger: TrialLedger, data: Extent) -> tuple[Holdout, ...]:
    """The seals of a ledger whose rows are in some data.

    Parameters
    ----------
    ledger : TrialLedger
        Read up to now.
    data : Extent

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
    found = [seal for seal in ledger.seals() if seal.covers(data)]
    openings = ledger.openings() if found else {}
    return tuple(Holdout(seal, openings.get(seal.seal_id)) for seal in found)


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


def open_seal(
    market: MarketData,
    ledger: TrialLedger,
    *,
    strategy: str,
    code: str,
    config: Mapping[str, str],
    config_hash: str,
) -> Holdout:
    """Open the seal of some data for one setting; it is written before anything is read.

    Parameters
    ----------
    market : MarketData
        With sealed rows.
    ledger : TrialLedger
    strategy, code : str
        The strategy's id and `code_digest`, hexadecimal.
    config : mapping of str to str
        The setting that is judged, as texts.
    config_hash : str

    Returns
    -------
    Holdout

    Raises
    ------
    HoldoutError
        No row is sealed, several seals cover the data, or the seal was opened before.
    TrialError
        The ledger cannot be written.

    Examples
    --------
    >>> import os
    >>> from quantlaxmi import open_segment
    >>> os.mkdir("trials")
    >>> segment, ledger = open_segment("data/planted"), TrialLedger("trials")
    >>> seal = seal_from(segment, segment.last_ts_ns - 10**9, ledger)
    >>> zeros = "0" * 64
    >>> made = open_seal(
    ...     segment, ledger, strategy="mine", code=zeros, config={}, config_hash=zeros
    ... )
    >>> made.opening.strategy
    'mine'
    """
    with ledger.alone():
        found = _unopened(market, ledger)
        made = Opening(
            seal=found.seal_id,
            strategy=strategy,
            code=code,
            config=dict(config),
            config_hash=config_hash,
        )
        ledger.append([made])
    return Holdout(found, made)


def _unopened(market: MarketData, ledger: TrialLedger) -> Seal:
    """The one seal of some data, where it was never opened.

    Raises
    ------
    HoldoutError
    """
    found = holdouts(ledger, extent_of(market))
    if not found:
        raise HoldoutError(market.path, f"has no rows that are sealed in {ledger.folder}")
    if len(found) > 1:
        raise HoldoutError(
            market.path, f"has rows of {len(found)} seals; open the segment of one of them"
        )
    opening = found[0].opening
    if opening is not None:
        raise HoldoutError(
            market.path,
            f"its rows from {found[0].begins} on were opened for {opening.strategy} "
            f"{opening.config_hash[:16]} already; a seal is opened once",
        )
    return found[0].seal
