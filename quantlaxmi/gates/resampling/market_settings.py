"""The settings of the market null."""

from __future__ import annotations

from typing import Annotated, Literal

from quantlaxmi.settings import Bounds, Settings

__all__ = ["MarketNullSettings"]


class MarketNullSettings(Settings, frozen=True, kw_only=True):
    """What ``[market_null]`` holds.

    Attributes
    ----------
    n_draws : int
        Draws that count, each a run of the strategy or, with a search, of every setting; at most
        ten times as many are made.
    stop_exceedances : int
        Drawing stops at this exceedance; 0 never stops it.
    grid_search : str
        ``"auto"``: where the run's settings are of the strategy's grid, every draw has the
        largest statistic of all the grid's settings; ``"off"``: never.
    """

    n_draws: Annotated[int, Bounds(ge=19, le=10**7)] = 1_000
    stop_exceedances: Annotated[int, Bounds(ge=0, le=10**6)] = 20
    grid_search: Literal["auto", "off"] = "auto"
