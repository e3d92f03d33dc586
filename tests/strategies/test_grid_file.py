"""Grids that users name: read with the place of every fault, hashed whatever their order."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import pytest

from quantlaxmi.errors import ConfigError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.strategies.basis_capture import BasisCapture, BasisCaptureConfig
from quantlaxmi.strategies.config import Bounds, StrategyConfig
from quantlaxmi.strategies.grid_file import Grid


def written(tmp_path: Path, text: str, strategy: str = "basis_capture") -> Path:
    path = tmp_path / "grid.toml"
    path.write_text(f'strategy = "{strategy}"\n{text}')
    return path


TEXT = """
[values]
threshold_bps = [3, 4.5]
exit_threshold_bps = ["1", 2]

[[config]]
threshold_bps = 8
hedged = false

[[config]]
threshold_bps = 3.0
exit_threshold_bps = 1
"""


def test_a_file_gives_products_and_single_settings_each_once(tmp_path: Path) -> None:
    grid = Grid.load(written(tmp_path, TEXT), BasisCapture)
    found = [(c.threshold_bps.to_text(), c.exit_threshold_bps.to_text()) for c in grid.configs]
    assert found == [("3", "1"), ("3", "2"), ("4.5", "1"), ("4.5", "2"), ("8", "2.5")]
    assert [c.hedged for c in grid.configs] == [True] * 4 + [False]
    assert grid.refused == ()


def test_the_hash_is_of_the_sorted_settings(tmp_path: Path) -> None:
    grid = Grid.load(written(tmp_path, TEXT), BasisCapture)
    made = [
        BasisCaptureConfig(threshold_bps=a, exit_threshold_bps=b)
        for a in ("4.5", "3")
        for b in ("2", "1")
    ] + [BasisCaptureConfig(threshold_bps=8, hedged=False)]
    naive = hashlib.sha256(
        b"quantlaxmi.grid.v1\0" + b"".join(sorted(c.config_hash for c in made))
    ).hexdigest()
    assert grid.grid_hash == Grid.of("basis_capture", made).grid_hash == naive


def test_a_setting_outside_is_added(tmp_path: Path) -> None:
    grid = Grid.load(written(tmp_path, TEXT), BasisCapture)
    assert grid.including(grid.configs[2]) is grid
    more = grid.including(BasisCaptureConfig(threshold_bps=99))
    assert len(more.configs) == 6
    assert more.grid_hash != grid.grid_hash


def test_what_a_report_holds_gives_the_same_grid(tmp_path: Path) -> None:
    grid = Grid.load(written(tmp_path, TEXT), BasisCapture)
    again = Grid.from_description(grid.describe(), BasisCapture)
    assert again == grid


class Config(StrategyConfig, frozen=True, kw_only=True):
    low: Annotated[int, Bounds(ge=0, le=9)] = 0
    high: Annotated[int, Bounds(ge=0, le=9)] = 9
    most: int | None = 5

    def check(self) -> None:
        if self.low >= self.high:
            raise self.refuse("low", f"expected below high, {self.high}")


class Mine(BasisCapture):
    strategy_id = "mine"
    Config = Config


def test_settings_that_fail_their_own_check_are_counted_and_named(tmp_path: Path) -> None:
    grid = Grid.load(
        written(tmp_path, '[values]\nlow = [1, 5]\nhigh = [3, 7]\nmost = ["none", 1]', "mine"), Mine
    )
    assert len(grid.configs) == 6
    assert [one.values for one in grid.refused] == [
        "low=5 high=3 most=None",
        "low=5 high=3 most=1",
    ]
    assert grid.refused[0].reason == "low: was 5, expected below high, 3"
    assert {config.most for config in grid.configs} == {None, 1}
    with pytest.raises(ConfigError, match="2 settings, none of which the strategy takes: low=5"):
        Grid.load(written(tmp_path, "[values]\nlow = [5, 6]\nhigh = [3]", "mine"), Mine)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"grid.toml: has no setting, expected values of settings in \[values\]"),
        ("[values]\n", "grid.toml: has no setting"),
        ("[value]\nthreshold_bps = [1]", r"grid.toml \(value\): unknown setting; did you mean val"),
        (
            "[values]\nthreshold = [1]",
            r"grid.toml \(values.threshold\): unknown setting; did you mean threshold_bps\?",
        ),
        ("[values]\nthreshold_bps = []", r"\(values.threshold_bps\): was \[\], expected a list"),
        ("[values]\nthreshold_bps = 3", r"\(values.threshold_bps\): was 3, expected a list of 1"),
        (
            "[values]\nthreshold_bps = [1, -2]",
            r"\(values.threshold_bps\[1\]\): was -2, expected a decimal number from 0",
        ),
        ("[values]\nhedged = [1]", r"\(values.hedged\[0\]\): was 1, expected true or false"),
        ("[values]\nspot = [1.5]", r"\(values.spot\[0\]\): was 1.5, expected a text"),
        ("[[config]]\ncooldown_ms = -1", r"\(config\[0\].cooldown_ms\): was -1, expected"),
        ("[[config]]\n[[config]]\ncooldown = 1", r"\(config\[1\].cooldown\): unknown setting"),
        ("[config]\ncooldown_ms = 1", r"\(config\): was .*, expected tables, \[\[config\]\]"),
        ("values = 3", r"\(values\): was 3, expected a table"),
        ("[values", "is not TOML"),
        (
            f"[values]\ncooldown_ms = {list(range(101))}\nmax_quote_age_ms = {list(range(100))}",
            "has 10,100 settings, expected at most 10,000",
        ),
    ],
)
def test_faults_are_one_line_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        Grid.load(written(tmp_path, text), BasisCapture)
    assert "\n" not in str(error.value)


def test_a_grid_of_another_strategy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(strategy\): was \"?'other'\"?, expected 'basis_cap"):
        Grid.load(written(tmp_path, TEXT, "other"), BasisCapture)
    path = tmp_path / "none.toml"
    path.write_text("[values]\nthreshold_bps = [1]\n")
    with pytest.raises(ConfigError, match=r"\(strategy\): is missing, expected 'basis_capture'"):
        Grid.load(path, BasisCapture)
    with pytest.raises(ConfigError, match="cannot be read"):
        Grid.load(tmp_path / "absent.toml", BasisCapture)


def test_settings_made_in_python_are_of_one_class() -> None:
    for given, said in (
        ([], "has no setting"),
        ([BasisCaptureConfig(), Config()], r"\[1\]\): was .*, expected BasisCaptureConfig"),
        ([{"threshold_bps": FixedPoint(1, 0)}], r"\[0\]\): was .*, expected"),
    ):
        with pytest.raises(ConfigError, match=said):
            Grid.of("basis_capture", given)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": []},
        {"settings": [{"threshold_bps": 3}]},
        {"settings": [{"threshold": "3"}]},
        {"settings": {}},
        {"refused": [{"values": "a"}]},
        {"refused": 3},
        {"strategy": "other"},
        {"more": 1},
    ],
)
def test_a_description_is_read_with_distrust(tmp_path: Path, change: dict[str, object]) -> None:
    grid = Grid.load(written(tmp_path, TEXT), BasisCapture)
    with pytest.raises(ConfigError):
        Grid.from_description({**grid.describe(), **change}, BasisCapture)
