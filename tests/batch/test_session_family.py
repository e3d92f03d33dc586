"""A family of option sessions: draws of the fair-variance null go on over a sweep, as others do."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from quantlaxmi.batch import Catalog, family, inference, plan, sweep
from quantlaxmi.batch.family_draws import family_draws
from quantlaxmi.batch.inference import Bounds, Member, count_bounds, split
from quantlaxmi.batch.summary import family_summary
from quantlaxmi.batch.tasks import task_of
from quantlaxmi.gates import GatePolicy
from quantlaxmi.gates.suites import left_out
from quantlaxmi.importers.synthetic_session import generate_chain_segment
from quantlaxmi.parallel import work_queue
from quantlaxmi.strategies.calendar_carry_settings import CalendarCarryConfig
from tests.depth import DEEP

TENTH = Fraction(1, 10)
#: Every gate that decides: without one of them no item would have a p of its own.
POLICY = GatePolicy(
    suites={"g2": left_out("g2", ())},
    min_trades=2,
    market_null={"n_draws": 19, "n_draws_extended": 19, "grid_search": "off"},
    random_entry={"n_sims": 199, "n_neutral_pairs": 99},
)
CONFIG = CalendarCarryConfig(close_buffer_s=4_500)
STRATEGY = "calendar_carry"
#: In place of 199 to 19,999 draws: the planted session is open until the last stage.
STAGES = (19, 39, 59) if DEEP else (19, 39)


def held_to_the_gate(own, whole):
    """The first draws of a family are those that the gate made."""
    assert sum(place <= own.draws for place in whole.first) == own.exceedances
    if own.stopped:  # at an exceedance, and that is its place
        assert whole.first[own.exceedances - 1] == own.draws
    else:
        assert own.draws == STAGES[0] and whole.draws >= own.draws


def test_discoveries_in_stages_are_those_of_full_length(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "STAGES", STAGES)
    monkeypatch.setattr(inference, "LEAST_DRAWS", STAGES[-1])
    segments, events = {}, []
    for kind in ("planted", "fair"):  # sixty days: the fewest that the equity test judges
        made = generate_chain_segment(kind, tmp_path / kind, days=60, snapshots=16)
        segments[made.digest] = made
    folders = [one.path for one in segments.values()]
    where = {"catalog": tmp_path / "c", "configs": [CONFIG], "policy": POLICY, "workers": 1}
    started, real = [], work_queue.start_worker
    monkeypatch.setattr(work_queue, "start_worker", lambda w: started.append(w) or real(w))
    sweep(folders, [STRATEGY], log=events.append, **where)
    assert len(started) == 2  # one for items, and one for the draws of all stages
    catalog = Catalog.open(tmp_path / "c")
    found = family(catalog)
    assert [event["most"] for event in events if event["event"] == "draws"] == list(STAGES)
    assert found.unresolved == () and len(found.items) == 2 and found.length == STAGES[-1]

    members = []
    for one in found.items:
        segment = segments[one.row.planned.segment_digest]
        if segment.path.name == "fair":  # it loses, and counts all the same
            assert one.why == "net_positive" and one.row.drawn is None
            members.append(Member(one.key, Bounds(Fraction(1), Fraction(1))))
            continue
        asked = plan([segment.path], [STRATEGY], configs=[CONFIG], policy=POLICY, full=True)
        task = replace(task_of(asked.items[0], asked, tmp_path), length=STAGES[-1])
        part = None
        for draws in (7, STAGES[-1]):
            part = family_draws(replace(task, draws=draws, drawn=part), segment)
        assert part is not None and part.drifting is None and not part.ended
        figures, whole = one.row.finished.figures, part.driftless
        assert figures.drifting is None and figures.excluded == ""
        held_to_the_gate(figures.driftless, whole)
        assert one.row.drawn.drifting is None and one.row.drawn.driftless == whole
        p, p_equity = count_bounds(whole, STAGES[-1]), Fraction(repr(figures.p_equity))
        assert p.is_exact
        members.append(Member(one.key, p.joined(Bounds(p_equity, p_equity))))
    expected = split(members, TENTH)
    assert expected.open == ()
    assert tuple(one.key for one in found.discoveries) == expected.found
    (one,) = found.discoveries
    assert segments[one.row.planned.segment_digest].path.name == "planted"
    assert one.draws == STAGES[-1]
    table = catalog.table()
    assert set(table["p_market_driftless_draws"]) == {STAGES[-1], None}
    assert set(table["p_market_drift_draws"]) == {None}
    summary = family_summary(found)
    assert [line["key"] for line in summary["discoveries"]] == [one.key]
