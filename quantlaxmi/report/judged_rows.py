"""The rows of a segment that a report judges: all of them, a window, or those of a holdout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from quantlaxmi.errors import ConfigError, shown
from quantlaxmi.report.known import Known

if TYPE_CHECKING:
    from quantlaxmi.report.gate_report import GateReport
    from quantlaxmi.segment import MarketData

__all__ = ["judged_rows", "sealed_window", "window_of"]

_BOUNDS: Final = ("warmup_seq", "first_seq", "last_seq")


def window_of(market: MarketData) -> dict[str, int] | None:
    """What a report holds of a window: numbers of its messages; None for a whole segment."""
    from quantlaxmi.segment import Window

    if not isinstance(market, Window):
        return None
    return {name: int(getattr(market, name)) for name in _BOUNDS}


def sealed_window(segment: MarketData, from_ns: int) -> MarketData:
    """The sealed rows of a segment, warmed on all earlier ones."""
    from quantlaxmi.segment import Window

    return Window.between(segment, max(from_ns, segment.first_ts_ns), segment.last_ts_ns + 1)


def judged_rows(report: GateReport, segment: MarketData) -> MarketData:
    """The rows of a segment that a report says it judges.

    Parameters
    ----------
    report : GateReport
    segment : MarketData
        The whole; those rows themselves are given back.

    Returns
    -------
    MarketData
        Their digest is to be compared with that of the report's header.

    Raises
    ------
    ConfigError
        The report's window or holdout is none.
    InputError
        No message is in it.

    Examples
    --------
    >>> import quantlaxmi as ql
    >>> policy = ql.GatePolicy(suites={"g2": ("net_positive",)})
    >>> segment = ql.open_segment("data/edgeless")
    >>> report = ql.run_gates(segment, "basis_capture", policy=policy)
    >>> judged_rows(report, segment) is segment
    True
    """
    from quantlaxmi.segment import Window

    if segment.digest == report.header.get("segment_digest"):
        return segment
    known = Known.from_report(None, report.holdout)
    if known.judges_holdout:
        return sealed_window(segment, known.seals[0]["from_ns"])
    if report.window is None:
        return segment
    bounds = _bounds(report.window)
    return Window(segment, bounds["first_seq"], bounds["last_seq"], bounds["warmup_seq"])


def _bounds(window: Mapping[str, Any]) -> Mapping[str, int]:
    numbers = all(type(n) is int and 0 <= n < 2**63 for n in window.values())
    if set(window) != set(_BOUNDS) or not numbers:
        raise ConfigError("report", f"was {shown(dict(window))}, expected {', '.join(_BOUNDS)}")
    return window
