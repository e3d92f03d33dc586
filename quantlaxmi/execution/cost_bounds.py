"""The bounds of a file of costs, for a model that is made in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quantlaxmi.execution.cost_components import check_components
from quantlaxmi.execution.cost_file import CostFile, CostTable
from quantlaxmi.execution.fee_rate import FeeRate
from quantlaxmi.execution.impact import Impact
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.schema import InstrumentKind
from quantlaxmi.settings import Field, Place, fields_of

__all__ = ["check_bounds"]


def check_bounds(model: Mapping[str, Any], tables: Sequence[str]) -> None:
    """Apply the bounds of a file to a model made in Python.

    Parameters
    ----------
    model : mapping of str to object
        Fields of a `CostModel` by their names.
    tables : sequence of str
        Fields that have entries by kind or symbol.

    Raises
    ------
    ConfigError
        A value is of another type, or out of bounds.
    """
    at = Place("costs")
    whole, table = ({f.name: f for f in fields_of(cls)} for cls in (CostFile, CostTable))
    for name in ("fee_exponent", "queue"):
        whole[name].read(model[name], at / name)
    for name in tables:
        if not isinstance(model[name], Mapping):
            raise (at / name).was(model[name], "a dict")
    for key, rate in (*model["rates"].items(), *model["symbols"].items()):
        if not isinstance(rate, FeeRate):
            raise (at / key).was(rate, "a FeeRate")
        for name in ("maker_bps", "taker_bps"):
            _check_fixed(table[name], getattr(rate, name), at / key / name)
    for key in model["rates"]:
        if not isinstance(key, InstrumentKind):
            raise (at / "rates").was(key, "an InstrumentKind")
    for key, least in model["min_notional"].items():
        _check_fixed(table["min_notional"], least, at / key / "min_notional")
    for key, bps in model["borrow"].items():
        _check_fixed(table["borrow_bps"], bps, at / key / "borrow_bps")
    check_components(model["components"], at)
    for key, paid in model["buy_fee"].items():
        table["buy_fee"].read(paid, at / key / "buy_fee")
    for key, impact in model["impact"].items():
        if not isinstance(impact, Impact):
            raise (at / key).was(impact, "an Impact")


def _check_fixed(field: Field, value: object, at: Place) -> None:
    if not isinstance(value, FixedPoint):
        raise at.was(value, "a FixedPoint")
    field.kind.read(value, at)
