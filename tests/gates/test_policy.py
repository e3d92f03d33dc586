"""GatePolicy: a general part and one table a gate, faults by key, the hash."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pytest

from quantlaxmi.errors import ConfigError, EngineError
from quantlaxmi.gates.policy import GatePolicy, load_policy
from quantlaxmi.gates.random_entry import RandomEntrySettings
from quantlaxmi.gates.suites import ALL_GATES, gates_of
from quantlaxmi.gates.thresholds import NoSettings
from quantlaxmi.settings import Settings


def test_defaults_are_the_documented_ones():
    policy = GatePolicy()
    assert (policy.alpha, policy.min_trades, policy.min_arrangements) == (Decimal("0.05"), 30, 1000)
    assert policy.suites == {
        suite: tuple(gate.name for gate in gates_of(suite)) for suite in ("g2", "g3")
    }
    assert policy.suites["g2"][:2] == ("net_positive", "look_ahead")
    plain = policy.to_json(("g2", "g3"))
    assert plain["random_entry"]["n_sims"] == plain["label_permutation"]["n_perms"] == 10_000
    assert plain["time_shift"] == {"n_shifts": 199, "min_decorrelations": 40}
    assert plain["look_ahead"] == {"n_beginnings": 12}
    assert policy.level == pytest.approx(0.05)
    assert plain.keys() >= {gate.name for gate in ALL_GATES}


def test_load_keeps_decimals_exact(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(
        'alpha = 0.10\nmin_trades = 40\n[suites]\ng2 = ["random_entry"]\n'
        "[random_entry]\nn_sims = 99\n"
    )
    policy = load_policy(path)
    assert policy.alpha == Decimal("0.1")
    assert policy.to_json()["alpha"] == str(policy.alpha) == "0.1"
    assert policy == GatePolicy(
        alpha=Decimal("0.100"),
        min_trades=40,
        suites={"g2": ("random_entry",)},
        random_entry=RandomEntrySettings(n_sims=99),
    )
    assert policy.policy_hash == policy.replace(alpha="0.1000").policy_hash
    assert policy.settings(RandomEntrySettings).n_sims == 99
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_replacing_a_key_keeps_the_others_of_its_table():
    policy = GatePolicy(random_entry={"n_sims": 99}).replace(random_entry={"n_neutral_pairs": 7})
    table = policy.settings(RandomEntrySettings)
    assert (table.n_sims, table.n_neutral_pairs) == (99, 7)


def _others(value):
    """A value of another size that the bounds allow."""
    if isinstance(value, list):
        return value[:-1]
    if isinstance(value, int):
        return value - 1 if value > 2 else value + 1
    return {"auto": "off", "1": "2", "0": "1", "anchored": "rolling"}.get(value, "0.25")


def test_every_key_moves_the_hash():
    plain = GatePolicy().to_json(("g2", "g3"))
    hashes = [GatePolicy().policy_hash]
    for key, value in plain.items():
        if not isinstance(value, dict):
            other = not value if isinstance(value, bool) else _others(value)
            hashes.append(GatePolicy(**{key: other}).policy_hash)
            continue
        for name, inner in value.items():
            other = "day" if name == "within" else _others(inner)
            hashes.append(GatePolicy(**{key: {name: other}}).policy_hash)
    assert len(hashes) == len(set(hashes)) > 25
    assert GatePolicy.from_mapping(plain) == GatePolicy()


def test_defaults_of_later_suites_are_not_in_the_hash():
    """A new suite changes no verdict of G2, whose seed is made of the hash."""
    plain = GatePolicy().to_json()
    assert "walk_forward" not in plain and list(plain["suites"]) == ["g2"]
    other = GatePolicy(walk_forward={"folds": 5})
    assert other.to_json()["walk_forward"]["folds"] == 5
    assert other.differences == ("walk_forward.folds = 5 (default 6)",)
    assert other.replace(alpha="0.1").to_json()["walk_forward"]["folds"] == 5
    assert GatePolicy.from_mapping(other.to_json()) == other
    shorter = GatePolicy(suites={"g3": ["walk_forward"]})
    assert GatePolicy.from_mapping(shorter.to_json()).suites == shorter.suites


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("alpha = 0.6", "(alpha): was 0.6, expected a decimal number from 0.000001 to 0.5"),
        ("alpha = nan", "(alpha): was nan, expected"),
        ("alpha = true", "(alpha): was true, expected"),
        ('alpha = "x"', "(alpha): was 'x', expected"),
        ("alpha = ", ""),
        ("alfa = 0.05", "(alfa): unknown setting; did you mean alpha?"),
        ("n_sims = 99", "(n_sims): unknown setting"),
        ("[randm_entry]\nn_sims = 99", "(randm_entry): unknown setting; did you mean random_entry"),
        (
            "[random_entry]\nn_sim = 99",
            "(random_entry.n_sim): unknown setting; did you mean n_sims",
        ),
        ("[random_entry]\nn_sims = 1.5", "(random_entry.n_sims): was 1.5, expected a whole number"),
        (
            "[random_entry]\nn_sims = 3",
            "(random_entry.n_sims): was 3, expected a whole number",
        ),
        ("random_entry = 3", "(random_entry): was 3, expected a table"),
        ("[delay]\ndelays_ms = 5", "(delay.delays_ms): was 5, expected a list"),
        ("[delay]\ndelays_ms = []", "(delay.delays_ms): was [], expected a list"),
        ("[delay]\ndelays_ms = [5, 5]", "(delay.delays_ms): was [5, 5], expected a list"),
        ("[delay]\ndelays_ms = [1.0]", "(delay.delays_ms[0]): was 1.0, expected a whole"),
        ("[delay]\ndelays_bars = [0, 1]", "(delay.delays_bars[0]): was 0, expected a whole"),
        ("min_trades = true", "(min_trades): was true, expected a whole number"),
        ('[suites]\ng2 = "random_entry"', "(suites.g2): was 'random_entry', expected a list"),
        ('[suites]\ng2 = ["prefix"]', "(suites.g2[0]): was 'prefix', expected one of net_positive"),
        ("[suites]\ng2 = []", "(suites.g2): was [], expected a list"),
        ('[suites]\ng2 = ["delay", "delay"]', "(suites.g2): was ['delay', 'delay'], expected a"),
        ("[suites]\ng9 = []", "(suites.g9): unknown setting; known settings: g2"),
        ("suites = 1", "(suites): was 1, expected a table"),
    ],
)
def test_faults_are_one_line_with_file_and_key(tmp_path, text, line):
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_policy(path)
    assert str(caught.value).startswith(f"{path} {line}".rstrip()), str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_huge_files(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_policy(tmp_path / "none.toml")
    (tmp_path / "big.toml").write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(ConfigError, match="longer than 1048576 bytes; expected a gate policy"):
        load_policy(tmp_path / "big.toml")


def test_settings_of_no_gate_are_an_error():
    class Stray(Settings, frozen=True, kw_only=True):
        pass

    assert GatePolicy().settings(NoSettings) == NoSettings()
    with pytest.raises(EngineError, match="no table of"):
        GatePolicy().settings(Stray)
