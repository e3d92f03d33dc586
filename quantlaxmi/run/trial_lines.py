"""What a trial ledger keeps of a finished run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from quantlaxmi.errors import CurrencyError
from quantlaxmi.run.bucket_sums import z_sums
from quantlaxmi.run.position_changes import count_round_trips
from quantlaxmi.run.result import Run
from quantlaxmi.segment import MarketData
from quantlaxmi.strategies.code_digest import code_digest
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.trials.ledger import TrialLedger, current_ledger, using
from quantlaxmi.trials.records import Extent, Purpose, Trial, extent_of

__all__ = [
    "SettingGross",
    "code_of",
    "data_of",
    "data_with",
    "gross_of_run",
    "line_of",
    "recorded",
    "trial_of",
]


@dataclass(frozen=True, slots=True)
class SettingGross:
    """What a run made in its 200 clock buckets.

    Attributes
    ----------
    total, squares : int or None
        Sum of the buckets' gross, at 10**(ledger exponent - 1), and of its squares: Z is
        total/sqrt(squares). None where money was in several currencies.
    round_trips : int
    outcome_hash : bytes
        Of the run; empty where nobody asked for it.
    """

    total: int | None
    squares: int | None
    round_trips: int
    outcome_hash: bytes = b""


def gross_of_run(run: Run, *, hashed: bool = True) -> SettingGross:
    """What a finished run made.

    Parameters
    ----------
    run : Run
    hashed : bool
        Whether its outcome hash is asked for.
    """
    total: int | None = None
    squares: int | None = None
    with contextlib.suppress(CurrencyError):  # amounts of several currencies are never added
        total, squares = z_sums(run)
    trips = count_round_trips(run.exact.fills)
    return SettingGross(total, squares, trips, run.trace.outcome_hash if hashed else b"")


def code_of(bound: BoundStrategy) -> str:
    """`code_digest` of a strategy, hexadecimal; equal for its compiled and interpreted forms."""
    return code_digest(bound.strategy or bound.instance, bound.owner).hex()


def data_of(run: Run) -> Extent:
    """The data of a run, with the instruments that its strategy trades."""
    return data_with(run.segment, run.strategy)


def data_with(market: MarketData, bound: BoundStrategy) -> Extent:
    """The data with the instruments that a strategy trades."""
    return extent_of(market, tuple(market.instruments[i] for i in bound.instruments))


def trial_of(run: Run, purpose: Purpose) -> Trial:
    """The line of a run."""
    bound = run.strategy
    return line_of(data_of(run), bound, code_of(bound), gross_of_run(run), purpose)


def line_of(
    data: Extent, bound: BoundStrategy, code: str, made: SettingGross, purpose: Purpose
) -> Trial:
    """The line of a setting.

    Parameters
    ----------
    data : Extent
        With the instruments that the strategy trades.
    bound : BoundStrategy
    code : str
        `code_of` it.
    made : SettingGross
        Hashed.
    purpose : str
    """
    return Trial(
        data=data,
        strategy=bound.strategy_id,
        code=code,
        config=bound.config.as_texts(),
        config_hash=bound.config_hash.hex(),
        run=made.outcome_hash.hex(),
        total=None if made.total is None else str(made.total),
        squares=None if made.squares is None else str(made.squares),
        round_trips=made.round_trips,
        purpose=purpose,
    )


@contextlib.contextmanager
def recorded(trials: Path | str | None, purpose: Purpose) -> Iterator[Callable[[Run], None]]:
    """Make a ledger the current one, and give what writes a run to it; nothing without one.

    Parameters
    ----------
    trials : Path, str or None
        Folder of the ledger; None for that of the environment.
    purpose : str
    """
    ledger = current_ledger(trials)
    if ledger is None:
        yield lambda run: None
        return
    ledger.prepare()  # before the run: a ledger that cannot be written does not cost it
    with using(ledger):
        yield lambda run: _write(ledger, run, purpose)


def _write(ledger: TrialLedger, run: Run, purpose: Purpose) -> None:
    ledger.append([trial_of(run, purpose)])
