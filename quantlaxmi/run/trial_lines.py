"""What a trial ledger keeps of a finished run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from quantlaxmi.errors import CurrencyError
from quantlaxmi.run.bucket_sums import z_sums
from quantlaxmi.run.position_changes import count_round_trips
from quantlaxmi.run.result import Run
from quantlaxmi.strategies.code_digest import code_digest
from quantlaxmi.strategies.kernel import BoundStrategy
from quantlaxmi.trials.ledger import TrialLedger, current_ledger, using
from quantlaxmi.trials.records import Extent, Purpose, Trial, extent_of

__all__ = ["code_of", "data_of", "recorded", "trial_of"]


def code_of(bound: BoundStrategy) -> str:
    """`code_digest` of a strategy, hexadecimal; equal for its compiled and interpreted forms."""
    return code_digest(bound.strategy or bound.instance, bound.owner).hex()


def data_of(run: Run) -> Extent:
    """The data of a run, with the instruments that its strategy trades."""
    traded = tuple(run.instruments[i] for i in run.strategy.instruments)
    return extent_of(run.segment, traded)


def trial_of(run: Run, purpose: Purpose, code: str | None = None) -> Trial:
    """The line of a run.

    Parameters
    ----------
    run : Run
    purpose : str
    code : str, optional
        `code_of` its strategy, where it is known.
    """
    bound = run.strategy
    total: str | None = None
    squares: str | None = None
    with contextlib.suppress(CurrencyError):  # amounts of several currencies are never added
        total, squares = map(str, z_sums(run))
    return Trial(
        data=data_of(run),
        strategy=bound.strategy_id,
        code=code_of(bound) if code is None else code,
        config=bound.config.as_texts(),
        config_hash=bound.config_hash.hex(),
        run=run.trace.outcome_hash.hex(),
        total=total,
        squares=squares,
        round_trips=count_round_trips(run.exact.fills),
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
