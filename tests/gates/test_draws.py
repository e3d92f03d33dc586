"""Counting draws: stopping, growing, batches and interruptions change nothing but the work."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlaxmi.errors import ConfigError
from quantlaxmi.gates.checkpoint import Checkpoint, CountLimits, DrawCounts, Stage
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.gates.resampling.draws import DrawRule, SweepFailed, count_draws
from quantlaxmi.gates.results import MonteCarlo
from quantlaxmi.stats.histogram import BINS
from quantlaxmi.stats.monte_carlo import sequential_p
from tests.depth import examples
from tests.gate_fakes import make_input, walk_points
from tests.naive import histogram as naive_histogram

POLICY = GatePolicy(extend_factor=1)


def make(policy=POLICY, **options):
    grid = walk_points(0, 20, instruments=1)
    return replace(make_input(grid, [(1, {0: 1}), (3, {0: -1})], policy=policy), **options)


def sweep_of(hits, *, calls=None, dies_at=None):
    """A sweep whose draw i is an exceedance where ``hits[i]``: S is 1 or -1, Q is 1."""

    def sweep(first, out):
        if dies_at is not None and first >= dies_at:
            raise KeyboardInterrupt
        if calls is not None:
            calls.append((first, len(out)))
        value = np.where(np.array(hits[first : first + len(out)]), 1, -1).astype(np.int64)
        out[:, 0] = (value >> 63).view(np.uint64)
        out[:, 1] = value.view(np.uint64)
        out[:, 2], out[:, 3] = 0, 1

    return sweep


def naive(hits, h):
    """Besag and Clifford, one draw at a time."""
    b = 0
    for i, hit in enumerate(hits):
        b += hit
        if h and b == h:
            return b, i + 1, True
    return b, len(hits), False


@given(
    hits=st.lists(st.booleans(), min_size=1, max_size=60),
    h=st.integers(0, 8),
    batch=st.integers(1, 70),
)
@settings(max_examples=examples(150), deadline=None)
def test_stopping_is_by_draw_whatever_the_batch(hits, h, batch):
    (count,) = count_draws(
        make(),
        "g",
        len(hits),
        4,
        sweep_of(hits),
        [(1, 1)],
        DrawRule((Stage(len(hits), h),), batch=batch),
    )
    assert (count.exceedances, count.draws, count.stopped) == naive(hits, h)
    b, m = count.exceedances, count.draws
    assert count.p_value == (Fraction(b, m) if count.stopped else Fraction(b + 1, m + 1))
    assert count.p_value > 0
    assert (count.to_json()["interval_95"] is None) == count.stopped


@given(
    hits=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=40, max_size=60),
    h=st.integers(0, 4),
    batch=st.integers(1, 70),
    wanted=st.integers(1, 10),
)
@settings(max_examples=examples(150), deadline=None)
def test_draws_that_do_not_count_are_passed_over(hits, h, batch, wanted):
    tries = 4
    hits = [(a and counts, counts) for a, counts in hits]

    def sweep(first, out):
        for k in range(2):
            sweep_of([hit[k] for hit in hits])(first, out[:, 4 * k : 4 * k + 4])

    count, _ = count_draws(
        make(), "g", wanted, 8, sweep, [(1, 1)] * 2, DrawRule((Stage(wanted, h),), batch, tries)
    )
    counting = [a for a, counts in hits[: tries * wanted] if counts][:wanted]
    assert (count.exceedances, count.draws, count.stopped) == naive(counting, h)


@pytest.mark.parametrize("batch", [1, 3, 50])
@pytest.mark.parametrize(("stop", "fails"), [(2, False), (3, True), (0, True)])
def test_a_draw_that_fails_counts_only_where_it_is_needed(stop, fails, batch):
    """The second exceedance is draw 5, and draw 7 cannot be made."""
    hits = [i in (2, 5) for i in range(20)]

    def sweep(first, out):
        filled = min(len(out), max(0, 7 - first))
        sweep_of(hits)(first, out[:filled])
        if filled < len(out):
            raise SweepFailed(filled, "Draw 7.")

    def draw():
        return count_draws(
            make(), "g", 20, 4, sweep, [(1, 1)], DrawRule((Stage(20, stop),), batch)
        )[0]

    if fails:
        with pytest.raises(SweepFailed, match="Draw 7"):
            draw()
    else:
        assert (draw().exceedances, draw().draws, draw().stopped) == (2, 6, True)


def test_the_sequential_p_of_the_paper():
    assert sequential_p(20, 87) == Fraction(20, 87)
    for h, n in [(0, 5), (6, 5)]:
        with pytest.raises(ValueError, match="cannot be"):
            sequential_p(h, n)


def test_sequential_p_is_valid_under_the_null():
    # P(p <= a) <= a where draws and strategy are exchangeable, exactly by counting ranks.
    rng = np.random.default_rng(5)
    below = 0
    for _ in range(2000):
        own = rng.random()
        hits = (rng.random(199) >= own).tolist()
        b, m, stopped = naive(hits, 20)
        below += MonteCarlo(b, m, stopped).p_value <= Fraction(1, 20)
    assert below <= 2000 * 0.05 + 3 * (2000 * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize(("h", "cut"), [(0, 30), (5, 10), (5, 60)])
def test_an_interrupted_count_goes_on_where_it_was(tmp_path, h, cut):
    rng = np.random.default_rng(1)
    hits = (rng.random(100) < 0.05).tolist()
    path = tmp_path / "gates.checkpoint"

    def run(**options):
        context = make(checkpoint=Checkpoint(path, b"\x01" * 32))
        sweep = sweep_of(hits, **options)
        return count_draws(context, "g", 100, 4, sweep, [(1, 1)], DrawRule((Stage(100, h),), 10))

    whole = count_draws(make(), "g", 100, 4, sweep_of(hits), [(1, 1)], DrawRule((Stage(100, h),)))
    try:
        interrupted = run(dies_at=cut) is None
    except KeyboardInterrupt:
        interrupted = True
    calls = []
    assert run(calls=calls) == whole
    if interrupted:
        assert calls and calls[0][0] == cut
    again = []
    assert run(calls=again) == whole
    assert again == []


def test_growth_survives_an_interruption(tmp_path):
    policy = POLICY.replace(extend_factor=3)
    hits = ([True] + [False] * 19) * 15
    path = tmp_path / "c"

    def run(**options):
        context = make(policy, checkpoint=Checkpoint(path, b"\x01" * 32))
        return count_draws(
            context, "g", 100, 4, sweep_of(hits, **options), [(1, 1)], DrawRule(batch=50)
        )

    (whole,) = count_draws(make(policy), "g", 100, 4, sweep_of(hits), [(1, 1)])
    assert whole.extended and whole.draws == 300
    for cut in (100, 200):  # at the end of the planned draws, and among the added ones
        path.unlink(missing_ok=True)
        with pytest.raises(KeyboardInterrupt):
            run(dies_at=cut)
        assert run() == [whole]


def counts(done, found, stopped=False, *, counting=None):
    """Counts whose draws all lie in one bin."""
    bins = [0] * BINS
    bins[25] = done if counting is None else counting
    return DrawCounts(done, found, stopped, (tuple(bins),))


def test_a_checkpoint_is_believed_only_whole_and_by_its_own_run(tmp_path):
    path = tmp_path / "c"
    limits = CountLimits(statistics=1, histograms=1, stages=(Stage(10),))
    Checkpoint(path, b"\x01" * 32).save("g", counts(7, (2,)))
    assert Checkpoint(path, b"\x01" * 32).load("g", limits) == counts(7, (2,))
    assert Checkpoint(path, b"\x01" * 32).load("other", limits) is None
    with pytest.raises(ConfigError, match="another run"):
        Checkpoint(path, b"\x02" * 32)
    for wrong in ({"statistics": 2}, {"histograms": 0}, {"stages": (Stage(6),)}, {"picked": True}):
        with pytest.raises(ConfigError, match="no drawing gives"):
            Checkpoint(path, b"\x01" * 32).load("g", replace(limits, **wrong))
    whole = path.read_bytes()
    value = json.loads(whole)
    value["gates"]["g"]["found"] = [1]
    for wrong in (b"", whole[:40], b"[]", b"[" * 100_000, b"{}", json.dumps(value).encode()):
        path.write_bytes(wrong)
        with pytest.raises(ConfigError):
            Checkpoint(path, b"\x01" * 32)


def test_a_checkpoint_of_another_version_is_refused_by_its_version(tmp_path):
    """Version 1 kept no histograms; its counts cannot be gone on with."""
    path = tmp_path / "c"
    first = {"run": "01" * 32, "gates": {"g": {"done": 7, "found": [2], "stopped": False}}}
    for version in ({}, {"version": 2}, {"version": "3"}):
        path.write_text(json.dumps({**first, **version, "hash": "00" * 32}))
        with pytest.raises(ConfigError, match=r"version\): was .*, expected 3; name another file"):
            Checkpoint(path, b"\x01" * 32)


EMPTY = [0] * BINS


@pytest.mark.parametrize(
    ("done", "found", "stopped", "stop_after"),
    [
        (30, [0], True, 20),  # stopped without an exceedance: no p has such counts
        (30, [19], True, 20),
        (30, [20], False, 20),
        (30, [25], False, 20),
        (30, [5], True, 0),  # at a gate that never stops
        (30, [0], True, 0),
        (30, [31], False, 0),
        (30, [-1], False, 0),
        (-1, [-1], False, 0),
        (30, [True], False, 0),
        (True, [True], False, 0),
        (30.0, [1], False, 0),
        (30, [1], 0, 0),
        (30, [1, 1], False, 0),
        (30, [], False, 0),
        (30, "1", False, 0),
        (101, [1], False, 0),
        (10**30, [1], False, 0),
    ],
)
def test_counts_that_no_drawing_gives_are_refused_though_the_hash_fits(
    tmp_path, done, found, stopped, stop_after
):
    bins = [[done, *EMPTY[1:]]]
    check_refused(
        tmp_path, {"done": done, "found": found, "stopped": stopped, "bins": bins}, stop_after
    )


@pytest.mark.parametrize(
    "bins",
    [
        None,
        [],
        [[30, *EMPTY[1:]]] * 2,
        [[30, *EMPTY[2:]]],
        [[29, *EMPTY[1:]]],
        [[31, -1, *EMPTY[2:]]],
        [[30.0, *EMPTY[1:]]],
        ["0" * BINS],
        [30],
        30,
    ],
)
def test_histograms_that_no_drawing_gives_are_refused(tmp_path, bins):
    check_refused(tmp_path, {"done": 30, "found": [1], "stopped": False, "bins": bins})


def check_refused(tmp_path, kept, stop_after=0):
    path = tmp_path / "c"
    seal = Checkpoint(path, b"\x01" * 32)._seal({"g": kept})
    text = {"version": 3, "run": "01" * 32, "gates": {"g": kept}, "hash": seal}
    path.write_text(json.dumps(text))
    context = make(POLICY.replace(extend_factor=1), checkpoint=Checkpoint(path, b"\x01" * 32))
    rule = DrawRule((Stage(100, stop_after),))
    with pytest.raises(ConfigError, match=r"c \(g\): was .*, which no drawing gives"):
        count_draws(context, "g", 100, 4, sweep_of([]), [(1, 1)], rule)


def test_counts_of_a_gate_that_stops_are_taken_up(tmp_path):
    limits = CountLimits(1, 1, (Stage(100, 20),))
    for found, stopped in [(20, True), (19, False)]:
        kept = Checkpoint(tmp_path / "c", b"\x01" * 32)
        kept.save("g", counts(30, (found,), stopped))
        assert kept.load("g", limits) == counts(30, (found,), stopped)


def test_a_gate_of_one_stage_is_not_believed_to_have_grown(tmp_path):
    kept = Checkpoint(tmp_path / "c", b"\x01" * 32)
    kept.save("g", counts(150, (3,)))
    context = make(POLICY.replace(extend_factor=10), checkpoint=kept)
    with pytest.raises(ConfigError, match="no drawing gives"):
        count_draws(context, "g", 100, 4, sweep_of([]), [(1, 1)], DrawRule((Stage(100, 20),)))


@given(
    hits=st.lists(st.booleans(), min_size=60, max_size=60),
    stops=st.tuples(st.integers(1, 12), st.integers(1, 20)),
    batch=st.integers(1, 70),
    cut=st.integers(1, 60),
)
@settings(max_examples=examples(150), deadline=None)
def test_two_stages_stop_each_at_its_own_exceedance(tmp_path_factory, hits, stops, batch, cut):
    """The second follows where the first leaves the level open; an interruption changes nothing."""
    stages = (Stage(20, stops[0]), Stage(60, stops[1]))
    b, m, stopped = naive(hits[:20], stops[0])
    extended = False
    if not stopped:
        low, high = MonteCarlo(b, m).interval()
        if low <= 0.05 <= high:
            extended = True
            b, m, stopped = b, 20, b == stops[1]
            for hit in hits[20:]:
                if stopped or b > stops[1]:
                    break
                b, m = b + hit, m + 1
                stopped = b == stops[1]
    if extended and b >= stops[1] and not stopped:
        return  # a second stop below what the first stage found: no policy makes such stages
    rule = DrawRule(stages, batch=batch)
    path = tmp_path_factory.mktemp("stages") / "c"

    def run(**options):
        context = make(POLICY, checkpoint=Checkpoint(path, b"\x01" * 32))
        return count_draws(context, "g", 20, 4, sweep_of(hits, **options), [(1, 1)], rule)

    with contextlib.suppress(KeyboardInterrupt):
        run(dies_at=cut)
    (count,) = run()
    if extended and stops[1] <= naive(hits[:20], 0)[0]:
        return
    assert (count.exceedances, count.draws, count.stopped, count.extended) == (
        b,
        m,
        stopped,
        extended,
    )


@given(
    draws=st.lists(st.tuples(st.integers(-40, 40), st.integers(0, 40), st.booleans())),
    h=st.integers(0, 6),
    batch=st.integers(1, 40),
    tries=st.sampled_from([0, 3]),
    own=st.tuples(st.integers(-9, 9), st.integers(1, 9)),
)
@settings(max_examples=examples(150), deadline=None)
def test_histograms_hold_the_draws_that_count(draws, h, batch, tries, own):
    """Every draw that counts lies in the twin's bin, and no other, whatever the batch."""
    draws += [(0, 0, False)] * (60 - len(draws))
    if tries:  # an exceedance counts: where draws are picked, those left out are none
        draws = [draw if draw[2] else (-1000, 1, False) for draw in draws]

    def sweep(first, out):
        for row, (s, q, picked) in zip(out, draws[first:], strict=False):
            row[:] = [2**64 * (s < 0) - (s < 0), s % 2**64, 0, q, 0, int(picked), 0, 1]

    wanted = 60 // max(tries, 1)
    first, second = count_draws(
        make(), "g", wanted, 8, sweep, [own, (1, 1)], DrawRule((Stage(wanted, h),), batch, tries)
    )
    counting = [(s, q) for s, q, picked in draws if picked or not tries][: first.draws]
    assert list(first.histogram.counts) == naive_histogram.histogram(counting)
    assert first.histogram.own_bin == naive_histogram.bin_of(*own)
    assert sum(first.histogram.counts) == sum(second.histogram.counts) == first.draws
    above = sum(first.histogram.counts[first.histogram.own_bin + 1 :])
    assert above <= first.exceedances <= above + first.histogram.counts[first.histogram.own_bin]


@pytest.mark.parametrize("kind", ["none/c", "file/c", "", "."])
def test_a_checkpoint_that_cannot_be_written_is_told_at_the_start(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"no folder|Not a directory|is a folder"):
        Checkpoint(kind, b"\x01" * 32)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    Checkpoint("new", b"\x01" * 32)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_draws_of_which_none_counts_end_without_an_interval():
    """On a real capture no sign-flipped market had enough trips: once a ValueError of 0 of 0."""
    rule, sweep = DrawRule((Stage(5), Stage(50)), 3, 4), sweep_of([False] * 200)
    none = count_draws(make(), "g", 5, 4, sweep, [(1, 1)], rule)[0]
    assert (none.draws, none.p_value, none.to_json()["interval_95"]) == (0, 1, None)
