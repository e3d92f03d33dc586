"""The exchange's volatilities beside the project's own: how they differ, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.importers.nse import read_snapshot
from quantlaxmi.options import implied_vol, surface
from tests.options.recorded import moment_of, real_paths

MONTHS = (4, 5)  # expiries of NIFTY in 32 and in 60 days


def test_the_exchange_prices_on_spot_at_ten_per_cent() -> None:
    """Its calls are below and its puts above ours, more with time; ten per cent explains most."""
    apart: dict[tuple[int, str], list[float]] = {}
    rebuilt: dict[tuple[int, str], list[float]] = {}
    for path in real_paths("NIFTY")[::8]:
        moment = moment_of(read_snapshot(path, "NIFTY"))
        chain, found = moment.chain, surface(moment.chain)
        logs = np.log(found.forward.value[:5])
        _, at_zero = np.polyfit(chain.years[:5], logs, 1)
        for e in MONTHS:
            years = float(chain.seconds[e] // 86_400) / 365
            rows = chain.rows(e)
            strike = chain.strike[rows] / 100
            near = np.abs(strike / found.forward.value[e] - 1) < 0.02
            growth = float(np.exp(0.10 * years))
            for name, side, own in (("call", moment.call, found.call),
                                    ("put", moment.put, found.put)):  # fmt: skip
                theirs = side.iv[rows] / 1e6
                use = near & (own.status[rows] == 0) & (theirs > 0)
                mid = (side.bid[rows] + side.ask[rows])[use] / 200
                apart.setdefault((e, name), []).extend((theirs - own.value[rows])[use])
                again = implied_vol(
                    mid * growth, float(np.exp(at_zero)) * growth, strike[use], years,
                    name == "call",
                )  # fmt: skip
                rebuilt.setdefault((e, name), []).extend(theirs[use] - again.value)
    medians = {key: 100 * float(np.median(values)) for key, values in apart.items()}
    assert medians[5, "call"] < medians[4, "call"] < -1
    assert medians[5, "put"] > medians[4, "put"] > 1
    for key, values in rebuilt.items():
        assert 100 * np.median(np.abs(values)) < 0.5 < abs(medians[key])


@pytest.mark.parametrize("underlying", ["NIFTY", "BANKNIFTY"])
def test_the_page_counts_options_without_a_volatility_of_the_exchange(underlying: str) -> None:
    quoted = without = 0
    for path in real_paths(underlying):
        columns = read_snapshot(path, underlying).columns
        both = (columns["bid"] > 0) & (columns["ask"] > 0)
        quoted += int(both.sum())
        without += int((both & (columns["iv"] == 0)).sum())
    page = Path(__file__).parents[2] / "docs" / "DATA_QUALITY.md"
    assert f"{without:,} of {quoted:,}" in page.read_text("utf-8")
