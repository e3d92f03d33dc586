"""Gate policies from TOML."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates.policy import GatePolicy, load_policy

ALLOWED = (ConfigError,)
SEEDS = (
    b"alpha = 0.05\nmin_trades = 30\nn_sims = 10_000\n",
    b'g2_gates = ["net_positive", "random_entry"]\nalpha = "0.01"\nfee_multiplier = 1.5\n',
    b"tost_margin_bps = 0.5\nblock_seconds = 0x100\nextend_factor = 10\nmax_net_bundles = 0\n",
)


def one(draw: Draw) -> None:
    path = scratch.file("policy.toml", edit_toml(draw, draw.pick(SEEDS)))
    policy = load_policy(path)
    again = GatePolicy.from_mapping(policy.to_json())
    assert again.policy_hash == policy.policy_hash
    assert 0 < policy.level < 1
