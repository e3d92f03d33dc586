"""Role templates of bundles, from their definition: dictionaries, Python integers and fractions."""

from __future__ import annotations

import functools
import itertools
from fractions import Fraction

from quantlaxmi.execution.fee_components import fill_fees
from quantlaxmi.schema import InstrumentKind, Side
from tests.naive import rng, surface

DAY_NS, IST_NS = 86_400 * 10**9, 19_800 * 10**9


class Market:
    """Snapshots as dictionaries: contract -> (bid, ask, bid size, ask size)."""

    def __init__(self, instruments, chain, latency_ns, last_ts_ns):
        self.instruments, self.latency_ns, self.last_ts_ns = instruments, latency_ns, last_ts_ns
        self.snaps, self.ts, self.seq = [], [], []
        for name in ("strikes", "at_the_money", "role", "struck"):
            setattr(self, name, functools.cache(getattr(self, name)))
        names = ("seq", "ts_ns", "instrument", "bid", "ask", "bid_qty", "ask_qty")
        for seq, ts, i, *top in zip(*(chain[name].tolist() for name in names), strict=True):
            if not self.seq or self.seq[-1] != seq:
                self.snaps.append({})
                self.ts.append(ts)
                self.seq.append(seq)
            self.snaps[-1][i] = tuple(top)
        self.day = [(ts + IST_NS) // DAY_NS for ts in self.ts]
        self.contract = {
            (one.expiry_ns, one.strike, one.kind == InstrumentKind.PUT): i
            for i, one in enumerate(instruments)
        }

    def rows(self, day):
        return [t for t in range(len(self.ts)) if self.day[t] == day]

    def is_quoted(self, t, i):
        bid, ask, bid_qty, ask_qty = self.snaps[t].get(i, (0, 0, 0, 0))
        alive = self.ts[t] < self.instruments[i].expiry_ns
        return alive and 0 < bid < ask and bid_qty > 0 and ask_qty > 0

    def mid2(self, t, i):
        """Of the last snapshot that quoted it."""
        while t >= 0 and not self.is_quoted(t, i):
            t -= 1
        return sum(self.snaps[t][i][:2]) if t >= 0 else 0

    def strikes(self, day):
        """Listed strikes by expiry, ascending."""
        found = {}
        for t in self.rows(day):
            for i, top in self.snaps[t].items():
                if top[0] > 0 or top[1] > 0:
                    one = self.instruments[i]
                    found.setdefault(one.expiry_ns, set()).add(one.strike)
        return {end: sorted(found[end]) for end in sorted(found)}

    def at_the_money(self, t, end):
        """Place of the strike nearest to the forward among the listed ones; None without one."""
        strikes = self.strikes(self.day[t])[end]
        every = sorted({one.strike for one in self.instruments if one.expiry_ns == end})
        rows = []
        for strike in every:
            call, put = (
                self.snaps[t].get(self.contract.get((end, strike, p)), (0, 0))
                for p in (False, True)
            )
            rows.append((strike, *call[:2], *put[:2]))
        value, _ = surface.forward(rows)
        if value is None:
            return None
        return min(range(len(strikes)), key=lambda k: (abs(strikes[k] - value), k))

    def expiries(self, t):
        """Listed on the day and not ended, the nearest first."""
        return [end for end in self.strikes(self.day[t]) if end > self.ts[t]]

    def role(self, t, i):
        one = self.instruments[i]
        strikes = self.strikes(self.day[t]).get(one.expiry_ns, [])
        if one.strike not in strikes or one.expiry_ns not in self.expiries(t):
            return None
        money = self.at_the_money(t, one.expiry_ns)
        if money is None:
            return None
        rank = self.expiries(t).index(one.expiry_ns)
        return rank, one.kind == InstrumentKind.PUT, strikes.index(one.strike) - money

    def struck(self, t, role):
        """The contract that has a role at a snapshot; None where none has."""
        rank, put, steps = role
        if rank >= len(self.expiries(t)):
            return None
        end = self.expiries(t)[rank]
        money, strikes = self.at_the_money(t, end), self.strikes(self.day[t])[end]
        if money is None or not 0 <= money + steps < len(strikes):
            return None
        return self.contract.get((end, strikes[money + steps], put))

    def stand_in(self, own_row, row, i):
        """The contract that stands for `i`, of which the bundle begins at `own_row`, at a row."""
        if row == own_row:
            return i
        role = self.role(own_row, i)
        return None if role is None else self.struck(row, role)

    def arrival(self, t):
        """The last snapshot known as orders arrive; None past the end of the data."""
        at = self.ts[t] + self.latency_ns
        if at > self.last_ts_ns:
            return None
        return max(k for k in range(len(self.ts)) if self.ts[k] <= at)

    def fill(self, t, i, signed, components):
        """Price and fee of an order decided at a snapshot, rupees."""
        bid, ask, *_ = self.snaps[self.arrival(t)][i]
        side = Side.BUY if signed > 0 else Side.SELL
        price = Fraction(ask if signed > 0 else bid, 100)
        fees = fill_fees(components, side, price * abs(signed), first=True)
        return price, sum(fees.values(), Fraction(0))


def trips_of(fills, decisions, seqs):
    """Bundles as [(row, {contract: quantity})], from flat to flat."""
    actions = {}
    for decision, i, side, qty in zip(
        *(fills[name].tolist() for name in ("decision", "instrument", "side", "qty")), strict=True
    ):
        legs = actions.setdefault(decision, {})
        legs[i] = legs.get(i, 0) + side * qty
    trips, held = [[]], {}
    for decision, legs in actions.items():
        trips[-1].append((seqs.index(int(decisions["seq"][decision])), legs))
        for i, qty in legs.items():
            held[i] = held.get(i, 0) + qty
        if not any(held.values()):
            trips.append([])
    assert not trips.pop()
    return trips


def moved(market, trip, row):
    """The actions of a trip that begins at another row of its day; None where it cannot."""
    begun, found = trip[0][0], []
    rows = market.rows(market.day[begun])
    for at, legs in trip:
        there, made = at - begun + row, {}
        if there not in rows:
            return None
        for i, qty in legs.items():
            other = market.stand_in(begun, row, i)
            if other is None:
                return None
            made[other] = qty
        found.append((there, made))
    return found


def may_begin(market, trip, row, can_enter):
    """Whether a trip could have begun at a row, each leg whole at the touch."""
    if row == trip[0][0]:
        return True
    made = moved(market, trip, row)
    if made is None or not can_enter[row]:
        return False
    for at, legs in made:
        arrives = market.arrival(at)
        if arrives is None or market.day[arrives] != market.day[at]:
            return False
        for i, qty in legs.items():
            if not (market.is_quoted(at, i) and market.is_quoted(arrives, i)):
                return False
            _, _, bid_qty, ask_qty = market.snaps[arrives][i]
            if (ask_qty if qty > 0 else bid_qty) < abs(qty):
                return False
    return True


def money(market, trip, row, components, sign=1):
    """Gross and cost of a trip that begins at a row, rupees; with sign -1 of its opposite."""
    gross = cost = Fraction(0)
    for at, legs in moved(market, trip, row):
        for i, qty in legs.items():
            mid = Fraction(market.mid2(at, i), 200)
            price, fee = market.fill(at, i, sign * qty, components)
            gross -= sign * qty * mid
            cost += sign * qty * (price - mid) + fee
    return gross, cost


def ways(allowed, occupied, n, at=0):
    """All placements of the trips of a day, in order, without overlap."""
    if not allowed:
        return [()]
    return [
        (row, *rest)
        for row in range(at, n)
        if allowed[0][row]
        for rest in ways(allowed[1:], occupied[1:], n, row + occupied[0])
    ]


def pick(allowed, occupied, n, words):
    """The placement that a draw's words choose, one word a trip."""
    at, chosen = 0, []
    for k, word in enumerate(words):
        rest = [len(ways(allowed[k:], occupied[k:], n, row)) for row in range(n + 1)]
        u = Fraction(word >> 12, 2**52) * rest[at]
        row = max(row for row in range(at, n) if rest[row] > u)
        chosen.append(row)
        at = row + occupied[k]
    return chosen


def held_gain(market, own_row, row, held, span):
    """What a position earns over rows, struck anew at `row`, rupees; None where not quoted."""
    total = Fraction(0)
    for i, qty in held.items():
        other = market.stand_in(own_row, row, i)
        if other is None:
            return None
        if row != own_row and not all(market.is_quoted(t, other) for t in span):
            return None
        total += qty * Fraction(market.mid2(span[1], other) - market.mid2(span[0], other), 200)
    return total


def periods(trip):
    """(row, row, position) between the actions of a trip."""
    found, held = [], {}
    for (a, legs), (b, _) in itertools.pairwise(trip):
        held = {i: held.get(i, 0) + legs.get(i, 0) for i in {*held, *legs}}
        held = {i: qty for i, qty in held.items() if qty}
        if a < b and held:
            found.append((a, b, held))
    return found


def turned(market, trip, offset):
    """PnL of a trip, its day turned by an offset; None where it is not quoted."""
    rows = market.rows(market.day[trip[0][0]])
    first, steps = rows[0], len(rows) - 1
    begin, total = trip[0][0] - first, Fraction(0)
    over = begin + offset >= steps
    for a, b, held in periods(trip):
        low, high = (x - first + offset - (steps if over else 0) for x in (a, b))
        parts = [(begin + offset - (steps if over else 0), low, min(high, steps))]
        if high > steps:
            parts.append((0, max(low - steps, 0), high - steps))
        for struck, start, stop in parts:
            if start < stop:
                span = (first + start, first + stop)
                gain = held_gain(market, trip[0][0], first + struck, held, span)
                if gain is None:
                    return None
                total += gain
    return total


def lagged(market, trip, lag):
    """PnL of a trip some snapshots later, cut off at the ends of the day; None: not quoted."""
    rows = market.rows(market.day[trip[0][0]])
    total = Fraction(0)

    def at(row):
        return min(max(row + lag, rows[0]), rows[-1])

    for a, b, held in periods(trip):
        if at(a) < at(b):
            gain = held_gain(market, trip[0][0], at(trip[0][0]), held, (at(a), at(b)))
            if gain is None:
                return None
            total += gain
    return total


def spans(market, trips, day):
    """(row, length, position) of a day, flat ones too."""
    rows = market.rows(day)
    held_at = {t: {} for t in rows}
    for trip in trips:
        for a, b, held in periods(trip):
            held_at |= {t: held for t in range(a, b) if t in held_at}
    found = []
    for t in rows[:-1]:
        changes = any(t == at for trip in trips for at, _ in trip)
        if not found or changes:
            found.append((t, 1, held_at[t]))
        else:
            found[-1] = (found[-1][0], found[-1][1] + 1, found[-1][2])
    return found


def ordered(market, day_spans, key, draw, first, n_spans, tries=64):
    """Gains of the spans of a day in a draw's order, flat ones 0, and whether it is their own.

    `first` is the day's first span.
    """
    rows_of_day = day_spans[0][0]
    for attempt in range(tries + 1):
        order = list(range(len(day_spans)))
        if attempt < tries:
            for i in range(len(order) - 1, 0, -1):
                word = rng.word(key, draw, attempt * n_spans + first + i)
                j = rng.below(word, i + 1)
                order[i], order[j] = order[j], order[i]
        row, gains = rows_of_day, []
        for k in order:
            own, length, held = day_spans[k]
            gains.append(held_gain(market, own, row, held, (row, row + length)) if held else 0)
            row += length
        if None not in gains:
            return gains, attempt == tries
    raise AssertionError("a day's own order is quoted")
