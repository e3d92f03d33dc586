"""Files of rates, and what a conversion makes of them."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import CurrencyError, InputError
from quantlaxmi.execution.conversion import Conversion, RateFile, one_currency
from tests.depth import examples

START = 1_723_075_200


def load(tmp_path: Path, text: str | bytes, currency: str = "") -> RateFile:
    path = tmp_path / "rates.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return RateFile.load(f"{currency}={path}" if currency else str(path))


def test_the_last_rate_at_or_before_a_time(tmp_path: Path) -> None:
    text = f"ts,rate\n{START},60000.10\n{START + 60},61000\n{START + 120},59000.005\n"
    rates = load(tmp_path, text, "BTC")
    assert (rates.currency, rates.sha256) == ("BTC", hashlib.sha256(text.encode()).hexdigest())
    second = 10**9
    for at, row in ((0, 0), (59, 0), (60, 1), (61, 1), (119, 1), (120, 2), (10**6, 2)):
        assert rates.row_at((START + at) * second) == row
    assert rates.row_at((START + 60) * second - 1) == 0
    with pytest.raises(InputError, match=r"begins at 2024-08-08T00:00:00\.0{9}Z, expected a"):
        rates.row_at(START * second - 1)
    made = Conversion.of([rates], ["USDT", "BTC"], (START + 61) * second, (START + 130) * second)
    assert (made.currency, made.exponent) == ("USDT", -3)
    assert dict(made.weights) == {"USDT": 1000, "BTC": 59_000_005}
    assert made.total({"USDT": 7, "BTC": -2}) == 7000 - 2 * 59_000_005
    assert made.describe() == {
        "currency": "USDT",
        "rates": [
            {
                "currency": "BTC",
                "rate": "59000.005",
                "ts_ns": (START + 120) * second,
                "lowest": "59000.005",
                "highest": "61000",
                "sha256": rates.sha256,
            }
        ],
    }


@pytest.mark.parametrize(
    "stamp",
    ["1723075200", "1723075200000", "1723075200000000", "1723075200000000000",
     "2024-08-08T00:00:00Z", "2024-08-08T00:00:00.000Z"],
)  # fmt: skip
def test_stamps_of_every_unit(tmp_path: Path, stamp: str) -> None:
    for end in ("\n", "\r\n", ""):
        assert load(tmp_path, f"ts,rate{end or chr(10)}{stamp},2{end}").ts_ns == [START * 10**9]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "(line 1): was '', expected ts,rate"),
        ("ts,rate\n", "has no rate behind its header"),
        ("time,rate\n1723075200,1\n", "(line 1): was 'time,rate'"),
        ("ts,rate\n1723075200\n", "(line 2): has 1 cells"),
        ("ts,rate\n1723075200,1,2\n", "(line 2): has 3 cells"),
        ("ts,rate\n1723075200,0\n", "(line 2, rate): was '0'"),
        ("ts,rate\n1723075200,0.000\n", "(line 2, rate): was '0.000'"),
        ("ts,rate\n1723075200,-1\n", "was '-1', expected a plain decimal number above 0"),
        ("ts,rate\n1723075200,1e3\n", "was '1e3'"),
        ("ts,rate\n1723075200,nan\n", "was 'nan'"),
        ("ts,rate\n1723075200, 1\n", "was ' 1'"),
        ("ts,rate\n1723075200,1.0000000000000001\n", "(line 2, rate)"),
        ("ts,rate\n1723075200," + "9" * 16 + "\n", "(line 2, rate)"),
        ("ts,rate\n17230752,1\n", "(line 2, ts): was '17230752'"),
        ("ts,rate\n99999999999,1\n", "(line 2, ts)"),
        ("ts,rate\n9999999999999999999,1\n", "(line 2, ts)"),
        ("ts,rate\n1723075200,1\n1723075300000,1\n", "(line 3, ts)"),
        ("ts,rate\n2024-08-08T00:00:00Z,1\n1723075300,1\n", "(line 3, ts)"),
        (
            "ts,rate\n1723075200,1\n1723075200,1\n",
            "(line 3): was 1723075200, expected a time",
        ),
        ("ts,rate\n1723075201,1\n1723075200,1\n", "(line 3)"),
        ("ts,rate\n2024-08-08T00:00:00,1\n", "(line 2, ts)"),
        ("ts,rate\n1,1\n", "was '1', expected a time in s, ms, us or ns since 1970, or such as"),
        ("ts,rate\n1723075200,1\n1,1\n", "was '1', expected a time as in the lines before"),
        ("ts,rate\n2024-13-08T00:00:00Z,1\n", "(line 2, ts)"),
        ("ts,rate\n2024-08-08T00:00:61Z,1\n", "(line 2, ts)"),
        ("ts,rate\n1969-08-08T00:00:00Z,1\n", "(line 2, ts)"),
        ("ts,rate\n\n", "(line 2): has 1 cells"),
        (b"ts,rate\n1723075200,\xff\n", "not ASCII"),
        ("ts,rate\n1723075200,\u0661\n", "not ASCII"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert said in message and message.isprintable() and len(message) < 400


@pytest.mark.parametrize(
    ("names", "currencies", "said"),
    [
        (["ETH"], ["USDT", "BTC"], "was ETH="),
        (["BTC", "BTC"], ["USDT", "BTC"], "was BTC="),
        (["BTC", "USDT"], ["USDT", "BTC"], "leaves no currency without a file"),
        (["BTC"], ["USDT", "BTC", "ETH"], "leaves USDT and ETH without a file"),
        ([""], ["USDT", "BTC", "ETH"], "expected CURRENCY=FILE: the segment is in USDT, BTC, ETH"),
        ([""], ["USDT"], "expected CURRENCY=FILE"),
    ],
)
def test_one_currency_is_left_for_the_result(
    tmp_path: Path, names: list[str], currencies: list[str], said: str
) -> None:
    files = [load(tmp_path, f"ts,rate\n{START},2\n", name) for name in names]
    with pytest.raises(InputError, match="--convert") as caught:
        Conversion.of(files, currencies, START * 10**9, START * 10**9)
    assert said in str(caught.value)


def test_a_file_alone_is_of_the_second_currency(tmp_path: Path) -> None:
    file = load(tmp_path, f"ts,rate\n{START},0.5\n")
    made = Conversion.of([file], ["BTC", "USDT"], START * 10**9, START * 10**9)
    assert (made.currency, dict(made.weights)) == ("BTC", {"BTC": 10, "USDT": 5})
    with pytest.raises(InputError, match="begins at"):
        Conversion.of([file], ["BTC", "USDT"], 0, START * 10**9 - 1)


def test_amounts_of_two_currencies_are_never_added() -> None:
    assert one_currency({"USDT": 5, "BTC": 0}, ("USDT",), "net PnL") == 5
    assert one_currency({"USDT": 0, "BTC": 0}, (), "net PnL") == 0
    with pytest.raises(CurrencyError, match="net PnL is in USDT and BTC, which are never added"):
        one_currency({"USDT": 5, "BTC": 0}, ("USDT", "BTC"), "net PnL")


RATES = st.decimals("0.000001", "1000000", places=6)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**6), RATES), min_size=1, max_size=20), st.data())
def test_rates_are_exact_and_found_as_by_hand(tmp_path_factory, steps, data) -> None:
    stamps, at = [], START
    for step, _ in steps:
        at += step
        stamps.append(at)
    lines = [f"{t},{rate:f}" for t, (_, rate) in zip(stamps, steps, strict=True)]
    file = load(tmp_path_factory.mktemp("rates"), "\n".join(["ts,rate", *lines, ""]), "BTC")
    last = data.draw(st.integers(stamps[0], stamps[-1] + 10))
    first = data.draw(st.integers(START, last))
    made = Conversion.of([file], ["USDT", "BTC"], first * 10**9, last * 10**9)
    rate = Fraction(steps[bisect_right(stamps, last) - 1][1])
    unit = Fraction(10) ** made.exponent
    amounts = {"USDT": data.draw(st.integers(-(10**20), 10**20)), "BTC": -(10**18) + 7}
    assert made.total(amounts) * unit == amounts["USDT"] + amounts["BTC"] * rate
    [used] = made.rates
    in_force = [
        Fraction(r)
        for k, (_, r) in enumerate(steps)
        if stamps[k] <= last and (k + 1 == len(steps) or stamps[k + 1] > first)
    ]
    assert (used.lowest, used.highest) == (min(in_force), max(in_force))
