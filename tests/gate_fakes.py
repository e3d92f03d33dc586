"""Small made-up markets and runs for the gates: plain arrays, no engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from types import SimpleNamespace

import numpy as np

from quantlaxmi.gates import random_entry
from quantlaxmi.gates.context import Amounts, GateContext
from quantlaxmi.gates.path.columns import attribution_units
from quantlaxmi.gates.path.round_trips import TradePath, TradeRecords, build_path
from quantlaxmi.gates.policy import GatePolicy
from quantlaxmi.schema import DECISION_DTYPE, FILL_DTYPE, LEG_DTYPE


@dataclass(frozen=True)
class FakeCosts:
    values: np.ndarray
    unit: int
    fillable: np.ndarray


@dataclass(frozen=True)
class FakePoints:
    seq: np.ndarray
    ts_ns: np.ndarray
    mid2: np.ndarray
    can_trade: np.ndarray
    spread: np.ndarray  # (n_instruments, n_rows) ask - bid
    size: np.ndarray  # (n_instruments, n_rows) displayed on both sides
    scales: tuple[int, ...] = (1, 1)
    ledger_exponent: int = -16
    fee: int = 3  # a unit of quantity, attribution units
    #: Settlements: (row, instrument, amount): paid are quantity * amount / 4 on the position that
    #: decisions on earlier rows have made.
    dues: tuple[tuple[int, int, int], ...] = ()
    #: Fractions of interest, by instrument that is borrowed to be sold.
    lent: dict[int, tuple[int, int]] = field(default_factory=dict)
    prepared: list = field(default_factory=list)

    @property
    def instruments(self):
        return tuple(range(len(self.mid2)))

    @property
    def last_mid2(self):
        return self.mid2[:, -1]

    @property
    def costs_unknown(self):
        return ""

    @property
    def settlements(self):
        return np.zeros((len(self.dues), 4), np.int64)

    @property
    def settled(self):
        rows = [row for row, _, _ in self.dues]
        return np.searchsorted(rows, np.arange(len(self.seq)), side="right").astype(np.int64)

    @property
    def arrivals_ns(self):
        return self.ts_ns

    @property
    def arrival_mid2(self):
        return {i: self.mid2[i] + 2 * i for i in self.lent}

    @property
    def interest(self):
        return {i: (num, den, 1) for i, (num, den) in self.lent.items()}

    def funding(self, held):
        return [-10 * round(Fraction(dict(held).get(i, 0) * part, 4)) for _, i, part in self.dues]

    def prepare(self, bundles):
        self.prepared.extend(bundles)

    def cost(self, bundle):
        units = attribution_units(self)
        values = np.zeros(len(self.seq), np.int64)
        fillable = np.ones(len(self.seq), bool)
        for i, q in bundle:
            values += abs(q) * (self.spread[i] * units[i] + self.fee)
            fillable &= self.size[i] >= abs(q)
        return FakeCosts(values, 1, fillable)


def walk_points(
    seed, n, *, step_ns=10**9, instruments=2, tick=100, can_trade=None, dues=(), lent=None
):
    """Independent random walks with random spreads and ample size."""
    rng = np.random.default_rng(seed)
    moves = rng.integers(-5, 6, (instruments, n))
    moves[:, 0] = 0
    mid2 = (1_000_000 + 2 * np.cumsum(moves, axis=1)) * tick
    return FakePoints(
        seq=3 * np.arange(n, dtype=np.int64) + 1,
        ts_ns=np.arange(n, dtype=np.int64) * step_ns + 1_700_000_000 * 10**9,
        mid2=mid2.astype(np.int64),
        can_trade=np.ones(n, bool) if can_trade is None else can_trade,
        spread=rng.integers(1, 4, (instruments, n)) * tick,
        size=np.full((instruments, n), 10**6),
        scales=(1,) * instruments,
        dues=tuple(sorted(dues)),
        lent=lent or {},
    )


def make_run(points, actions, *, wanted=None):
    """Records of a run whose k-th decision stands on a row and fills a bundle.

    `actions` is a list of (row, {instrument: signed quantity}); `wanted` the same quantities as
    decided, where they differ.
    """
    units = attribution_units(points)
    decisions = np.zeros(len(actions), DECISION_DTYPE)
    legs, fills, gross, cost, borrow = [], [], [], [], []
    loans = Loans(points)
    for k, (row, deltas) in enumerate(actions):
        decisions[k]["sequence"], decisions[k]["seq"] = k, points.seq[row]
        decisions[k]["ts_ns"] = points.ts_ns[row]
        for i, q in (wanted or {}).get(k, deltas).items():
            leg = np.zeros(1, LEG_DTYPE)
            leg["decision"], leg["instrument"], leg["side"], leg["qty"] = k, i, np.sign(q), abs(q)
            legs.append(leg)
        for i, q in deltas.items():
            fill = np.zeros(1, FILL_DTYPE)
            fill["decision"], fill["instrument"] = k, i
            fill["side"], fill["qty"] = np.sign(q), abs(q)
            fills.append(fill)
            gross.append(-q * int(points.mid2[i, row]) * units[i])
            cost.append(abs(q) * (int(points.spread[i, row]) * units[i] + points.fee))
            borrow.append(loans.paid(row, i, q))
    return {
        "decisions": decisions,
        "legs": np.concatenate(legs) if legs else np.zeros(0, LEG_DTYPE),
        "fills": np.concatenate(fills) if fills else np.zeros(0, FILL_DTYPE),
        "gross": gross,
        "cost": cost,
        "borrow": borrow,
        "funding": sum(paid(points, actions)),
        "open_borrow": sum(loans.paid(len(points.seq) - 1, i, 0) for i in range(len(points.mid2))),
    }


class Loans:
    """Interest on what is held short, paid whenever it changes."""

    def __init__(self, points):
        self.points, self.held = points, {}

    def paid(self, row, i, change):
        quantity, since = self.held.get(i, (0, 0))
        now = int(self.points.arrivals_ns[row])
        self.held[i] = quantity + change, now
        if quantity >= 0 or i not in self.points.lent:
            return 0
        num, den = self.points.lent[i]
        mid2 = int(self.points.arrival_mid2[i][row])
        return 10 * round(Fraction(mid2 * -quantity * (now - since) * num, den))


def paid(points, actions):
    """What the positions that the actions made receive at each settlement."""
    for row, i, part in points.dues:
        held = sum(d.get(i, 0) for at, d in actions if at < row)
        yield -10 * round(Fraction(held * part, 4))


def make_path(points, actions, **options):
    return build_path(
        TradeRecords(**make_run(points, actions, **options)),
        seq=points.seq,
        mid2=points.mid2,
        units=attribution_units(points),
    )


@dataclass(frozen=True)
class FakeObservation:
    """A path and decision points that are there from the beginning."""

    path: TradePath
    decision_points: FakePoints
    amounts: Amounts | None = None

    @property
    def n_trips(self):
        return len(self.path.trips)

    @property
    def ledger_exponent(self):
        return self.decision_points.ledger_exponent

    @property
    def distinct_stamps(self):
        return len(np.unique(self.decision_points.ts_ns))

    @property
    def sessions(self):
        return None

    @property
    def increments(self):
        raise NotImplementedError("made-up runs have no ledger")

    @property
    def premium_events(self):
        return 0


def make_input(points, actions, *, policy=None, seed=0, threads=1, **options):
    return GateContext(
        observed=FakeObservation(make_path(points, actions, **options), points),
        policy=policy
        or GatePolicy(
            random_sides={"n_draws": 200},
            extend_factor=1,
            random_entry={"n_sims": 200, "n_neutral_pairs": 20},
            label_permutation={"n_perms": 200},
        ),
        seed=seed,
        segment_digest=b"\xab" * 32,
        config_hash=b"\x01" * 32,
        threads=threads,
    )


def pair_trips(rng, rows, trips, quantity=2, *, sides=None, hold=(1, 20)):
    """Non-overlapping pair trades at random places: (row, {0: q, 1: -q}) and back."""
    holds = rng.integers(*hold, trips)
    free = rows - int((holds + 1).sum())
    places = np.sort(rng.choice(free + trips, trips, replace=False)) - np.arange(trips)
    starts = places + np.concatenate([[0], np.cumsum(holds + 1)[:-1]])
    actions = []
    for k, (start, held) in enumerate(zip(starts.tolist(), holds.tolist(), strict=True)):
        side = (1 if rng.random() < 0.5 else -1) if sides is None else sides[k]
        q = side * quantity
        actions.append((start, {0: q, 1: -q}))
        actions.append((start + held, {0: -q, 1: q}))
    return actions


def judged(module, context):
    """The first result of a module's gate."""
    return module.GATE.judge(context)[0]


def random_entries(context):
    """Both results of random entry, by their kinds."""
    return SimpleNamespace(**{r.kind: r for r in random_entry.GATE.judge(context)})
