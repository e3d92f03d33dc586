"""Synthetic option sessions: what is planted in them, and what is not."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from quantlaxmi.errors import InputError
from quantlaxmi.importers.synthetic_chain import SyntheticChain, synthetic_chain
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.options import chain_history, surface
from quantlaxmi.venues import nse
from tests.depth import some

FLOOR = 12.0


def days_of(made: SyntheticChain) -> np.ndarray:
    return np.unique(made.history.session_day)


def test_sizes_are_those_that_were_asked_for() -> None:
    made = synthetic_chain("planted", days=6, snapshots=7)
    history = made.history
    assert history.n_snapshots == 42 and len(days_of(made)) == 6
    quoted = (history.tops[:4] > 0).any(axis=0)
    for t in range(42):
        listed = [int(quoted[t, history.rows(e)].sum()) for e in range(history.n_expiries)]
        assert sorted(one for one in listed if one) == [41, 41]
    first = datetime.fromtimestamp(int(history.ts_ns[0]) // 10**9, UTC)
    assert (first.date(), first.hour, first.minute) == (date(2025, 9, 2), 3, 46)
    for end in history.expiry_ns.tolist():
        day = datetime.fromtimestamp(end // 10**9, UTC) + timedelta(hours=5.5)
        assert (day.weekday(), day.hour, day.minute) == (1, 15, 30)
        assert nse.lot("NIFTY", day.date(), date(2025, 9, 2)) == made.lot == 75
    # A front has a day left or more, the back a week more.
    left = history.expiry_ns[None, :] - history.ts_ns[:, None]
    alive = [
        left[t][[quoted[t, history.rows(e)].any() for e in range(len(left[t]))]] for t in range(42)
    ]
    assert min(one.min() for one in alive) >= 86_400 * 10**9
    assert {int(np.diff(one)[0]) for one in alive} == {7 * 86_400 * 10**9}


def test_quotes_are_good() -> None:
    made = synthetic_chain("fair", days=3, snapshots=10)
    tops = made.history.tops
    assert (tops[:4] % 5 == 0).all() and (tops[4:] % made.lot == 0).all()
    for bid, ask in ((0, 1), (2, 3)):
        both = (tops[bid] > 0) & (tops[ask] > 0)
        assert (tops[bid] < tops[ask])[both].all()
        assert ((tops[bid] > 0) == (tops[4 + bid] > 0)).all()
        assert ((tops[ask] > 0) == (tops[4 + ask] > 0)).all()


@pytest.mark.parametrize("kind", ["planted", "fair"])
def test_gap_is_that_of_the_quotes(kind: str) -> None:
    """The generator's gap is the one that quotes show, but for their rounding."""
    made = synthetic_chain(kind, days=10, snapshots=12)
    for t in range(0, 120, 5):
        chain = made.history.option_chain(t)
        found = surface(chain)
        live = np.flatnonzero(found.straddle > 0)
        assert (found.status[live] == 0).all() and live.size == 2
        hedge = np.clip(found.vega[live[0]] / found.vega[live[1]], 0.5, 2)
        gap = hedge * found.straddle[live[1]] - found.straddle[live[0]]
        assert gap == pytest.approx(made.gap[t], abs=0.5)


def shares(made: SyntheticChain) -> tuple[float, float, float]:
    """Realised over implied variance: where the gap was above its floor before, elsewhere, all."""
    moves = made.implied > 0
    above = np.append(False, made.gap[:-1] > FLOOR) & moves
    below = moves & ~above
    first, second, third = (
        float(made.realised[one].sum() / made.implied[one].sum()) for one in (above, below, moves)
    )
    return first, second, third


@pytest.mark.parametrize("seed", some(range(3), 1))
def test_variance_is_cheap_only_while_the_gap_is_above_its_floor(seed: int) -> None:
    above, below, whole = shares(synthetic_chain("planted", seed=seed))
    assert 0.15 < above < 0.25
    assert 1.4 < below < 2.1
    assert 0.85 < whole < 1.2
    assert shares(synthetic_chain("fair", seed=seed)) == pytest.approx((1, 1, 1), abs=0.2)


def test_the_gap_crosses_its_floor_every_day() -> None:
    for kind in ("planted", "fair"):
        gap = synthetic_chain(kind, snapshots=60).gap.reshape(10, 60)
        assert (gap[:, 0] < FLOOR).all() and (gap[:, -1] > FLOOR).all()
        assert 0.4 < (gap > FLOOR).mean() < 0.6


def test_quotes_are_the_same_everywhere() -> None:
    def digest(kind: str, seed: int) -> str:
        history = synthetic_chain(kind, seed=seed, snapshots=12).history
        parts = (history.ts_ns, history.expiry_ns, history.start, history.strike, history.tops)
        joined = b"".join(one.astype("<i8").tobytes() for one in parts)
        return hashlib.sha256(joined).hexdigest()[:16]

    found = [digest("planted", 1), digest("fair", 1)]
    assert found == ["a9b7d5f380ec197e", "101264a6cab90242"]
    assert digest("planted", 2) not in found


def test_sixty_days_are_whole() -> None:
    made = synthetic_chain("planted", days=60, snapshots=20)
    assert len(days_of(made)) == 60 and made.history.n_snapshots == 1_200
    for t in range(0, 1200, 13):
        assert (surface(made.history.option_chain(t)).status == 0).sum() == 2


@pytest.mark.parametrize(
    ("more", "word"),
    [({"days": 0}, "days"), ({"days": 61}, "days"), ({"snapshots": 1}, "snapshots"),
     ({"seed": -1}, "seed"), ({"floor": 0.0}, "floor"), ({"floor": float("nan")}, "floor")],
)  # fmt: skip
def test_numbers_out_of_range_are_refused(more: dict[str, float], word: str) -> None:
    with pytest.raises(InputError, match=word):
        synthetic_chain("planted", **more)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="expected planted or fair"):
        synthetic_chain("other")


def test_a_segment_holds_the_history(tmp_path: Path) -> None:
    segment = generate_chain_segment("planted", tmp_path / "s", days=6, snapshots=5)
    made = synthetic_chain("planted", days=6, snapshots=5)
    found = chain_history(segment.columns("chain"), segment.instruments).history
    for name in ("ts_ns", "expiry_ns", "start", "strike", "tops"):
        assert np.array_equal(getattr(found, name), getattr(made.history, name)), name
    assert segment.instruments[0].symbol.startswith("NIFTY-20250909-")
    with pytest.raises(InputError):
        generate_chain_segment("planted", tmp_path / "s", days=2, snapshots=2)
