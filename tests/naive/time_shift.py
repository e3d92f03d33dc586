"""Circular time shift, step by step, in Python integers."""

from fractions import Fraction


def gains(trips, market, offset=0):
    """PnL of each trip with every position held `offset` steps later on the circle of steps.

    A trip is {step: {instrument: quantity}}: what it holds over each step of the market. `market`
    gives mid2 * unit by instrument and row; step r leads from row r to row r + 1.
    """
    steps = len(market[0]) - 1
    found = []
    for trip in trips:
        gain = 0
        for step, held in trip.items():
            at = (step + offset) % steps
            gain += sum(q * (market[i][at + 1] - market[i][at]) for i, q in held.items())
        found.append(gain)
    return found


def sums(trips, market, offset):
    """(S, Q) over trips; one that passes the end is still one."""
    found = gains(trips, market, offset)
    return sum(found), sum(g * g for g in found)


def offsets(steps, n_shifts):
    return [k * steps // (n_shifts + 1) for k in range(1, n_shifts + 1)]


def distinct(path):
    """Different rotations of a path."""
    return len({tuple(path[k:] + path[:k]) for k in range(len(path))})


def decorrelation(path, weights, factor=5):
    """Integrated autocorrelation time of a circular path of position vectors."""
    n = len(path)
    centred = [
        [Fraction(x[i]) - Fraction(sum(y[i] for y in path), n) for x in path]
        for i in range(len(weights))
    ]

    def covariance(lag):
        return sum(
            w * sum(x[t] * x[(t + lag) % n] for t in range(n))
            for w, x in zip(weights, centred, strict=True)
        )

    variance = covariance(0)
    if not variance:
        return None
    longest, window = Fraction(1), 1
    while window <= (n - 1) // 2:
        tau = 1 + 2 * sum(covariance(lag) for lag in range(1, window + 1)) / variance
        longest = max(longest, tau)
        if window >= factor * tau:
            break
        window *= 2
    return longest


def later_by_moves(row, moves, market, held):
    """Row after so many changes of a held mid from `row`, walking; or before, for negative ones."""

    def moved(r):
        return any(market[i][r] != market[i][r - 1] for i in held)

    last = len(market[0]) - 1
    while moves > 0:
        steps = [r for r in range(row + 1, last + 1) if moved(r)]
        if not steps:
            return last
        row, moves = steps[0], moves - 1
    while moves < 0:
        while row > 0 and not moved(row):
            row -= 1
        if row == 0:
            return 0
        row, moves = row - 1, moves + 1
    return row


def later_by_time(row, ns, ts_ns):
    """The last row no later than the time of `row` plus `ns`; the first where there is none."""
    return max([r for r, t in enumerate(ts_ns) if t <= ts_ns[row] + ns], default=0)


def profile(stretches, market, place):
    """Gross of stretches (start, stop, held) whose ends stand where `place` puts them."""
    return sum(
        q * (market[i][place(stop)] - market[i][place(start)])
        for start, stop, held in stretches
        for i, q in held.items()
    )
