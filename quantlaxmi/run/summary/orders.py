"""Orders that were refused or ended short: how many of all, by cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from quantlaxmi.counted import counted
from quantlaxmi.execution.risk import risk_exponent
from quantlaxmi.fixed.point import decimal_text
from quantlaxmi.run.records import RunRecords
from quantlaxmi.run.summary.line import FinishedRun, SummaryLine
from quantlaxmi.schema import OrderEventKind, OrderReason, OrderStatus, RiskRule

#: Causes told one by one, the most frequent first; the rest is one line.
MAX_CAUSES: Final = 12
#: By rule: the cause with its limit, and the instrument's symbol and currency.
_RULES: Final[dict[RiskRule, str]] = {
    RiskRule.LOT: "the quantity is no multiple of the lot, {limit} of {symbol}",
    RiskRule.TICK: "the price is no multiple of the tick, {limit} of {symbol}",
    RiskRule.MIN_NOTIONAL: "worth less than {limit} {currency}",
    RiskRule.MAX_POSITION: "a position above {limit} of {symbol}",
    RiskRule.MAX_NOTIONAL: "a position worth more than {limit} {currency}",
    RiskRule.ORDERS_PER_SECOND: "more than {limit} within a second",
    RiskRule.ORDERS_PER_MINUTE: "more than {limit} within a minute",
    RiskRule.STALE_BOOK: "the book was older than {limit} s or not valid",
    RiskRule.MAX_LOSS: "a result below {limit} {currency}",
    RiskRule.SHORT_SPOT: "{symbol} that is not held may not be sold",
    RiskRule.NO_BOOK: "{symbol} had no valid book yet",
    RiskRule.MARGIN_CALL: "after a margin call",
    RiskRule.NOT_TRADABLE: "{symbol} is an index, which nobody can trade",
    RiskRule.MARGIN: "more margin than there was, or one that was not known",
}
_ENDS: Final[dict[OrderReason, str]] = {
    OrderReason.SIZE_EXHAUSTED: "the displayed size was used up",
    OrderReason.BOOK_INVALID: "the book was not valid on arrival",
    OrderReason.END_OF_DATA: "the data ended",
    OrderReason.IMMEDIATE: "immediate-or-cancel, the rest took nothing",
    OrderReason.WOULD_TAKE: "post-only, and would have taken",
    OrderReason.CANCELLED: "as the strategy asked",
    OrderReason.MAX_LOSS: "the largest loss was passed",
    OrderReason.MARGIN_CALL: "a margin call",
}


def order_lines(run: FinishedRun) -> Iterator[SummaryLine]:
    """Yield a line for each cause for which orders were refused or ended short of their quantity.

    A refused order counts once: under the first rule that it broke, or under its bundle where only
    another leg broke one.
    """
    rows = run.records.orders
    changes = rows["status"] == OrderStatus.REJECTED
    ends = rows[np.isin(rows["status"], (OrderStatus.CANCELLED, OrderStatus.PARTIAL))]
    n_orders = int((rows["kind"] == OrderEventKind.NEW).sum())
    refused = ends["reason"] == OrderReason.REFUSED
    yield from _told("order[s] [was|were] refused", _refusals(run.records, ends[refused]), n_orders)
    short = ends[~refused]
    for name, mine in (
        ("order[s] [was|were] cancelled whole", short["filled_qty"] == 0),
        ("order[s] [was|were] cancelled in part", short["filled_qty"] > 0),
    ):
        yield from _told(name, _counts(short["reason"][mine], _end), n_orders)
    requests = int(
        (np.isin(rows["kind"], (OrderEventKind.MODIFY, OrderEventKind.CANCEL))
         & (rows["status"] == OrderStatus.PENDING)).sum()
    )  # fmt: skip
    found = _counts(rows["reason"][changes], _change)
    yield from _told("change[s] of orders [was|were] refused", found, requests)


def _refusals(records: RunRecords, orders: NDArray[Any]) -> dict[str, int]:
    """Refused orders by cause."""
    risk = records.risk[~np.isin(records.risk["rule"], (RiskRule.TRIM_REST, RiskRule.TRIM_SHORT))]
    n = max(1, len(records.instruments))
    found: dict[str, int] = {}
    left = orders
    for lead, step in (("", n), ("another leg of the bundle: ", 0)):
        known, first = np.unique(_key(risk, step), return_index=True)
        wanted = _key(left, step)
        place = np.searchsorted(known, wanted)
        own = np.append(known, -1)[place] == wanted
        for cause, count in _causes(records, risk[first[place[own]]]):
            found[lead + cause] = found.get(lead + cause, 0) + count
        left = left[~own]
    if len(left):
        found["no rule is on record"] = len(left)
    return found


def _key(rows: NDArray[Any], step: int) -> NDArray[np.int64]:
    """Number of a decision with its instrument; for ``step`` 0 of the decision alone."""
    key: NDArray[np.int64] = rows["decision"]
    return key * step + rows["instrument"] if step else key


def _causes(records: RunRecords, broken: NDArray[Any]) -> Iterator[tuple[str, int]]:
    """Rules that risk rows name, with their limits, and how often each does."""
    rows, counts = np.unique(broken[["rule", "instrument", "limit"]], return_counts=True)
    for (rule, instrument, limit), count in zip(rows.tolist(), counts.tolist(), strict=True):
        one, kind = records.instruments[instrument], RiskRule(rule)
        exponent = risk_exponent(kind, one, records.ledger_exponent)
        text = _RULES.get(kind, kind.name.lower().replace("_", " "))
        yield (
            text.format(
                limit=decimal_text(limit, exponent), symbol=one.symbol, currency=one.currency
            ),
            count,
        )


def _counts(reasons: NDArray[np.int64], text: Any) -> dict[str, int]:
    values, counts = np.unique(reasons, return_counts=True)
    return {text(OrderReason(v)): c for v, c in zip(values.tolist(), counts.tolist(), strict=True)}


def _end(reason: OrderReason) -> str:
    return _ENDS.get(reason, reason.name.lower().replace("_", " "))


def _change(reason: OrderReason) -> str:
    if reason == OrderReason.NOT_RESTING:
        return "the order had ended, or was not there yet"
    return "a limit or a rule of the venue" if reason == OrderReason.REFUSED else _end(reason)


def _told(what: str, causes: dict[str, int], of: int) -> Iterator[SummaryLine]:
    ranked = sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    for cause, count in ranked[:MAX_CAUSES]:
        yield SummaryLine("orders", what, cause, count, of)
    rest = ranked[MAX_CAUSES:]
    if rest:
        count = sum(n for _, n in rest)
        yield SummaryLine("orders", what, f"{counted(len(rest), 'further cause[s]')}", count, of)
