"""What calendar_carry's rules say at every check of recorded data, without a run."""

from __future__ import annotations

from collections.abc import Iterator

from quantlaxmi.options.calendar_rules import CalendarCheck, CalendarTerms, calendar_check
from quantlaxmi.options.recorded import RecordedChain
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig, day_of

__all__ = ["recorded_checks"]


def recorded_checks(
    recorded: RecordedChain, config: CalendarCarryConfig
) -> Iterator[tuple[int, CalendarCheck, CalendarTerms]]:
    """Evaluate the rules at every snapshot that is a check, without position, cooldown and margin.

    Parameters
    ----------
    recorded : RecordedChain
    config : CalendarCarryConfig

    Yields
    ------
    tuple of int, CalendarCheck and CalendarTerms
        Time, check and the limits of its day.

    Raises
    ------
    ConfigError
        A dated table has no row for a day.
    StrategyError
        A setting has no default for the underlying.
    InputError
        A snapshot is no chain.
    """
    interval_ns, last = config.interval_s * 10**9, None
    for moment in recorded.moments():
        if last is not None and moment.ts_ns - last < interval_ns:
            continue
        last = moment.ts_ns
        terms = config.terms(recorded.underlying, day_of(moment.ts_ns))
        yield moment.ts_ns, calendar_check(moment, terms), terms
