"""States of a feed as rows, one at a time: trades, depth and quotes, and lines set aside."""

DAY = 86_400 * 10**9
IST = 19_800 * 10**9


def fault(state, is_index):
    """Reason why a state is refused, or None."""
    if state["ts"] <= 0:
        return "bad-stamp"
    if max(state["exch"], state["trade"]) - state["ts"] > 5 * 10**9:
        return "exchange-ahead"
    if state["index"] != is_index:
        return "wrong-shape"
    if state["last"] < 0 or (state["index"] and state["last"] == 0):
        return "price-not-positive"
    if state["qty"] < 0 or (state["volume"] is not None and state["volume"] < 0):
        return "bad-quantity"
    sides = state["book"] or ([], [])
    if any(p < 0 or q < 0 or (p > 0) != (q > 0) for side in sides for p, q in side):
        return "bad-quantity"
    for side, sign in zip(sides, (1, -1), strict=True):
        there = [sign * p for p, q in side if q]
        holes = [k for k, (p, q) in enumerate(side) if q] != list(range(len(there)))
        if holes or there != sorted(set(there), reverse=True):
            return "level-order"
    if sides[0] and sides[0][0][1] and sides[1][0][1] and sides[0][0][0] > sides[1][0][0]:
        return "crossed-book"
    return None


def session(states, faults, indices, window=10**9):
    """Rows by table and reasons by line, of states in the order of lines.

    `indices` tells of each instrument whether it is an index; `faults` are those of the lines.
    """
    faults = dict(faults)
    for state in states:
        why = fault(state, indices[state["instrument"]])
        if why:
            faults.setdefault(state["line"], why)
    good = [one for one in states if one["line"] not in faults]
    latest, late = 0, set()
    for one in good:
        latest = max(latest, one["ts"])
        if latest - one["ts"] > window:
            late.add(one["line"])
    faults.update(dict.fromkeys(late, "time-reversal"))
    good = sorted((one for one in good if one["line"] not in late), key=lambda one: one["ts"])
    rows = {"trades": [], "depth": [], "quotes": []}
    seq, volumes, values, counts = 0, {}, {}, {}
    for one in good:
        who, ts = one["instrument"], one["ts"]
        size = None
        if one["index"]:
            if values.get(who) != one["last"]:
                size = 0
            values[who] = one["last"]
        elif one["volume"] is not None:
            before, day = volumes.get(who, (None, None))
            more = one["volume"] - before if day == (ts + IST) // DAY else 0
            if more > 0 and one["last"] > 0 and one["qty"] > 0:
                size = min(more, one["qty"])
            volumes[who] = one["volume"], (ts + IST) // DAY
        if size is not None:
            counts[who] = counts.get(who, 0) + 1
            when = one["trade"] or one["exch"]
            rows["trades"].append((seq, ts, who, when, counts[who], one["last"], size, 0))
            seq += 1
        if one["book"]:
            bids, asks = one["book"]
            levels = [(1, p, q) for p, q in bids if q] + [(-1, p, q) for p, q in asks if q]
            levels = levels or [(0, 0, 0)]
            for k, level in enumerate(levels):
                flags = 3 if k == len(levels) - 1 else 2
                rows["depth"].append((seq, ts, who, one["exch"], 0, 0, -1, *level, flags))
            rows["quotes"].append((seq + 1, ts, who, one["exch"], 0, *bids[0], *asks[0], 0))
            seq += 2
    return rows, faults
