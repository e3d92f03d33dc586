"""Strategy settings: exact reading, named errors, and a hash of every effective value."""

from __future__ import annotations

import hashlib
import struct
from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.fixed import FixedPoint
from quantlaxmi.settings import MAX_SETTINGS_BYTES
from quantlaxmi.strategies.config import Bounds, StrategyConfig, split_sets


class Config(StrategyConfig, frozen=True, kw_only=True):
    size: Annotated[FixedPoint, Bounds(ge=0, le="10.5")] = FixedPoint(5, 0)
    count: Annotated[int, Bounds(ge=-2, le=7)] = 3
    on: bool = True
    mode: Annotated[str, Bounds(choices=("fast", "slow"))] = "fast"
    cap: FixedPoint | None = None


class Needed(StrategyConfig, frozen=True, kw_only=True):
    size: FixedPoint


def test_values_are_read_exactly_from_file_then_sets(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('size = 4.10\ncount = 1\ncap = "0.1"\nmode = "slow"\n')
    config = Config.load(path, ["count=7 on=false", "cap=none"])
    assert config == Config(size=FixedPoint(410, -2), count=7, on=False, mode="slow", cap=None)
    assert config.as_texts() == {
        "size": "4.10",
        "count": "7",
        "on": "false",
        "mode": "slow",
        "cap": "None",
    }
    again = Config.load(None, [f"{name}={text}" for name, text in config.as_texts().items()])
    assert again == config and again.config_hash == config.config_hash


def test_the_last_set_of_a_key_holds():
    assert Config.load(sets=["count=1", "count=2"]).count == 2


@pytest.mark.parametrize("value", [4, "4", "4.0", FixedPoint(40, -1), Decimal("4.00")])
def test_equal_decimals_have_one_hash(value):
    assert Config(size=value).config_hash == Config(size=FixedPoint(4, 0)).config_hash


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ("sise=1", "--set (sise): unknown setting; did you mean size?"),
        ("zz=1", "--set (zz): unknown setting; known settings: cap, count, mode, on, size"),
        ("size=-0.1", "--set (size): was '-0.1', expected a decimal number from 0 to 10.5"),
        ("size=10.51", "--set (size): was '10.51', expected a decimal number from 0 to 10.5"),
        ("count=8", "--set (count): was 8, expected a whole number from -2 to 7"),
        ("count=1.0", "--set (count): was '1.0', expected a whole number from -2 to 7"),
        ("count=", "--set (count): was '', expected a whole number from -2 to 7"),
        ("on=1", "--set (on): was '1', expected true or false"),
        ("mode=mid", "--set (mode): was 'mid', expected fast or slow"),
        ("mode", "--set: was 'mode', expected key=value"),
        ("=1", "--set: was '=1', expected key=value"),
        ("", "--set: was '', expected key=value"),
    ],
)
def test_faults_are_named(sets, message):
    with pytest.raises(ConfigError) as caught:
        Config.load(sets=[sets])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text", ["nan", "inf", "1e3x", "--1", "1.2.3", "0x10", "9" * 40, "1e999999999", "١"]
)
def test_no_decimal_is_refused_by_name(text):
    with pytest.raises(ConfigError, match=r"^--set \(size\): ") as caught:
        Config.load(sets=[f"size={text}"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("size = [1]", "(size): was [1], expected a decimal number"),
        ("size = true", "(size): was true, expected a decimal number"),
        ("on = 1", "(on): was 1, expected true or false"),
        ("count = true", "(count): was true, expected a whole number from -2 to 7"),
        ("mode = 1.5", "(mode): was 1.5, expected fast or slow"),
        ("mode = 1", "(mode): was 1, expected fast or slow"),
        ("size = nan", "(size): was nan"),
        ("count = 1" + "0" * 500, "(count): was an integer of"),
        ("count = 1" + "0" * 5000, "is not TOML"),
        ("size = 1e999999999", "(size): was 1e999999999"),
        ("[size]\na = 1", "(size): was {'a': 1}"),
        ("size = ", "is not TOML"),
        ("x = " + "[" * 5000, "c.toml"),
        ("sise = 1", "(sise): unknown setting; did you mean size?"),
        ('size = "' + "1" * (MAX_SETTINGS_BYTES + 1) + '"', "is longer than"),
    ],
)
def test_files_are_refused_by_name(tmp_path, toml, said):
    path = tmp_path / "c.toml"
    path.write_text(toml)
    with pytest.raises(ConfigError) as caught:
        Config.load(path, ["count=1"])
    assert str(caught.value).startswith(str(path)) and said in str(caught.value)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"size = 1\0"])
def test_files_that_are_no_text_are_refused(tmp_path, raw):
    path = tmp_path / "c.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match="is not TOML"):
        Config.load(path)
    with pytest.raises(ConfigError, match="is a folder"):
        Config.load(tmp_path)


def test_floats_are_refused_and_told_how():
    with pytest.raises(ConfigError, match=r"write '4.5' as text, not as a float"):
        Config(size=4.5)


def test_missing_settings_are_named():
    with pytest.raises(ConfigError, match=r"Needed \(size\): is missing"):
        Needed.load()


def test_settings_are_frozen_and_replace_checks():
    config = Config()
    with pytest.raises(AttributeError):
        config.count = 1
    assert config.replace(count=5).count == 5 and config.count == 3
    with pytest.raises(ConfigError, match="from -2 to 7"):
        config.replace(count=9)


def test_field_types_are_held():
    class Wrong(StrategyConfig, frozen=True, kw_only=True):
        ratio: float = 1.0

    with pytest.raises(ConfigError, match=r"Wrong \(type of field ratio\)"):
        Wrong()


def test_hash_is_that_of_the_documented_bytes():
    def text(tag, raw):
        return tag + struct.pack("<I", len(raw)) + raw

    expected = (
        b"quantlaxmi.config.v1\0"
        + text(b"s", b"strategy")
        + text(b"s", b"cap")
        + b"n"
        + text(b"s", b"count")
        + text(b"i", b"3")
        + text(b"s", b"mode")
        + text(b"s", b"fast")
        + text(b"s", b"on")
        + b"b\1"
        + text(b"s", b"size")
        + b"d"
        + struct.pack("<qq", 5, 0)
    )
    assert Config().canonical_bytes() == expected
    assert Config(size="5.00").canonical_bytes() == expected
    assert Config().config_hash == hashlib.sha256(expected).digest()


numbers = st.builds(FixedPoint, st.integers(0, 10**9), st.integers(-12, -8))


@given(numbers, numbers, st.integers(-2, 7), st.booleans(), st.sampled_from(["fast", "slow"]))
def test_hash_agrees_exactly_with_equality(size, cap, count, on, mode):
    one = Config(size=size, cap=cap, count=count, on=on, mode=mode)
    other = Config(size=cap, cap=size, count=count, on=on, mode=mode)
    assert (one.config_hash == other.config_hash) == (size == cap)
    text = Config.load(sets=[f"{k}={v}" for k, v in one.as_texts().items()])
    assert text.config_hash == one.config_hash


@given(st.lists(st.tuples(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.integers())))
def test_sets_split_alone_or_together(pairs):
    texts = [f"{key}={value}" for key, value in pairs]
    wanted = [(key, str(value)) for key, value in pairs]
    assert split_sets(texts) == wanted
    assert split_sets([" ".join(texts)] if texts else []) == wanted
