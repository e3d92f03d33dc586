"""What rounding adds to the fees of a session day, as the day's contract note has it.

Components of one name are one sum over a session day and all contracts of a currency. Those that
are rounded are so once a day, half up to a whole unit of the currency, when the note is written:
with the day's last message. Fills book exact fees, so the difference is an amount of its own:
``gross - slippage - fees + funding - interest - rounding = net``.

The engine does not know of it while it runs, as nobody does before the note is written. So limits
on losses and margin are looked at before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.fee_components import FeeComponent
from quantlaxmi.fixed import int128_array, int128_halves
from quantlaxmi.instruments import Instrument
from quantlaxmi.run.message_times import last_message_before
from quantlaxmi.schema import FillFlag, IntColumn, Side
from quantlaxmi.segment import MarketData
from quantlaxmi.venues.nse_costs import INDIA_NS

__all__ = [
    "NOTE_DTYPE",
    "NO_NOTES",
    "currency_weights",
    "note_rows",
    "noted",
    "rounding_at",
]

#: A rounded sum of a session day: the day since the epoch, the time of its last message, the place
#: of its currency, fills before, the sum and what rounding adds to it, in ledger units.
NOTE_DTYPE: Final = np.dtype(
    [
        (name, "<i8")
        for name in (
            *("day", "ts_ns", "currency", "fills_before"),
            *("total_hi", "total_lo", "amount_hi", "amount_lo"),
        )
    ]
)
NO_NOTES: Final = np.zeros(0, NOTE_DTYPE)
NO_NOTES.setflags(write=False)
_DAY_NS: Final = 86_400 * 10**9


def note_rows(
    fills: NDArray[Any],
    instruments: Sequence[Instrument],
    costs: CostModel,
    exponent: int,
    market: MarketData,
) -> NDArray[Any]:
    """Return the rounded sums of every session day, ascending in time.

    Parameters
    ----------
    fills : ndarray of FILL_DTYPE
        A position that was settled pays what an exercise pays.
    instruments : sequence of Instrument
    costs : CostModel
        Complete.
    exponent : int
        Of the ledger.
    market : MarketData
        Gives the time of each day's last message.

    Returns
    -------
    ndarray of NOTE_DTYPE, shape (n_sums,)
    """
    rounded = {
        i: [c for c in costs.components_on(one) if c.rounding == "rupee"]
        for i, one in enumerate(instruments)
    }
    if not any(rounded.values()) or not len(fills):
        return NO_NOTES
    currencies = list(dict.fromkeys(one.currency for one in instruments))
    sums: dict[tuple[int, int, str], Fraction] = {}
    for i, ts_ns, name, paid in _paid(fills, instruments, costs, rounded):
        key = ((ts_ns + INDIA_NS) // _DAY_NS, currencies.index(instruments[i].currency), name)
        sums[key] = sums.get(key, Fraction(0)) + paid
    keys = sorted(sums)
    rows = np.zeros(len(keys), NOTE_DTYPE)
    unit = Fraction(10) ** exponent
    exact = [round(sums[key] / unit) for key in keys]
    up = [round((2 * sums[key] + 1) // 2 / unit) for key in keys]
    rows["day"] = [day for day, _, _ in keys]
    rows["currency"] = [currency for _, currency, _ in keys]
    rows["total_hi"], rows["total_lo"] = int128_halves(exact)
    rows["amount_hi"], rows["amount_lo"] = int128_halves(
        [b - a for a, b in zip(exact, up, strict=True)]
    )
    ends = (rows["day"] + 1) * _DAY_NS - INDIA_NS
    rows["ts_ns"] = last_message_before(market, ends)
    rows["fills_before"] = np.searchsorted(fills["ts_ns"], rows["ts_ns"], side="right")
    return rows


def _paid(
    fills: NDArray[Any],
    instruments: Sequence[Instrument],
    costs: CostModel,
    rounded: dict[int, list[FeeComponent]],
) -> Iterator[tuple[int, int, str, Fraction]]:
    """Instrument, time, component and amount of each payment that is rounded."""
    seen: set[int] = set()
    names = ("instrument", "ts_ns", "side", "qty", "price", "order", "flags")
    for i, ts_ns, side, qty, price, order, flags in zip(
        *(fills[name].tolist() for name in names), strict=True
    ):
        if flags & FillFlag.SETTLED:
            # A long position is closed by a sale at what it came to.
            value = _value(instruments[i], price * qty if side == Side.SELL else 0)
            yield from ((i, ts_ns, c.name, c.rate * value) for c in rounded[i] if c.is_exercise)
            continue
        first, word = order not in seen, "buy" if side == Side.BUY else "sell"
        seen.add(order)
        own = [c for c in rounded[i] if c.side in ("both", word)]
        if not own:
            continue
        value = _value(instruments[i], price * qty)
        # What is rounded may be a tax: it is counted on all that is taxed.
        taxed = sum(
            (
                c.rate * (value if c.base == "value" else first)
                for c in costs.components_on(instruments[i])
                if c.taxed and c.side in ("both", word)
            ),
            Fraction(0),
        )
        bases = {"value": value, "order": Fraction(first), "taxed": taxed}
        for c in own:
            yield i, ts_ns, c.name, c.rate * bases[c.base]


def _value(one: Instrument, product: int) -> Fraction:
    """Money of a product of price and quantity mantissas."""
    return product * one.multiplier[0] * Fraction(10) ** one.product_exponent


def rounding_at(rows: NDArray[Any], weights: Sequence[int], at: NDArray[np.intp]) -> IntColumn:
    """Return the running sum of what rounding adds, after so many rows.

    Parameters
    ----------
    rows : ndarray of NOTE_DTYPE
    weights : sequence of int
        By place of a currency: what its money is multiplied by; 0 leaves it out.
    at : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int (object), shape (n,)
        At the ledger's exponent - 1.
    """
    amounts: list[int] = int128_array(rows["amount_hi"], rows["amount_lo"]).tolist()
    sums = [0]
    for amount, currency in zip(amounts, rows["currency"].tolist(), strict=True):
        sums.append(sums[-1] + 10 * amount * weights[currency])
    table: IntColumn = np.array(sums, dtype=object)
    taken: IntColumn = table[at]
    return taken


M = TypeVar("M", bound="NotedMoney")


class NotedMoney(Protocol):
    """Money of a currency, such as `quantlaxmi.run.ledger_lines.Money`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def cash(self) -> IntColumn: ...
    @property
    def equity(self) -> IntColumn: ...


def noted(totals: Mapping[str, M], rows: NDArray[Any], at: NDArray[np.intp]) -> dict[str, M]:
    """Return the money of currencies after so many rows, less what rounding has added."""
    if not len(rows):
        return dict(totals)
    found = {}
    for place, (currency, money) in enumerate(totals.items()):
        own = [int(k == place) for k in range(len(totals))]
        added = rounding_at(rows, own, at)
        after = {"cash": money.cash - added, "equity": money.equity - added, "rounding": added}
        found[currency] = replace(money, **after)
    return found


def currency_weights(instruments: Sequence[Instrument], weights: Sequence[int]) -> list[int]:
    """Weights of instruments by the place of their currency."""
    return list({one.currency: w for one, w in zip(instruments, weights, strict=True)}.values())
