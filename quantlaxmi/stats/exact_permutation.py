"""Exact p-value of a permutation test whose permutations were drawn with replacement."""

from __future__ import annotations

__all__ = ["exact_permutation_p"]

#: Up to here the sum over all arrangements is taken term by term: 8 MB.
_TERMS = 1_000_000
_NODES = 128


def exact_permutation_p(exceedances: int, draws: int, arrangements: int) -> float:
    """P-value when the number of distinct arrangements is known.

    With N equally likely arrangements the true permutation p-value is one of 1/N, ..., N/N, each
    as likely under the null. Averaging the chance of at most b exceedances over them gives a
    p-value of exactly the nominal size; (b + 1)/(m + 1) is its limit for large N and never
    smaller. It is shown next to that one; verdicts rest on (b + 1)/(m + 1).

    Parameters
    ----------
    exceedances, draws : int
        b draws of m at least as large as the observed statistic.
    arrangements : int
        N, the observed arrangement included.

    Returns
    -------
    float
        ``sum_{i=1..N} P(Binomial(m, i/N) <= b) / N``. Beyond a million arrangements the sum is
        replaced by (b + 1)/(m + 1) minus the integral of the same probability from 0 to 1/(2N),
        the midpoint rule's difference, as in the reference.

    Raises
    ------
    ValueError
        When the counts cannot be counts.

    References
    ----------
    Phipson, Smyth (2010), Permutation p-values should never be zero, SAGMB 9(1), eq. 2 and 3;
    function ``permp`` of the R package statmod.
    """
    import numpy as np
    from scipy.special import betaincc

    if arrangements < 1 or not 0 <= exceedances <= draws:
        raise ValueError(
            f"{exceedances} exceedances of {draws} draws of {arrangements} arrangements cannot be"
        )
    if exceedances == draws:
        return 1.0
    a, b = exceedances + 1, draws - exceedances
    if arrangements <= _TERMS:
        chances = betaincc(a, b, np.arange(1, arrangements + 1) / arrangements)
        return float(chances.sum()) / arrangements
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    quarter = 0.25 / arrangements
    skipped = float((weights * betaincc(a, b, (nodes + 1.0) * quarter)).sum()) * quarter
    return (exceedances + 1) / (draws + 1) - skipped
