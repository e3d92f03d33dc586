"""Gate policies from TOML."""

from __future__ import annotations

from fuzz import scratch
from fuzz.draw import Draw, edit_toml
from quantlaxmi.errors import ConfigError
from quantlaxmi.gates.policy import GatePolicy, load_policy

ALLOWED = (ConfigError,)
SEEDS = (
    b"alpha = 0.05\nmin_trades = 30\n[random_entry]\nn_sims = 10_000\n",
    b'alpha = "0.01"\n[suites]\ng2 = ["net_positive", "random_entry"]\n'
    b"[net_positive]\nfee_multiplier = 1.5\n",
    b"extend_factor = 10\n[random_entry]\ntost_margin_bps = 0.5\nmax_net_bundles = 0\n"
    b"[label_permutation]\nblock_seconds = 0x100\n[delay]\ndelays_ms = [5, 10]\n",
)


def one(draw: Draw) -> None:
    path = scratch.file("policy.toml", edit_toml(draw, draw.pick(SEEDS)))
    policy = load_policy(path)
    assert (policy == GatePolicy()) == (not policy.differences)
    assert all("\n" not in text for text in policy.differences)
    again = GatePolicy.from_mapping(policy.to_json())
    assert again.policy_hash == policy.policy_hash
    assert 0 < policy.level < 1
