"""Terms of bars whose columns are recognised by their names."""

from __future__ import annotations

import msgspec


class BarsTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of bars whose columns are recognised.

    Attributes
    ----------
    symbols : tuple of str
        One for all tables, or one each; empty where a column tells it.
    kinds : tuple of str
        ``"spot"`` or ``"perp"``, one a table.
    interval : str or None
        Length of a bar; by default the smallest step of the first rows.
    costs : dict of str to str
        ``half_spread_bps``, ``share`` and ``size`` of a mapping.
    currency, base, venue, calendar : str or None
        As in a mapping.
    own : tuple of dict of str to str
        ``currency``, ``base`` and ``venue`` of each table, where they have their own.
    round : bool
        Prices with more digits than 1e-8 are rounded.
    """

    symbols: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("spot",)
    interval: str | None = None
    costs: dict[str, str] = {}
    currency: str | None = None
    base: str | None = None
    venue: str | None = None
    calendar: str | None = None
    own: tuple[dict[str, str], ...] = ()
    round: bool = False

    def for_tables(self, n: int) -> BarsTerms:
        """These terms, one kind told for so many tables that each have a symbol."""
        if len(self.kinds) == 1 and len(self.symbols) == n:
            return msgspec.structs.replace(self, kinds=self.kinds * n)
        return self
