"""Random placement of trips and its sums, in Python integers and lists."""

from tests.naive import rng


def subset(key, draw, n, k):
    """Floyd: k different numbers below n, ascending."""
    chosen = set()
    for i in range(k):
        top = n - k + i
        t = rng.below(rng.word(key, draw, i), top + 1)
        chosen.add(top if t in chosen else t)
    return sorted(chosen)


def place(key, draw, free, occupied):
    """(trip, first row) in the order in which the trips stand."""
    k = len(occupied)
    bars = subset(key, draw, free + k, k)
    order = list(range(k))
    for i in range(k - 1, 0, -1):
        j = rng.below(rng.word(key, draw, k + i), i + 1)
        order[i], order[j] = order[j], order[i]
    placed, taken = [], 0
    for j, trip in enumerate(order):
        placed.append((trip, bars[j] - j + taken))
        taken += occupied[trip]
    return placed


def funding(actions, start, dues, sign=1):
    """What a trip that begins on tradeable row `start` receives.

    `dues` are (row, instrument, payment on a quantity): orders decided on rows before `row` are in.
    """
    total = 0
    for due, i, payment in dues:
        held = sum(bundle.get(i, 0) for offset, bundle, _ in actions if start + offset < due)
        over = all(start + offset < due for offset, _, _ in actions)
        total += 0 if over else payment(sign * held)
    return total


def interest(actions, start, loans, sign=1):
    """What a trip that begins on tradeable row `start` pays for what it sold and did not hold.

    `loans` gives by instrument (arrival by row, payment on (mid's row, quantity, ns)).
    """
    total = 0
    for i, (arrivals, payment) in loans.items():
        held, since = 0, None
        for offset, bundle, _ in actions:
            if i in bundle:
                row = start + offset
                if sign * held < 0:
                    total += payment(row, -sign * held, arrivals[row] - arrivals[since])
                held, since = held + bundle[i], row
    return total


def matched(key, draw, market, trips, occupied, free, dues=(), loans=None):
    """(S, Q, net S, net Q) of one draw.

    `market` gives mid2 * unit by instrument and tradeable row; a trip is a list of
    (offset, {instrument: quantity}, cost by tradeable row).
    """
    s = q = ns = nq = 0
    for trip, start in place(key, draw, free, occupied):
        gross, net = 0, funding(trips[trip], start, dues)
        net -= interest(trips[trip], start, loans or {})
        for offset, bundle, costs in trips[trip]:
            row = start + offset
            gross -= sum(quantity * market[i][row] for i, quantity in bundle.items())
            net -= costs[row]
        net += gross
        s, q = s + gross, q + gross**2
        ns, nq = ns + net, nq + net**2
    return s, q, ns, nq


def neutral(key, draw, market, trips, occupied, free, dues=()):
    """Gross of the draw and of its mirror, then the funding of both."""
    k = len(occupied)
    totals, received = [0, 0], [0, 0]
    for member in range(2):
        for j, (trip, start) in enumerate(place(key, draw, free, occupied)):
            coin = rng.word(key, draw, 2 * k + j) >> 63
            sign = -1 if coin ^ member else 1
            received[member] += funding(trips[trip], start, dues, sign)
            for offset, bundle, _ in trips[trip]:
                row = start + offset
                totals[member] -= sign * sum(q * market[i][row] for i, q in bundle.items())
    return (*totals, *received)
