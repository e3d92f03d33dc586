"""Forward, volatilities and skew of chains, against a twin in fractions and against real ones."""

from __future__ import annotations

import os
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.options import OptionChain, OptionStatus, atm, black76, forward, skew, surface
from tests.depth import some
from tests.naive import surface as naive

REAL = Path(os.environ.get("QUANTLAXMI_REAL_DATA", Path(__file__).parents[2] / "../shared/data"))
SNAPSHOTS = REAL / "india" / "chain_1m_bidask" / "20250829"
UNIT = 100
COLUMNS = ("CALLS_Bid_Price", "CALLS_Ask_Price", "PUTS_Bid_Price", "PUTS_Ask_Price")

#: Snapshot, expiry, seconds, forward, strike, volatility of call and put, vega of the straddle.
_AT_MONEY = """
    NIFTY_20250829_092416 02-Sep-2025 367544 24575.45398873768 24600 0.10154104206876
        0.101568530914182 2109.12733793543
    NIFTY_20250829_092416 09-Sep-2025 972344 24606.11533554478 24600 0.106574485253055
        0.106525354588986 3446.50156157881
    NIFTY_20250829_100126 02-Sep-2025 365314 24525.58589341693 24550 0.0968995444767878
        0.0962901582376195 2097.54198915187
    NIFTY_20250829_100126 09-Sep-2025 970114 24560.13310602212 24550 0.10424938145469
        0.103788343206991 3435.26370266157
    NIFTY_20250829_105854 02-Sep-2025 361866 24561.48567961165 24550 0.0909798118649307
        0.0908230415138452 2096.31971036677
    NIFTY_20250829_105854 09-Sep-2025 966666 24599.00681520315 24600 0.100511766251595
        0.100748545611202 3436.23873153448
    BANKNIFTY_20250829_105854 30-Sep-2025 2781066 54390.97707036822 54400 0.111289950300276
        0.111197152110265 12886.6658221888
    BANKNIFTY_20250829_105854 28-Oct-2025 5200266 54687.7471201851 54700 0.112126882861042
        0.112064467676793 17716.1958761548
"""
AT_MONEY = _AT_MONEY.split()
#: Snapshot, hedge ratio, gap, calendar gap, slope, skew of front and back.
_CALENDAR = """
    NIFTY_20250829_092416 0.611961811202331 8.79857325461625 0.000229841801743801
        -0.00499513342954964 -0.2338638397 -0.2817746815
    NIFTY_20250829_100126 0.610591258984498 13.8266398684325 0.000224758160359544
        -0.00742401097363681 -0.1527199161 -0.2760793471
    NIFTY_20250829_105854 0.610062301879311 19.9595439898659 0.000215586950160055
        -0.00972872924201072 -0.2283868504 -0.3002925041
    BANKNIFTY_20250829_105854 0.727394634394036 11.0989622968739 0.000980707309429821
        -0.000852124063647494 -0.2680890579 -0.0964636956
"""
CALENDAR = _CALENDAR.split()


def _by(words: list[str], n: int) -> list[list[str]]:
    return [words[i : i + n] for i in range(0, len(words), n)]


def real_chain(name: str) -> tuple[OptionChain, list[str]]:
    """A recorded snapshot, and its expiries in order."""
    import pyarrow.parquet as pq

    path = SNAPSHOTS / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"no snapshot {path}; set QUANTLAXMI_REAL_DATA")
    table = pq.read_table(path)
    at = datetime.strptime(name.split("_", 1)[1], "%Y%m%d_%H%M%S")
    days = table["Expiry_Date"].to_pylist()
    ends = {day: datetime.strptime(f"{day} 15:30", "%d-%b-%Y %H:%M") for day in set(days)}
    seconds = [int((ends[day] - at).total_seconds()) for day in days]
    paise = [np.rint(table[c].to_numpy() * UNIT).astype(np.int64) for c in COLUMNS]
    strike = (table["Strike_Price"].to_numpy() * UNIT).astype(np.int64)
    return OptionChain(seconds, strike, *paise), sorted(ends, key=ends.__getitem__)


@pytest.mark.parametrize("row", _by(AT_MONEY, 8), ids=lambda r: f"{r[0]} {r[1]}")
def test_real_chain_at_the_money(row: list[str]) -> None:
    chain, expiries = real_chain(row[0])
    e = expiries.index(row[1])
    found = surface(chain)
    assert chain.seconds[e] == int(row[2])
    assert found.forward.value[e] == pytest.approx(float(row[3]), abs=1e-9)
    assert chain.strike[found.atm[e]] == int(row[4]) * UNIT
    assert found.sigma_call[e] == pytest.approx(float(row[5]), abs=1e-9)
    assert found.sigma_put[e] == pytest.approx(float(row[6]), abs=1e-9)
    assert found.vega[e] == pytest.approx(float(row[7]), rel=1e-9)
    assert found.status[e] == found.forward.status[e] == OptionStatus.OK
    assert found.call.value[found.atm[e]] == found.sigma_call[e]


@pytest.mark.parametrize("row", _by(CALENDAR, 7), ids=lambda r: r[0])
def test_real_chain_front_against_back(row: list[str]) -> None:
    chain, expiries = real_chain(row[0])
    named = [r[1] for r in _by(AT_MONEY, 8) if r[0] == row[0]]
    f, b = (expiries.index(day) for day in named)
    found = surface(chain)
    years = chain.years
    sigma = (found.sigma_call + found.sigma_put) / 2
    hedge = found.vega[f] / found.vega[b]
    gap = hedge * found.straddle[b] - found.straddle[f]
    assert hedge == pytest.approx(float(row[1]), abs=1e-9)
    assert gap == pytest.approx(float(row[2]), rel=1e-9)
    calendar_gap = sigma[b] ** 2 * years[b] - sigma[f] ** 2 * years[f]
    assert calendar_gap == pytest.approx(float(row[3]), abs=1e-9)
    assert sigma[f] - sigma[b] == pytest.approx(float(row[4]), abs=1e-9)
    assert found.skew.value[f] == pytest.approx(float(row[5]), abs=1e-8)
    assert found.skew.value[b] == pytest.approx(float(row[6]), abs=1e-8)


def made(seed: int, n: int = 25, quoted: float = 0.9) -> list[naive.Row]:
    """Strikes of one expiry around 1000.00, fair quotes with noise; some are missing."""
    rng = np.random.default_rng(seed)
    strikes = 900_00 + np.arange(n) * 10_00
    rows = []
    for k in strikes.tolist():
        sides = []
        for call in (True, False):
            fair = float(black76(1003.0, k / UNIT, 0.05, 0.2, call).value) * UNIT
            low = max(5, int(fair) // 5 * 5 + int(rng.integers(-4, 5)) * 5)
            high = low + int(rng.integers(0, 5)) * 5
            sides += [low if rng.random() < quoted else 0, high if rng.random() < quoted else 0]
        rows.append((k, *sides))
    return rows


def chain_of(rows: list[naive.Row], seconds: int = 1_576_800) -> OptionChain:
    strike, *sides = (np.array(one, np.int64) for one in zip(*rows, strict=True))
    return OptionChain(np.full(len(rows), seconds), strike, *sides)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("quoted", [0.95, 0.5])
def test_forward_and_money_are_the_twins(seed: int, quoted: float) -> None:
    rows = made(seed, quoted=quoted)
    exact, used = naive.forward(rows)
    found = forward(chain_of(rows))
    assert found.used[0] == used
    if exact is None:
        assert found.value[0] == 0 and found.status[0] == OptionStatus.NO_FORWARD
        return
    assert found.value[0] == pytest.approx(float(exact / UNIT), rel=1e-14)
    at = Fraction(float(found.value[0])) * UNIT
    assert atm(chain_of(rows), found.value)[0] == naive.nearest(rows, at)


@pytest.mark.parametrize("seed", some(range(5), 1))
def test_volatilities_and_skew_are_the_twins(seed: int) -> None:
    rows = made(seed, quoted=1.0)
    chain = chain_of(rows)
    found = surface(chain)
    at = Fraction(float(found.forward.value[0])) * UNIT
    years = float(chain.years[0])
    for k in range(2, len(rows), 5):
        for call, side in ((True, found.call), (False, found.put)):
            if side.status[k] == OptionStatus.OK:
                exact = naive.volatility(rows[k], call, at, years, UNIT)
                assert side.value[k] == pytest.approx(float(exact), rel=1e-9)
    exact = naive.skew(rows, at, years, UNIT)
    assert found.skew.status[0] == OptionStatus.OK
    assert found.skew.value[0] == pytest.approx(float(exact), rel=1e-8)


def test_ties_go_to_the_lower_strike() -> None:
    rows = [(k * UNIT, 500, 510, 500, 510) for k in range(100, 110)]
    found = forward(chain_of(rows))
    assert found.used[0] == 5
    assert found.value[0] == 102  # 100 .. 104, all equally close
    assert atm(chain_of(rows), [102.5]).tolist() == [2]


def test_statuses_of_a_chain() -> None:
    rows = made(1, quoted=1.0)
    bare = [(r[0], 0, 0, *r[3:]) for r in rows]
    found = surface(chain_of(bare))
    assert found.forward.status[0] == found.status[0] == OptionStatus.NO_FORWARD
    assert found.atm[0] == -1 and found.forward.value[0] == 0
    assert (found.call.status == OptionStatus.NO_FORWARD).all()
    gone = surface(chain_of(rows, seconds=0))
    assert gone.forward.status[0] == OptionStatus.OK
    assert gone.status[0] == gone.skew.status[0] == OptionStatus.EXPIRED
    assert (gone.put.status == OptionStatus.EXPIRED).all()
    middle = surface(chain_of(rows)).atm[0]
    lacking = list(rows)
    lacking[middle] = (rows[middle][0], 0, *rows[middle][2:])
    short = chain_of(lacking)
    found = surface(short)
    assert found.call.status[middle] == OptionStatus.NO_QUOTE
    assert found.status[0] == OptionStatus.NO_QUOTE and found.vega[0] == 0
    narrow = chain_of(rows[8:12])
    assert skew(narrow, forward(narrow).value).status[0] == OptionStatus.NO_QUOTE


def test_last_minute_counts_whole() -> None:
    rows = made(1, quoted=1.0)
    assert chain_of(rows, 1).years[0] == chain_of(rows, 60).years[0] == 60 / 31_536_000
    assert chain_of(rows, 61).years[0] == 61 / 31_536_000


def test_rows_may_come_in_any_order() -> None:
    rows = made(3) + made(4)
    seconds = np.repeat([500_000, 100_000], [25, 25])
    mixed = np.random.default_rng(0).permutation(50)
    strike, *sides = (np.array(one, np.int64) for one in zip(*rows, strict=True))
    one = OptionChain(seconds, strike, *sides)
    other = OptionChain(seconds[mixed], strike[mixed], *(side[mixed] for side in sides))
    assert one.seconds.tolist() == [100_000, 500_000] and one.start.tolist() == [0, 25, 50]
    for a, b in zip(surface(one), surface(other), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (mixed[other.order] == one.order).all()
    both = surface(one)
    alone = surface(one.subset(1))
    assert alone.forward.value[0] == both.forward.value[1]
    np.testing.assert_array_equal(alone.put.value, both.put.value[one.rows(1)])


def test_an_empty_chain_has_no_expiries() -> None:
    found = surface(OptionChain([], [], [], [], [], []))
    assert found.atm.shape == (0,) and found.call.value.shape == (0,)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"strike": [100, 100]}, r"row 1.*strike 100 came twice"),
        ({"strike": [0, 100]}, r"strike, row 0.*was 0, expected above 0"),
        ({"call_bid": [12, 5]}, r"call, row 0.*bid was 12, above the ask of 10"),
        ({"put_ask": [9, -1]}, r"put_ask, row 1.*was -1"),
        ({"put_ask": [9]}, r"columns were \[1, 2\] long"),
        ({"put_ask": [9.5, 9.5]}, r"put_ask.*expected a column of whole numbers"),
        ({"seconds": 5}, r"seconds.*expected a column of whole numbers"),
        ({"price_exponent": 1}, r"price_exponent.*was 1"),
    ],
)
def test_bad_chains_are_named(changes: dict, says: str) -> None:
    good = {
        "seconds": [60, 60],
        "strike": [100, 110],
        "call_bid": [9, 5],
        "call_ask": [10, 6],
        "put_bid": [5, 9],
        "put_ask": [6, 10],
    }
    with pytest.raises(InputError, match=says):
        OptionChain(**{**good, **changes})
    chain = OptionChain(**good)
    with pytest.raises(InputError, match="expected one for each of 1 expiry"):
        atm(chain, [1.0, 2.0])
