"""The base of settings: every kind of field, and errors of one line with file and full key path."""

from __future__ import annotations

import enum
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.fixed import FixedPoint, decimal_text
from quantlaxmi.settings import (
    MAX_SETTINGS_BYTES,
    Bounds,
    Chars,
    Items,
    Others,
    Place,
    Reads,
    Settings,
)


class Kind(enum.StrEnum):
    SPOT = "spot"
    PERP = "perp"


class Draws(Settings, frozen=True, kw_only=True):
    n_sims: Annotated[int, Bounds(ge=19, le=10**8)] = 10_000
    within: Literal["auto", "day", "block"] = "auto"


class Rate(Settings, frozen=True, kw_only=True):
    maker_bps: Annotated[FixedPoint, Bounds(ge=-1000, le=1000, places=8)]
    on: bool = True


class Rates(Settings, frozen=True, kw_only=True):
    maker_bps: Annotated[FixedPoint, Bounds(ge=-1000, le=1000, places=8)] | None = None
    symbols: Annotated[dict[str, Rate], Others()] = msgspec.field(default_factory=dict)


def _even(value: Any, at: Place) -> int:
    if type(value) is not int or value % 2:
        raise at.was(value, "an even number")
    return value // 2


class Policy(Settings, frozen=True, kw_only=True):
    file_kind = "a test policy"

    alpha: Annotated[Decimal, Bounds(ge="0.000001", le="0.5")] = Decimal("0.05")
    delays: Annotated[
        tuple[int, ...], Bounds(ge=1, le=1000), Items(least=1, most=4, ascending=True)
    ] = (1, 2)
    gates: Annotated[
        tuple[str, ...], Bounds(choices=("a", "b", "c")), Items(least=1, most=3, distinct=True)
    ] = ("a",)
    kind: Kind = Kind.SPOT
    word: Annotated[str, Chars(pattern=r"[a-z]{1,5}", says="one to five letters a-z")] = "x"
    name: Annotated[str, Chars(least=1, most=9)] = "n"
    half: Annotated[int, Reads(_even, "an even number")] = 5
    cap: FixedPoint | None = None
    draws: Draws = Draws()
    perp: Rates | None = None
    instruments: dict[str, Rate] = msgspec.field(default_factory=dict)
    rows: tuple[Rate, ...] = ()

    def check(self) -> None:
        if self.draws.n_sims < len(self.delays) * 10:
            raise self.refuse("delays", "expected fewer")


def test_every_kind_is_read_from_a_file(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text("""
alpha = 0.010
delays = [5, 50]
gates = ["c", "a"]
kind = "perp"
word = "abc"
half = 14
cap = 1_0.5
[draws]
n_sims = 99
[perp]
maker_bps = "2"
[perp.BTCUSDT-PERP]
maker_bps = -0.5
[instruments."deribit/X Y"]
maker_bps = 3
on = false
[[rows]]
maker_bps = 1
""")
    found = Policy.load(path)
    assert found == Policy(
        alpha=Decimal("0.01"),
        delays=(5, 50),
        gates=("c", "a"),
        kind=Kind.PERP,
        word="abc",
        half=7,
        cap=FixedPoint(105, -1),
        draws=Draws(n_sims=99),
        perp=Rates(
            maker_bps=FixedPoint(2, 0), symbols={"BTCUSDT-PERP": Rate(maker_bps=FixedPoint(-5, -1))}
        ),
        instruments={"deribit/X Y": Rate(maker_bps=3, on=False)},
        rows=(Rate(maker_bps=1),),
    )
    assert found.kind is Kind.PERP
    plain = found.to_json()
    assert plain["alpha"] == "0.01" and plain["cap"] == "10.5" and plain["delays"] == [5, 50]
    assert plain["draws"] == {"n_sims": 99, "within": "auto"}
    assert plain["perp"]["symbols"] == {"BTCUSDT-PERP": {"maker_bps": "-0.5", "on": True}}
    plain["half"] = 14
    del plain["perp"]
    again = Policy.from_mapping(plain)
    assert again == found.replace(perp=None)


def test_equality_and_hash_go_by_value():
    class Flat(Settings, frozen=True, kw_only=True):
        size: FixedPoint = FixedPoint(5, 0)
        level: Decimal = Decimal(1)
        draws: Draws = Draws()

    assert Flat(size="5.00", level="1.0") == Flat() and hash(Flat(size="5.0")) == hash(Flat())
    assert Flat(size="5.00", level="1.0").to_json() == Flat().to_json()
    assert Flat(draws={"n_sims": 20}) == Flat(draws=Draws(n_sims=20)) != Flat()


FAULTS = {
    "alpa = 1": "(alpa): unknown setting; did you mean alpha?",
    "zzz = 1": "(zzz): unknown setting; known settings: alpha, cap, delays, draws, gates",
    "[draws]\nn_sim = 20": "(draws.n_sim): unknown setting; did you mean n_sims?",
    "[perp.BTC]\nmaker_bps = 1001": "(perp.BTC.maker_bps): was 1001, expected a decimal number "
    "from -1000 to 1000 with at most 8 decimals",
    "[perp.BTC]\non = true": "(perp.BTC.maker_bps): is missing, expected a decimal number",
    "[perp]\nmaker = 1": "(perp.maker): unknown setting; did you mean maker_bps?",
    "[perp]\nmaker_bps = 1e-9": "(perp.maker_bps): was 1e-9, expected a decimal number from",
    "[perp]\nmaker_bps = 1e400": "was 1e400, expected a decimal number from -1000 to 1000 with at "
    "most 8 decimals, of at most 18 digits",
    '[instruments."a/b c"]\nmaker_bps = true': '(instruments."a/b c".maker_bps): was true',
    "instruments = [1]": "(instruments): was [1], expected a table whose every entry is a table",
    "instruments.x = 1": "(instruments.x): was 1, expected a table",
    "draws = 1": "(draws): was 1, expected a table",
    "alpha = 0.6": "(alpha): was 0.6, expected a decimal number from 0.000001 to 0.5",
    "alpha = nan": "(alpha): was nan, expected a decimal number",
    "alpha = -inf": "(alpha): was -inf, expected a decimal number",
    "alpha = 1e99999999999999999999": "(alpha): was 1e99999999999999999999, expected",
    "alpha = 1e-999999999": "(alpha): was 1e-999999999, expected",
    'alpha = "٠.١"': "(alpha): was '٠.١', expected",
    "alpha = true": "(alpha): was true, expected a decimal number",
    "alpha = {a = 1}": "(alpha): was {'a': 1}, expected a decimal number",
    "delays = [2, 1]": "(delays): was [2, 1], expected a list of 1 to 4, ascending, each a whole "
    "number from 1 to 1000",
    "delays = []": "(delays): was [], expected a list of 1 to 4",
    "delays = [1, true]": "(delays[1]): was true, expected a whole number from 1 to 1000",
    "delays = 3": "(delays): was 3, expected a list",
    'gates = ["a", "a"]': "(gates): was ['a', 'a'], expected a list of 1 to 3, each once, each one",
    'gates = ["d"]': "(gates[0]): was 'd', expected one of a, b, c",
    'kind = "option"': "(kind): was 'option', expected spot or perp",
    'word = "ABC"': "(word): was 'ABC', expected one to five letters a-z",
    'name = ""': "(name): was '', expected a text of 1 to 9 characters",
    "name = 1.5": "(name): was 1.5, expected a text",
    "half = 3": "(half): was 3, expected an even number",
    "[draws]\nn_sims = true": "(draws.n_sims): was true, expected a whole number from 19 to",
    "[draws]\nn_sims = 20.0": "(draws.n_sims): was 20.0, expected a whole number",
    "[draws]\nn_sims = 0x" + "f" * 4000: "(draws.n_sims): was an integer of 16000 bits, expected",
    '[draws]\nwithin = "night"': "(draws.within): was 'night', expected one of auto, day, block",
    "[draws]\nn_sims = 19": "(delays): was (1, 2), expected fewer",
    "[[rows]]\nmaker_bps = 1\n[[rows]]\nmaker = 1": "(rows[1].maker): unknown setting",
    "alpha = ": ": is not TOML: ",
    "x = " + "[" * 5000: ": is not TOML: ",
    'word = "' + "1" * MAX_SETTINGS_BYTES + '"': "is longer than 1048576 bytes; expected a test po",
}


@pytest.mark.parametrize("toml", FAULTS, ids=lambda t: t[:40])
def test_a_fault_is_one_line_with_file_and_key(tmp_path, toml):
    path = tmp_path / "p.toml"
    path.write_text(toml)
    with pytest.raises(ConfigError) as caught:
        Policy.load(path)
    assert str(caught.value).startswith(str(path)) and FAULTS[toml] in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert caught.value.__cause__ is None


def test_objects_made_in_python_are_checked_alike():
    with pytest.raises(ConfigError, match=r"^Draws \(n_sims\): was 1, expected a whole number fr"):
        Draws(n_sims=1)
    with pytest.raises(ConfigError, match=r"write '0.1' as text, not as a float"):
        Policy(alpha=0.1)
    with pytest.raises(ConfigError, match=r"^Policy \(draws.n_sims\): was 1, expected"):
        Policy(draws={"n_sims": 1})
    with pytest.raises(ConfigError, match=r"^Policy \(draw\): unknown setting; did you mean draws"):
        Policy().replace(draw=1)
    with pytest.raises(ConfigError, match=r"^a report \(policy.draws.n_sims\): was 1"):
        Policy.from_mapping({"draws": {"n_sims": 1}}, "a report", "policy")
    with pytest.raises(ConfigError, match=r"^a report \(policy\): was 3, expected a table"):
        Policy.from_mapping(3, "a report", "policy")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^a report \(policy.delays\): was \(1, 2\), expected f"):
        Policy.from_mapping({"draws": {"n_sims": 19}}, "a report", "policy")


def test_declarations_are_checked():
    class Odd(Settings, frozen=True, kw_only=True):
        ratio: float = 1.0

    class Clash(Settings, frozen=True, kw_only=True):
        load: int = 1  # type: ignore[assignment]

    class Inner(Settings, frozen=True, kw_only=True):
        halves: tuple[Annotated[int, Reads(_even, "an even number")], ...] = ()

    with pytest.raises(ConfigError, match=r"Odd \(type of field ratio\): must be bool, int"):
        Odd()
    with pytest.raises(ConfigError, match=r"Clash \(load\): is a name that settings use themselv"):
        Clash()
    with pytest.raises(ConfigError, match=r"Inner \(type of field halves\)"):
        Inner()


class Child(Draws, frozen=True, kw_only=True):
    more: int = 1


def test_a_class_can_add_fields_to_another():
    assert Child.from_mapping({"n_sims": 20, "more": 2}) == Child(n_sims=20, more=2)


@given(st.integers(-(10**30), 10**30), st.integers(-40, 40))
def test_decimal_text_is_exact_and_the_same_for_equal_values(mantissa, exponent):
    text = decimal_text(mantissa, exponent)
    assert Fraction(text) == Fraction(mantissa) * Fraction(10) ** exponent
    assert text == decimal_text(mantissa * 1000, exponent - 3)
    assert "e" not in text.lower() and (text == "0") == (mantissa == 0)
    assert "." not in text or not text.endswith(("0", "."))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9,
                   places=9))  # fmt: skip
def test_decimals_keep_their_value_through_json(value):
    class One(Settings, frozen=True, kw_only=True):
        level: Decimal
        size: FixedPoint

    one = One(level=value, size=value)
    assert Decimal(one.to_json()["level"]) == value == Decimal(one.to_json()["size"])
    assert One.from_mapping(one.to_json()) == one
