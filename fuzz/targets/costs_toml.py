"""Cost models from TOML."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.account_terms import account_terms, ledger_exponent
from quantlaxmi.execution.costs import CostModel
from tests.segments import INSTRUMENTS

ALLOWED = (ConfigError,)
SEEDS = (
    b'fee_exponent = -8\n[spot]\nmaker_bps = "10"\ntaker_bps = "10"\n',
    b"[perp]\nmaker_bps = -1.5\ntaker_bps = 5e0\n[call]\nmaker_bps = 0\ntaker_bps = 3\n",
    b"[perp.A]\nmaker_bps = -1\ntaker_bps = 3\n[spot]\nmin_notional = '5.0'\n[perp.B]\n",
    b"fee_exponent = 0x0\nspot = { maker_bps = 1_0.5, taker_bps = '2' }\n",
)


def one(draw: Draw) -> None:
    path = scratch.file("costs.toml", edit_toml(draw, draw.pick(SEEDS)))
    model = CostModel.load(path)
    assert CostModel.load(path).cost_hash == model.cost_hash
    assert CostModel.from_description(model.describe()).cost_hash == model.cost_hash
    for instrument in INSTRUMENTS:
        if model.covers(instrument):
            account_terms(instrument, model, ledger_exponent(INSTRUMENTS, model), 0)
