"""Minimum backtest length (2014): how long it takes until the best of N trials means something."""

from __future__ import annotations

from quantlaxmi.stats.deflated_sharpe import expected_maximum

__all__ = ["min_backtest"]


def min_backtest(trials: int, sharpe: float = 1.0) -> float:
    """Years below which the best of `trials` without skill is expected to reach `sharpe`.

    Parameters
    ----------
    trials : int
        Independent ones, at least 2.
    sharpe : float
        Annualised, above 0.

    Returns
    -------
    float
        ``(E[max_N] / SR)^2``.

    Raises
    ------
    ValueError
        Below two trials, or without a positive ratio.

    References
    ----------
    Bailey, Borwein, Lopez de Prado, Zhu (2014), Pseudo-mathematics and financial charlatanism,
    Notices of the AMS 61(5).
    """
    if not sharpe > 0.0:
        raise ValueError(f"sharpe was {sharpe}, expected above 0")
    ratio = expected_maximum(trials) / sharpe
    return ratio * ratio
