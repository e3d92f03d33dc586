"""What recorded fills paid themselves, and what the replay of their positions paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantlaxmi.errors import InputError
from quantlaxmi.fixed import int128_halves
from quantlaxmi.run.arrow_columns import decimals_of_halves
from quantlaxmi.run.result import Run
from quantlaxmi.run.result_table import ResultTable
from quantlaxmi.strategies.recorded_fills import FEE_EXPONENT, OwnFills, RecordedFills

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["compare_fills"]


def compare_fills(run: Run) -> ResultTable:
    """Return what recorded fills made at their own prices and fees, and what their replay made.

    Neither side has funding or interest, which no fill pays. Positions that are open at the end
    are worth the last mid of the segment on both.

    Parameters
    ----------
    run : Run
        Of what `from_fills` made.

    Returns
    -------
    ResultTable
        A row for each instrument of the fills: ``symbol``, ``currency``; ``own_fills``, how many
        there are, and ``fills`` of the replay; ``own_position`` and ``position`` at the end;
        ``own_fees`` and ``fees``; ``own_net`` and ``net``; ``difference``, own net minus the
        replay's. Money is exact, in the currency.

    Raises
    ------
    InputError
        The run is of another strategy.

    Examples
    --------
    >>> import quantlaxmi as ql
    >>> segment = ql.open_segment("data/planted")
    >>> times = [segment.first_ts_ns + 10**9 * k for k in (1, 60)]
    >>> made = ql.from_fills(segment, {
    ...     "time": times, "symbol": ["BTCUSDT"] * 2, "qty": [0.01, -0.01],
    ...     "price": [60_000.5, 60_010], "fee": [0.3, 0.3],
    ... })
    >>> rows = ql.compare_fills(ql.backtest(segment, made))
    >>> f"{rows['own_net'][0]:f}", rows["own_fills"], rows["fills"]
    ('-0.5050000000000', [2], [2])
    """
    recorded = run.strategy.strategy
    if not isinstance(recorded, RecordedFills):
        problem = f"was of {run.strategy.strategy_id}, expected a run of what from_fills made"
        raise InputError("run", problem)
    own, symbols = recorded.own, [one.symbol for one in run.instruments]
    places = [symbols.index(symbol) for symbol in recorded.symbols]
    exact, ledger = run.exact, run.exact.ledger_exponent - 1
    finest = min(
        ledger,
        FEE_EXPONENT,
        *(
            min(own.price_exponents[k], run.instruments[i].price_exponent - 1)
            + run.instruments[i].qty_exponent
            for k, i in enumerate(places)
        ),
    )
    fees, nets, held = _own_money(run, own, places, finest)
    accounts = [exact.accounts[i] for i in places]
    up = 10 ** (ledger - finest)
    replayed = [up * (10 * (a.realized - a.fees) + a.unrealized) for a in accounts]
    counts = np.bincount(exact.fills["instrument"], minlength=len(symbols))
    columns = {
        "symbol": list(recorded.symbols),
        "currency": [run.instruments[i].currency for i in places],
        "own_fills": np.bincount(own.which, minlength=len(places)),
        "fills": counts[places],
        "own_position": _quantities(run, places, held),
        "position": _quantities(run, places, [a.position for a in accounts]),
        "own_fees": _money(fees, finest),
        "fees": _money([up * 10 * a.fees for a in accounts], finest),
        "own_net": _money(nets, finest),
        "net": _money(replayed, finest),
        "difference": _money([a - b for a, b in zip(nets, replayed, strict=True)], finest),
    }
    import pyarrow

    return ResultTable(pyarrow.table(columns))


def _own_money(
    run: Run, own: OwnFills, places: list[int], finest: int
) -> tuple[list[int], list[int], list[int]]:
    """Fees, net and position of each instrument's own fills, at an exponent."""
    fees, nets, held = [], [], []
    for k, i in enumerate(places):
        one, mine = run.instruments[i], own.which == k
        qty, price = own.qty[mine].tolist(), own.price[mine].tolist()
        paid = sum(own.fee[mine].tolist()) * 10 ** (FEE_EXPONENT - finest)
        cash = -sum(q * p for q, p in zip(qty, price, strict=True))
        cash *= 10 ** (own.price_exponents[k] + one.qty_exponent - finest)
        worth = sum(qty) * int(run.exact.last_mids[i])
        worth *= 10 ** (one.price_exponent - 1 + one.qty_exponent - finest)
        fees.append(paid)
        nets.append(cash + worth - paid)
        held.append(sum(qty))
    return fees, nets, held


def _money(values: list[int], exponent: int) -> pa.Array:
    return decimals_of_halves(*int128_halves(values), exponent)


def _quantities(run: Run, places: list[int], held: list[int]) -> pa.Array:
    finest = min(run.instruments[i].qty_exponent for i in places)
    steps = [10 ** (run.instruments[i].qty_exponent - finest) for i in places]
    return _money([q * step for q, step in zip(held, steps, strict=True)], finest)
