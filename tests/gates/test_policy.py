"""GatePolicy: defaults, TOML, faults by field, the hash."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from quantlaxmi.errors import ConfigError
from quantlaxmi.gates.policy import G2_GATES, GatePolicy, load_policy


def test_defaults_are_the_documented_ones():
    policy = GatePolicy()
    assert (policy.alpha, policy.min_trades, policy.min_arrangements) == (Decimal("0.05"), 30, 1000)
    assert (policy.n_sims, policy.n_perms, policy.block_seconds) == (10_000, 10_000, 3600)
    assert policy.g2_gates == G2_GATES
    assert policy.g2_gates[:2] == ("net_positive", "look_ahead")
    assert (policy.n_shifts, policy.min_decorrelations, policy.n_prefixes) == (199, 40, 12)
    assert policy.level == pytest.approx(0.05)


def test_load_keeps_decimals_exact(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('alpha = 0.10\nmin_trades = 40\ng2_gates = ["random_entry"]\n')
    policy = load_policy(path)
    assert policy.alpha == Decimal("0.1")
    assert policy.to_json()["alpha"] == "0.1"
    assert policy == GatePolicy(alpha=Decimal("0.1"), min_trades=40, g2_gates=("random_entry",))
    assert policy.policy_hash == replace(policy, alpha=Decimal("0.100")).policy_hash


def test_every_field_moves_the_hash():
    other = {
        "g2_gates": ("random_entry",),
        "alpha": Decimal("0.01"),
        "tost_margin_bps": Decimal(1),
        "fee_multiplier": Decimal(2),
        "extra_slippage_bps": Decimal(1),
        "least_delay_share": Decimal("0.25"),
        "delays_ms": (5, 7),
        "delay_bars": (4,),
        "n_bootstrap": 777,
        "permute_within": "regime",
        "market_grid_search": "off",
    }
    hashes = {GatePolicy().policy_hash}
    for f in fields(GatePolicy):
        value = other.get(f.name, 77)
        hashes.add(replace(GatePolicy(), **{f.name: value}).policy_hash)
    assert len(hashes) == len(fields(GatePolicy)) + 1
    assert GatePolicy.from_mapping(GatePolicy().to_json()) == GatePolicy()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("alpha = 0.6", "alpha"),
        ("alpha = nan", "alpha"),
        ("delays_ms = 5", "delays_ms"),
        ("delays_ms = []", "delays_ms"),
        ("delays_ms = [5, 5]", "delays_ms"),
        ("delays_ms = [1.0]", "delays_ms"),
        ("delay_bars = [0, 1]", "delay_bars"),
        ("alpha = true", "alpha"),
        ('alpha = "x"', "alpha"),
        ("n_sims = 1.5", "n_sims"),
        ("n_sims = 3", "n_sims"),
        ("min_trades = true", "min_trades"),
        ("colour = 1", "colour"),
        ('g2_gates = "random_entry"', "g2_gates"),
        ('g2_gates = ["g9"]', "g2_gates"),
        ("g2_gates = []", "g2_gates"),
        ('g2_gates = ["random_entry", "random_entry"]', "g2_gates"),
        ("alpha = ", ""),
    ],
)
def test_faults_name_file_and_field(tmp_path, text, field):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_policy(path)
    assert str(caught.value).startswith(str(path))
    assert caught.value.place == field
    assert "\n" not in str(caught.value)


def test_missing_and_huge_files(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_policy(tmp_path / "none.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ConfigError, match="longer than 1048576 bytes; expected a gate policy"):
        load_policy(tmp_path / "big.toml")
