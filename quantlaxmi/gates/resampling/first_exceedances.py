"""Draws of the market null with the places of their first exceedances: sequential p-values.

The counters are those of the gate, from the first draw on: a family's p continues a single run's.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlaxmi.gates.context import GateContext
from quantlaxmi.gates.resampling.chain_counts import prepare_chains
from quantlaxmi.gates.resampling.draw_parts import DrawFailed
from quantlaxmi.gates.resampling.market_counts import prepare
from quantlaxmi.gates.resampling.market_draws import MOST_TRIES, MarketDraws
from quantlaxmi.gates.results import Inconclusive

__all__ = ["FirstExceedances", "first_exceedances"]

#: Draws made at a time: what is made beyond the last that is needed is not counted.
_BATCH = 16


@dataclass(frozen=True, slots=True)
class FirstExceedances:
    """How far the draws of one kind of drift went.

    Attributes
    ----------
    tried, draws : int
        Draws made, and those that count.
    first : tuple of int
        Places of the exceedances among the draws that count, from 1.
    ended : bool
        Whether no further draw can be had.
    """

    tried: int = 0
    draws: int = 0
    first: tuple[int, ...] = ()
    ended: bool = False


def first_exceedances(
    context: GateContext,
    kept: tuple[FirstExceedances, FirstExceedances],
    wanted: int,
    *,
    stop: int,
    length: int,
) -> tuple[FirstExceedances | None, FirstExceedances]:
    """Go on with the draws of both kinds of drift; option sessions have one kind.

    Parameters
    ----------
    context : GateContext
        Of the run that the gate judged, with the same seed, policy and settings.
    kept : tuple of FirstExceedances
        Drifting and driftless draws that were made before.
    wanted : int
        Draws that shall count.
    stop : int
        Exceedances at which a kind needs no further draw.
    length : int
        Most draws that can ever be wanted; ten times as many are tried.

    Returns
    -------
    drifting, driftless : FirstExceedances
        The first is None of option sessions.

    Raises
    ------
    Inconclusive
        The strategy cannot be judged on drawn markets.
    EngineError
        When the identity draw is not the replay.
    """
    rerun = context.rerun
    if rerun is None:
        raise Inconclusive("The run cannot be made again.")
    most = MOST_TRIES * length
    if context.sessions is not None:
        chains = prepare_chains(context, rerun, context.sessions, {}, everything=False)
        return None, _continued(chains, kept[1], wanted, stop, most)
    made = prepare(context, rerun, {}, everything=False)
    drifting, driftless = (
        _continued(draws, before, wanted, stop, most)
        for draws, before in zip((made.drifting, made.driftless), kept, strict=True)
    )
    return drifting, driftless


def _continued(
    draws: MarketDraws, kept: FirstExceedances, wanted: int, stop: int, most: int
) -> FirstExceedances:
    tried, counted, first = kept.tried, kept.draws, list(kept.first)
    failed = kept.ended
    while not failed and counted < wanted and len(first) < stop and tried < most:
        try:
            batch = draws.made(range(tried, min(tried + _BATCH, most)))
        except DrawFailed as error:
            batch, failed = error.before, True
        for draw in batch:
            tried += 1
            counted += draw.enough
            if draw.at_least:
                first.append(counted)
            if counted == wanted or len(first) == stop:
                # What failed behind this draw was not asked for.
                return FirstExceedances(tried, counted, tuple(first))
    ended = failed or (tried >= most and counted < wanted and len(first) < stop)
    return FirstExceedances(tried, counted, tuple(first), ended)
