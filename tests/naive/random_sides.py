"""Random sides of trips, in Python integers."""

from tests.naive import rng


def random_sides(key, draw, gains):
    """(S, Q) of one draw: trip j turns where bit j of the draw's words is 1."""
    s = 0
    for j, gain in enumerate(gains):
        s += -gain if rng.word(key, draw, j // 64) >> (j % 64) & 1 else gain
    return s, sum(g * g for g in gains)
