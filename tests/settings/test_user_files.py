"""Every TOML file that a user writes is refused alike: one line with the file and the full key.

Before there was one base, eight readers validated by hand: three suggested the nearest key, an
unknown key of a limit was "not expected", and a rate of 1e400 named an inner function.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quantlaxmi.cli import main_crypto
from quantlaxmi.errors import ConfigError
from quantlaxmi.execution.costs import CostModel
from quantlaxmi.execution.latency import LatencyModel
from quantlaxmi.execution.risk import RiskLimits
from quantlaxmi.gates.policy import load_policy
from quantlaxmi.importers.bars.mapping import load_mapping as load_bars
from quantlaxmi.importers.bars.mapping_file import ArchiveFile, KlinesFile
from quantlaxmi.importers.instrument_mapping import load_mapping as load_instruments
from quantlaxmi.strategies.basis_capture import BasisCaptureConfig
from quantlaxmi.venues import load_table
from tests.bars_files import MAPPING

_RUN = "backtest --segment-dir nowhere --strategy basis_capture"
_GATES = "run-gates --segment-dir nowhere --strategy basis_capture --gates g2 --policy"
_KLINES = 'half_spread_bps = "1"\nbase = "BTC"\n[perp]\nsymbol = "BTCUSDT"\n'
_ENTRY = '[instruments."bybit/X"]\nkind = "perp"\ncurrency = "USDT"\nbase = "X"\n'
_VENUE = (
    'table = "v"\nformat = 1\n[[fees]]\nvenue = "v"\nkind = "spot"\nvalid_from = 2020-01-01\n'
    'maker_bps = "1"\ntaker_bps = "2"\nsource = "s"\n'
)


class Kind(NamedTuple):
    """A kind of file, and a number in it that every fault is planted on.

    ``good`` holds ``old``; ``key`` is the full path of its key and ``expected`` what it may be.
    """

    load: Callable[[Path], Any]
    line: str
    good: str
    old: str
    key: str
    expected: str
    whole: bool
    near: str
    typo: str


KINDS = {
    "strategy": Kind(
        BasisCaptureConfig.load, f"{_RUN} --config",
        "threshold_bps = 5\ncooldown_ms = 100\n", "cooldown_ms = 100",
        "cooldown_ms", "expected a whole number from 0 to", True, "cooldown_ms", "cooldown_m",
    ),
    "costs": Kind(
        CostModel.load, f"{_RUN} --costs",
        '[perp.BTCUSDT-PERP]\nmaker_bps = "2"\ntaker_bps = "5"\n', 'maker_bps = "2"',
        "perp.BTCUSDT-PERP.maker_bps", "expected a decimal number from -1000 to 1000", False,
        "perp.BTCUSDT-PERP.maker_bps", "perp.BTCUSDT-PERP.maker_bp",
    ),
    "impact": Kind(
        CostModel.load, f"{_RUN} --costs",
        '[spot]\nimpact_bps = "2"\n', 'impact_bps = "2"',
        "spot.impact_bps", "expected a decimal number from 0 to 1000", False,
        "spot.impact_bps", "spot.impacts_bps",
    ),
    "fee exponent": Kind(
        CostModel.load, f"{_RUN} --costs", "fee_exponent = -8\n", "fee_exponent = -8",
        "fee_exponent", "expected a whole number from -18 to 0", True,
        "fee_exponent", "fees_exponent",
    ),
    "risk": Kind(
        RiskLimits.load, f"{_RUN} --risk",
        'max_loss = "10"\n[symbols.X]\nmax_position = "1"\n', 'max_position = "1"',
        "symbols.X.max_position", "expected a decimal number from 0 to", False,
        "symbols.X.max_position", "symbols.X.max_positions",
    ),
    "policy": Kind(
        load_policy, _GATES,
        "alpha = 0.05\n", "alpha = 0.05", "alpha", "expected a decimal number from 0.000001 to 0.5",
        False, "alpha", "alpa",
    ),
    "gate": Kind(
        load_policy, _GATES,
        "[random_entry]\nn_sims = 99\n", "n_sims = 99", "random_entry.n_sims",
        "expected a whole number from 19 to", True, "random_entry.n_sims", "random_entry.n_sim",
    ),
    "rate of orders": Kind(
        RiskLimits.load, f"{_RUN} --risk", "max_orders_per_second = 5\n",
        "max_orders_per_second = 5", "max_orders_per_second", "expected a whole number from 0 to",
        True, "max_orders_per_second", "max_order_per_second",
    ),
    "latency": Kind(
        LatencyModel.load, f"{_RUN} --latency", "entry = 5\n", "entry = 5",
        "entry", "expected whole nanoseconds, 0 to", True, "entry", "entri",
    ),
    "bars": Kind(
        load_bars, "import --format bars --input none.csv --out out --mapping",
        MAPPING.replace('symbol = "BTCUSDT"', 'symbol = "BTCUSDT"\ninput = 1', 1), "input = 1",
        "spot.input", "expected a whole number from 1 to 64", True, "spot.input", "spot.imput",
    ),
    "klines": Kind(
        lambda path: load_bars(path, KlinesFile),
        "import --format klines-json --input none --out out --mapping",
        f'{_KLINES}size = "1"\n', 'size = "1"',
        "perp.size", "expected a decimal number above 0", False, "perp.size", "perp.sizes",
    ),
    "premium": Kind(
        lambda path: load_bars(path, ArchiveFile),
        "import --format binance-vision --input none --out out --mapping",
        f"{_KLINES}[premium]\ninput = 2\ninterest = 0.0001\n", "interest = 0.0001",
        "premium.interest", "expected a decimal number from 0 to 1", False,
        "premium.interest", "premium.interests",
    ),
    "instruments": Kind(
        load_instruments, "import --format tardis --input none.csv --out out --mapping",
        f"{_ENTRY}contract_size = 1\n", "contract_size = 1",
        'instruments."bybit/X".contract_size', "expected a decimal number above 0", False,
        'instruments."bybit/X".contract_size', 'instruments."bybit/X".contract_sizes',
    ),
    "venue": Kind(
        load_table, "", _VENUE, 'taker_bps = "2"', "fees[0].taker_bps",
        "expected a decimal number from -1000 to 1000", False,
        "fees[0].taker_bps", "fees[0].takers_bps",
    ),
}  # fmt: skip

#: What is planted, and how the message names it.
VALUES = {
    '"text"': "'text'",
    "nan": "nan",
    "inf": "inf",
    "-inf": "-inf",
    "1e400": "1e400",
    "1e-400": "1e-400",
    "-1e30": "-1e30",
    "0x" + "f" * 4000: "an integer of 16000 bits",
    "true": "true",
    "1979-05-27": "1979-05-27",
    '["a"]': "['a']",
    "{a = 1}": "{'a': 1}",
    '"1_0"': "'1_0'",
    '"٣"': "'٣'",
}


def refusal(kind: Kind, path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        kind.load(path)
    said = str(caught.value)
    assert said.startswith(str(path)) and said.isprintable() and len(said) < 500
    assert "parse_decimal" not in said and "Traceback" not in said
    return said.removeprefix(str(path))


@pytest.mark.parametrize("name", KINDS)
def test_the_good_file_is_read(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    path = tmp_path / "x.toml"
    assert kind.old in kind.good
    path.write_text(kind.good)
    kind.load(path)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", KINDS)
def test_a_wrong_value_is_named_with_its_full_key(tmp_path: Path, name: str, value: str) -> None:
    kind = KINDS[name]
    key = kind.old.partition(" ")[0]
    text = kind.good.replace(kind.old, f"{key} = {value}", 1)
    said = refusal(kind, tmp_path / "x.toml", text)
    if name == "latency" and value[0] in "[{":
        assert said.startswith(" (entry): was ")
        return
    expected = kind.expected
    assert said.startswith(f" ({kind.key}): was {VALUES[value]}, {expected}"), said


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.whole])
def test_a_fraction_is_no_whole_number(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    key = kind.old.partition(" ")[0]
    said = refusal(kind, tmp_path / "x.toml", kind.good.replace(kind.old, f"{key} = 1.0", 1))
    assert said.startswith(f" ({kind.key}): was ") and "1.0" in said and "whole" in said


@pytest.mark.parametrize("name", KINDS)
def test_an_unknown_key_names_the_nearest(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    typo, near = kind.typo.rpartition(".")[2], kind.near.rpartition(".")[2]
    line = kind.old.replace(near, typo, 1)
    said = refusal(kind, tmp_path / "x.toml", kind.good.replace(kind.old, line, 1))
    assert said == f" ({kind.typo}): unknown setting; did you mean {near}?"


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("= 1", ": is not TOML: "),
        ("a = 1\na = 2", ": is not TOML: "),
        ("a = " + "[" * 9000, ": is not TOML: "),
        ("#" * (3 << 20), ": is longer than "),
    ],
    ids=["syntax", "twice", "depth", "size"],
)
def test_what_is_no_small_toml_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    assert refusal(KINDS[name], tmp_path / "x.toml", text).startswith(told)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.line])
def test_the_command_line_says_the_same_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    kind = KINDS[name]
    path = tmp_path / "x.toml"
    said = refusal(kind, path, kind.good.replace(kind.old, kind.old.partition(" ")[0] + " = nan"))
    assert main_crypto([*kind.line.split(), str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err == f"quantlaxmi-crypto: {path}{said}\n"
