"""The opening of a seal: one question, written before a sealed row is read, and its answer.

Two lines of the ledger, so that whoever is stopped between them loses nothing: the same question
may be asked again until it has its answer, and no other one may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from quantlaxmi.counted import counted
from quantlaxmi.errors import HoldoutError
from quantlaxmi.segment import MarketData
from quantlaxmi.trials.holdout import Holdout, holdouts
from quantlaxmi.trials.ledger import TrialLedger
from quantlaxmi.trials.records import Judgement, Opening, extent_of

__all__ = ["judge_seal", "open_seal"]


def open_seal(
    market: MarketData,
    ledger: TrialLedger,
    *,
    strategy: str,
    code: str,
    config: Mapping[str, str],
    config_hash: str,
    question: str | None = None,
) -> Holdout:
    """Open the seal of some data for one question; it is written before anything is read.

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
    question : str, optional
        SHA-256 of all else that the verdict depends on, hexadecimal. Where the same opening stands
        in the ledger without an answer, it is gone on with; without a question none is.

    Returns
    -------
    Holdout

    Raises
    ------
    HoldoutError
        No row is sealed, several seals cover the data, or the seal was opened for another question,
        or was judged.
    TrialError
        The ledger cannot be written.

    Examples
    --------
    >>> import os
    >>> from quantlaxmi import open_segment
    >>> from quantlaxmi.trials import seal_from
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
        found = _one_seal(market, ledger)
        made = Opening(
            seal=found.seal.seal_id,
            strategy=strategy,
            code=code,
            config=dict(config),
            config_hash=config_hash,
            question=question,
        )
        if found.opening is not None:
            _check_same(market, found, made)
            return found
        ledger.append([made])
    return replace(found, opening=made)


def _one_seal(market: MarketData, ledger: TrialLedger) -> Holdout:
    """The one seal of some data.

    Raises
    ------
    HoldoutError
    """
    found = holdouts(ledger, extent_of(market))
    if not found:
        raise HoldoutError(market.path, f"has no rows that are sealed in {ledger.folder}")
    if len(found) > 1:
        raise HoldoutError(
            market.path,
            f"has rows of {counted(len(found), 'seal[s]')}; open the segment of one of them",
        )
    return found[0]


def _check_same(market: MarketData, found: Holdout, asked: Opening) -> None:
    """Refuse what was not asked for by the opening that there is, and what was answered.

    Raises
    ------
    HoldoutError
    """
    opening, judged = found.opening, found.judgement
    assert opening is not None
    whose = (
        f"its rows from {found.begins} on were opened for {opening.strategy} "
        f"{opening.config_hash[:16]} already"
    )
    if judged is not None:
        raise HoldoutError(
            market.path,
            f"{whose}, {judged.verdict} by report {judged.report[:16]}; a seal is opened once",
        )
    if opening.question is None:
        raise HoldoutError(market.path, f"{whose}; a seal is opened once")
    if opening == asked:
        return
    other = "strategy, code and settings"
    if (opening.strategy, opening.code, opening.config_hash) == (
        asked.strategy,
        asked.code,
        asked.config_hash,
    ):
        other = "costs, limits, latency, seed, rates, policy and segment"
    raise HoldoutError(
        market.path,
        f"{whose}, without a verdict so far; a seal is opened once, so only the same question may "
        f"be asked again, expected the same {other}",
    )


def judge_seal(ledger: TrialLedger, holdout: Holdout, judgement: Judgement) -> None:
    """Write what was found in the rows of an opened seal.

    Parameters
    ----------
    ledger : TrialLedger
    holdout : Holdout
        As `open_seal` gave it.
    judgement : Judgement
        Of its opening.

    Raises
    ------
    HoldoutError
        Something else was found by whoever asked the same at the same time.
    TrialError
        The ledger cannot be written.

    Examples
    --------
    >>> import os
    >>> from quantlaxmi import open_segment
    >>> from quantlaxmi.trials import seal_from
    >>> os.mkdir("trials")
    >>> segment, ledger = open_segment("data/planted"), TrialLedger("trials")
    >>> seal = seal_from(segment, segment.last_ts_ns - 10**9, ledger)
    >>> asked = {"strategy": "mine", "code": "0" * 64, "config": {}, "config_hash": "0" * 64}
    >>> made = open_seal(segment, ledger, question="1" * 64, **asked)
    >>> found = {"verdict": "FAIL", "reason": "t below its limit.", "run": "2" * 64}
    >>> judged = Judgement(opening=made.opening.opening_id, report="3" * 64, **found)
    >>> judge_seal(ledger, made, judged)
    >>> list(ledger.judgements().values()) == [judged]
    True
    """
    with ledger.alone():
        before = ledger.judgements().get(judgement.opening)
        if before is not None and (before.verdict, before.run) != (
            judgement.verdict,
            judgement.run,
        ):
            raise HoldoutError(
                str(ledger.folder),
                f"has {before.verdict} by report {before.report[:16]} for the rows from "
                f"{holdout.begins} on, was {judgement.verdict}: another version asked",
            )
        if before is None:
            ledger.append([judgement])
