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


def matched(key, draw, market, trips, occupied, free):
    """(S, Q, net S, net Q) of one draw.

    `market` gives mid2 * unit by instrument and tradeable row; a trip is a list of
    (offset, {instrument: quantity}, cost by tradeable row).
    """
    s = q = ns = nq = 0
    for trip, start in place(key, draw, free, occupied):
        gross = cost = 0
        for offset, bundle, costs in trips[trip]:
            row = start + offset
            gross -= sum(quantity * market[i][row] for i, quantity in bundle.items())
            cost += costs[row]
        s, q = s + gross, q + gross**2
        ns, nq = ns + gross - cost, nq + (gross - cost) ** 2
    return s, q, ns, nq


def neutral(key, draw, market, trips, occupied, free):
    """Gross of the draw and of its mirror."""
    k = len(occupied)
    totals = [0, 0]
    for member in range(2):
        for j, (trip, start) in enumerate(place(key, draw, free, occupied)):
            coin = rng.word(key, draw, 2 * k + j) >> 63
            sign = -1 if coin ^ member else 1
            for offset, bundle, _ in trips[trip]:
                row = start + offset
                totals[member] -= sign * sum(q * market[i][row] for i, q in bundle.items())
    return tuple(totals)
