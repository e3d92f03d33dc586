"""The settings of the market null."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from quantlaxmi.gates.checkpoint import Stage
from quantlaxmi.settings import Bounds, Settings
from quantlaxmi.stats.clopper_pearson import clopper_pearson

__all__ = ["MarketNullSettings"]


class MarketNullSettings(Settings, frozen=True, kw_only=True):
    """What ``[market_null]`` holds.

    Attributes
    ----------
    n_draws : int
        Draws that count, of each kind of drift; each runs every setting that is searched.
    n_draws_extended : int
        Of each kind, where the first ones leave the level open; not below `n_draws`.
    grid_search : str
        ``"auto"``: where the strategy declares a grid, every draw has the largest statistic of all
        the grid's settings; ``"off"``: never.
    """

    n_draws: Annotated[int, Bounds(ge=19, le=10**7)] = 199
    n_draws_extended: Annotated[int, Bounds(ge=19, le=10**7)] = 1_999
    grid_search: Literal["auto", "off"] = "auto"

    def stages(self, level: Fraction) -> tuple[Stage, ...]:
        """The stages of counting at a level.

        The first stops where even the lower end of the 95 % Clopper-Pearson interval of b/m lies
        above the level: at 17 of 199 for 5 %. The last stops where p can no longer be at most the
        level: at 100 of 1,999. A stopped count FAILs.
        """
        last = max(self.n_draws, self.n_draws_extended)
        stop = Stage(last, max(1, int(level * (last + 1))))
        if last == self.n_draws:
            return (stop,)
        return Stage(self.n_draws, _excluding(self.n_draws, level)), stop


def _excluding(draws: int, level: Fraction) -> int:
    """Fewest exceedances of so many draws whose interval lies above the level; 0: none does."""
    low, high = 1, draws
    if clopper_pearson(high, draws)[0] <= level:
        return 0
    while low < high:
        middle = (low + high) // 2
        if clopper_pearson(middle, draws)[0] > level:
            high = middle
        else:
            low = middle + 1
    return low
