"""Label permutation, row by row, in Python integers."""

from tests.naive import rng


def cut(position, block):
    """Runs [(position, length)] of each block, from the position held over each step."""
    blocks = []
    for row, held in enumerate(position):
        if row == 0 or block[row] != block[row - 1]:
            blocks.append([])
        if blocks[-1] and blocks[-1][-1][0] == held:
            blocks[-1][-1] = (held, blocks[-1][-1][1] + 1)
        else:
            blocks[-1].append((held, 1))
    return blocks


def sums(blocks, market):
    """(S, Q): Q over the runs that are not flat; `market` is mid2 * unit by instrument."""
    s = q = row = 0
    for runs in blocks:
        for held, length in runs:
            gain = 0
            for _ in range(length):
                gain += sum(n * (market[i][row + 1] - market[i][row]) for i, n in held)
                row += 1
            if held:
                s, q = s + gain, q + gain**2
    return s, q


def shuffled(key, draw, blocks):
    """The blocks with their runs in the draw's order."""
    out, first = [], 0
    for runs in blocks:
        order = list(range(len(runs)))
        for i in range(len(runs) - 1, 0, -1):
            j = rng.below(rng.word(key, draw, first + i), i + 1)
            order[i], order[j] = order[j], order[i]
        out.append([runs[j] for j in order])
        first += len(runs)
    return out
