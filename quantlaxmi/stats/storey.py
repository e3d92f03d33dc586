"""Storey's estimate of the share of tests without an effect, and the q-values it gives."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from quantlaxmi.stats.benjamini import benjamini_hochberg

__all__ = ["null_share", "q_values"]

_HALF = Fraction(1, 2)


def null_share(p_values: Sequence[Fraction], cut: Fraction = _HALF) -> Fraction:
    """Estimated share of true null hypotheses, conservative in finite families.

    Parameters
    ----------
    p_values : sequence of Fraction
        At least one.
    cut : Fraction
        Lambda: of p-values above it most are of true nulls; above 0, below 1.

    Returns
    -------
    Fraction
        ``(#{p > lambda} + 1) / (n (1 - lambda))``, at most 1.

    Raises
    ------
    ValueError
        Without p-values, or for a cut out of range.

    References
    ----------
    Storey, Taylor, Siegmund (2004), Strong control, conservative point estimation and simultaneous
    conservative consistency of false discovery rates, J. R. Statist. Soc. B 66(1), eq. 6 and 11.

    Examples
    --------
    >>> null_share([Fraction(k, 100) for k in (1, 1, 2, 3, 4, 5, 60, 70)])
    Fraction(3, 4)
    """
    if not p_values or not 0 < cut < 1:
        raise ValueError(f"{len(p_values)} p-values and cut {cut}, expected some and 0 < cut < 1")
    above = sum(p > cut for p in p_values)
    return min(Fraction(1), (above + 1) / (len(p_values) * (1 - cut)))


def q_values(p_values: Sequence[Fraction], cut: Fraction = _HALF) -> list[Fraction]:
    """The false discovery rate at which each test is just rejected, by the estimated share.

    Parameters
    ----------
    p_values : sequence of Fraction
    cut : Fraction
        As `null_share`.

    Returns
    -------
    list of Fraction
        In the order given: `null_share` times the adjusted p of Benjamini and Hochberg; with a
        share of 1 it is that p.

    References
    ----------
    Storey (2002), A direct approach to false discovery rates, J. R. Statist. Soc. B 64(3).

    Examples
    --------
    >>> q_values([Fraction(1, 100), Fraction(4, 5)])
    [Fraction(1, 50), Fraction(4, 5)]
    """
    if not p_values:
        return []
    share = null_share(p_values, cut)
    return [share * p for p in benjamini_hochberg(p_values)]
