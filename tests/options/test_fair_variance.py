"""The fair-variance null against its naive twin, its check values and what it promises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from quantlaxmi._ext.fair_variance import FairVariance
from quantlaxmi._ext.philox import words as philox_words
from quantlaxmi.errors import InputError
from quantlaxmi.options import ChainHistory, DrawnChain, FairVarianceNull
from tests.naive import fair_variance as naive
from tests.options.fair_variance_cases import morning, random_history, recorded_smile, words

FORWARDS = [24500.0, 24521.0, 24489.0, 24530.0]
VOLS = [0.0110, 0.0108, 0.0109, 0.0106]
STRIKES = [24450.0, 24500.0, 24550.0]
RATIOS = [[1.02, 1, 1.01], [1.03, 1, 1.01], [1.02, 1, 1.02], [1.04, 1, 1.01]]
SMILES = [(STRIKES, one) for one in RATIOS]
# Of - + -: forward, total volatility, calls, and calls without the compensator.
CHECK_F, CHECK_S = 24406.1250356837, 0.011280706602
CHECK_CALLS = [89.552480279, 70.408520666, 54.455421623]
CHECK_RAW = [90.472888440, 70.460041328, 53.808616332]


def example() -> FairVariance:
    """The small example as the kernel takes it."""
    column = np.array
    return FairVariance(
        np.zeros(4, np.int64),
        column(FORWARDS)[:, None],
        column(VOLS)[:, None],
        np.arange(5) * 3,
        np.tile(STRIKES, 4),
        column(RATIOS, float).ravel(),
        np.array([0, 3]).reshape(2, 1, 1).repeat(4, axis=1),
        column(STRIKES),
    )


def drawn(kernel: FairVariance, minus: tuple[bool, ...], compensate: bool = True) -> DrawnChain:
    """``minus[t]`` of the move that ends at ``t + 1``."""
    bits = sum(1 << (t + 1) for t, one in enumerate(minus) if one)
    made = DrawnChain(
        np.array([bits, 0], np.uint64), np.empty((4, 1)), np.empty((4, 1)), np.empty((4, 3))
    )
    kernel.chain(made.signs, compensate, made.forward, made.vol, made.call)
    return made


def test_small_example_has_the_check_values() -> None:
    made = drawn(example(), (True, False, True))
    assert made.forward[3, 0] == pytest.approx(CHECK_F, abs=1e-9)
    assert made.vol[3, 0] == pytest.approx(CHECK_S, abs=1e-12)
    assert made.call[3] == pytest.approx(CHECK_CALLS, abs=1e-8)
    raw = drawn(example(), (True, False, True), compensate=False)
    assert raw.call[3] == pytest.approx(CHECK_RAW, abs=1e-8)
    twin = naive.path(FORWARDS, VOLS, STRIKES, SMILES, [-1, 1, -1])[3]
    assert (twin.forward, twin.vol) == pytest.approx((CHECK_F, CHECK_S), rel=1e-11)
    assert twin.call == pytest.approx(CHECK_CALLS, abs=1e-8)
    assert twin.raw == pytest.approx(CHECK_RAW, abs=1e-8)


def test_every_mid_of_the_small_example_is_a_martingale() -> None:
    """Over all paths that begin alike, the mean of what comes next is what is now."""
    paths = {m: drawn(example(), m).call for m in itertools.product((False, True), repeat=3)}
    start = naive.path(FORWARDS, VOLS, STRIKES, SMILES, [])[0].call
    for t in range(4):
        for now in range(t):
            for head in itertools.product((False, True), repeat=now):
                after = [c for m, c in paths.items() if m[:now] == head]
                mean = np.mean([c[t] for c in after], axis=0)
                assert mean == pytest.approx(after[0][now], rel=1e-12)
    assert np.mean([c[3] for c in paths.values()], axis=0) == pytest.approx(start, rel=1e-12)


def test_without_the_compensator_it_is_none() -> None:
    paths = [drawn(example(), m, False).call for m in itertools.product((False, True), repeat=3)]
    assert np.abs(np.mean([c[3] for c in paths], axis=0) - paths[0][0]).max() > 0.1


def test_morning_has_the_check_values() -> None:
    null = FairVarianceNull(morning())
    room = null.room()
    room.signs[:] = words(null, [t % 2 == 1 for t in range(64)])  # the first move is minus
    made = null.fill(room)
    assert made.forward[63] / 100 == pytest.approx([24703.20867055, 24728.65869206], abs=1e-8)
    found = [
        made.call[63, null.history.start[e] + at] / 100
        for e in range(2)
        for at in np.flatnonzero(null.history.strike[null.history.rows(e)] == 24600_00)
    ]
    assert found == pytest.approx([168.63086129, 251.45875222], abs=1e-8)


def test_identity_rebuilds_the_recorded_morning() -> None:
    """No sign minus and no compensator: the out-of-the-money mids are the recorded ones."""
    null = FairVarianceNull(morning())
    history = null.history
    made = null.fill(null.room(), compensate=False)
    assert made.forward == pytest.approx(null.forward, rel=1e-12)
    assert made.vol == pytest.approx(null.vol, rel=1e-12)
    call, put = made.call, null.puts(made)
    tops = history.tops.astype(float)
    mids = {"call": (tops[0] + tops[1]) / 2, "put": (tops[2] + tops[3]) / 2}
    quoted = (history.tops[:4] > 0).all(axis=0)
    forward = np.repeat(null.forward, np.diff(history.start), axis=1)
    above = history.strike >= forward
    calls = quoted & above
    assert quoted.sum() > 3000
    assert np.abs(call - mids["call"])[calls].max() < 1e-6
    assert np.abs(put - mids["put"])[quoted & ~above].max() < 1e-6
    # The other side needs the residual of the recorded parity.
    residual = mids["call"] - mids["put"] - forward + history.strike
    assert np.abs(call + residual - mids["call"])[quoted & ~above].max() < 1e-6
    assert np.abs(put - residual - mids["put"])[calls].max() < 1e-6
    assert (np.abs(call - mids["call"])[quoted & ~above] > 5).any()
    # So are the quotes, where they have an out-of-the-money mid.
    rebuilt, _ = null.quotes(made)
    for side, where in ((0, calls), (2, quoted & ~above)):
        assert (rebuilt[side : side + 2, where] == history.tops[side : side + 2, where]).all()
        assert (
            rebuilt[4 + side : 6 + side, where] == history.tops[4 + side : 6 + side, where]
        ).all()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("compensate", [True, False])
def test_draws_are_the_twins(seed: int, compensate: bool) -> None:
    null = FairVarianceNull(random_history(seed))
    history, days = null.history, null.history.session_day
    room = null.room()
    null.draw(seed, 3, room)
    made = null.fill(room, compensate)
    signs = np.unpackbits(room.signs.view(np.uint8), bitorder="little")
    assert null.missing == (null.vol == 0).sum()
    for e, day in itertools.product(range(2), np.unique(days)):
        at = [t for t in np.flatnonzero(days == day) if null.vol[t, e] > 0]
        strikes = history.strike[history.rows(e)].tolist()
        smiles = [recorded_smile(null, t, e) for t in at]
        forwards, vols = null.forward[at, e].tolist(), null.vol[at, e].tolist()
        steps = naive.path(
            forwards, vols, strikes, smiles, [-1 if signs[t] else 1 for t in at[1:]], compensate
        )
        for t, step in zip(at, steps, strict=True):
            assert made.forward[t, e] == pytest.approx(step.forward, rel=1e-13)
            assert made.vol[t, e] == pytest.approx(step.vol, rel=1e-12)
            assert made.call[t, history.rows(e)] == pytest.approx(step.call, rel=1e-9, abs=1e-6)
    gone = np.repeat(null.vol == 0, np.diff(history.start), axis=1)
    assert (made.call[gone] == 0).all() and (null.puts(made)[gone] == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_quotes_are_the_twins(seed: int) -> None:
    null = FairVarianceNull(random_history(seed, quoted=0.85))
    history, made = null.history, null.draw(11, seed)
    tops, below = null.quotes(made)
    puts, count = null.puts(made), 0
    for t, e in itertools.product(range(history.n_snapshots), range(2)):
        rows = history.rows(e)
        strikes = history.strike[rows].tolist()
        for k in range(rows.start, rows.stop):
            if null.vol[t, e] == 0:
                assert (tops[:, t, k] == 0).all()
                continue
            place = strikes[k - rows.start] - made.forward[t, e] + null.forward[t, e]
            near = rows.start + naive.nearest(strikes, place)
            for side, mid in ((0, made.call[t, k]), (2, puts[t, k])):
                recorded = history.tops[side : side + 2, t, near].tolist()
                bid, ask, low = naive.quote(float(mid), *recorded, 5)
                count += low
                assert tops[side : side + 2, t, k].tolist() == [bid, ask]
                sizes = history.tops[4 + side : 6 + side, t, near]
                assert tops[4 + side, t, k] == (sizes[0] if bid else 0)
                assert tops[5 + side, t, k] == (sizes[1] if ask else 0)
    assert below == count
    assert null.n_mids == 2 * sum(
        history.rows(e).stop - history.rows(e).start for t, e in np.argwhere(null.vol > 0).tolist()
    )


def test_mids_below_a_tick_are_counted_as_one() -> None:
    null = FairVarianceNull(random_history(1))
    made = null.draw(1, 0)
    made.call[0, 0], made.call[0, 1] = 4.999, -3.0
    tops, below = null.quotes(made)
    again = made.call.copy()
    made.call[0, :2] = 5.0
    assert below >= 2
    assert (null.quotes(made)[0] == tops)[0:2, 0, :2].all()
    assert again[0, 1] == -3.0


def test_draws_depend_on_their_number_alone() -> None:
    null = FairVarianceNull(random_history(2))

    def bits(_: int, made: DrawnChain) -> bytes:
        return (
            made.signs.tobytes() + made.forward.tobytes() + made.vol.tobytes() + made.call.tobytes()
        )

    one = null.each(5, range(20), bits, threads=1)
    assert null.each(5, range(20), bits, threads=2) == one
    assert null.each(5, range(10, 20), bits, threads=3) == one[10:]
    assert null.each(6, range(20), bits) != one
    assert len(set(one)) > 15
    made = null.draw(5, 9)
    assert made.signs.tolist() == philox_words(5, 9, made.signs.size).tolist()


def test_days_begin_at_their_recorded_chain() -> None:
    null = FairVarianceNull(random_history(3, quoted=1.0))
    room = null.room()
    room.signs[:] = words(null, [True] * 12)
    made = null.fill(room)
    days = null.history.session_day
    first = np.diff(days, prepend=-1) != 0
    assert np.flatnonzero(first).tolist() == [0, 6]
    assert (made.forward[first] == null.forward[first]).all()
    assert (made.vol[first] == null.vol[first]).all()
    assert (made.forward[~first] != null.forward[~first]).all()


def test_what_cannot_be_drawn_is_refused() -> None:
    good = random_history(4, quoted=1.0)

    def changed(**what: object) -> ChainHistory:
        names = ("ts_ns", "expiry_ns", "start", "strike", "tops", "tick")
        return ChainHistory(*[what.get(name, getattr(good, name)) for name in names])  # type: ignore[arg-type]

    with pytest.raises(InputError, match="no snapshot with a forward"):
        FairVarianceNull(changed(tops=np.zeros_like(good.tops)))
    tops = good.tops.copy()
    tops[:4, 1] = 0
    tops[0, 1], tops[1, 1], tops[2, 1], tops[3, 1] = 200_000, 200_500, 500, 1000
    with pytest.raises(InputError, match="moves by half up to snapshot 1"):
        FairVarianceNull(changed(tops=tops))
    for what, word in (
        ({"ts_ns": good.ts_ns[::-1]}, "ts_ns"),
        ({"strike": good.strike[::-1]}, "strike"),
        ({"start": np.array([0, 9, 14])}, "start"),
        ({"tops": good.tops[:, :-1]}, "tops"),
        ({"tick": 0}, "tick"),
    ):
        with pytest.raises(InputError, match=word):
            changed(**what)
    kernel, null = example(), FairVarianceNull(good)
    room = null.room()
    with pytest.raises(ValueError, match="wrong size"):
        kernel.chain(room.signs, True, room.forward, room.vol, room.call)
    with pytest.raises(ValueError, match="wrong size"):
        kernel.draw(1, 1, np.zeros(1, np.uint64))
