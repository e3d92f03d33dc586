"""``trials``: the ledger of what was tried, and the holdouts that are sealed in it."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import print_facts, print_json, print_table, shortened
from quantlaxmi.cli.values import utc_nanoseconds, utc_text
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.trials import Extent, Judgement, TrialLedger

USAGE = """
List, count, merge or verify the trials of a ledger, or seal the end of a segment as a holdout.

Usage:
  {program} trials (list|count|merge|verify|seal) [FOLDER]... [--trials DIR]
                 [{segment} DIR] [--from TIME] [--json]

Options:
  --trials DIR       Folder of the ledger, which exists; by default that of QUANTLAXMI_TRIALS.
  {segment} DIR  list, count: only trials that bear on this segment: on parts of one parent, or
                     at overlapping times of an instrument. seal: the segment.
  --from TIME        seal: receive time of the first sealed row, UTC: 2024-08-08T12:00:00Z, or
                     nanoseconds. Runs, gates and grids that read it or a later row are refused.
  --json             One JSON document instead of text.

merge FOLDER... copies the files of other ledgers into that of --trials; the order does not matter.
A trial counts once by segment, strategy, code and settings. verify reads every file anew.

Exit codes: 0 done, 2 bad input or a broken chain, with file and line.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.trials import ENVIRONMENT, TrialLedger

    action = next(name for name in ("list", "count", "merge", "verify", "seal") if args[name])
    _check_options(args, action)
    folder = args["--trials"] or os.environ.get(ENVIRONMENT)
    if not folder:
        raise InputError("--trials", f"is missing, and {ENVIRONMENT} is not set; expected a folder")
    ledger = TrialLedger(folder).refresh()
    if action == "merge":
        return _merge(ledger, args)
    if action == "verify":
        return _verify(ledger, as_json=args["--json"])
    if action == "seal":
        return _seal(ledger, args)
    data = _extent(args)
    return (_list if action == "list" else _count)(ledger, data, as_json=args["--json"])


def _check_options(args: dict[str, Any], action: str) -> None:
    """Refuse what belongs to another action, and ask for what this one needs.

    Raises
    ------
    InputError
    """
    if args["FOLDER"] and action != "merge":
        raise InputError(f"trials {action}", f"takes no folder, was {args['FOLDER'][0]!r}")
    if action == "merge" and not args["FOLDER"]:
        raise InputError("trials merge", "needs the folders of other ledgers")
    if args["--from"] is not None and action != "seal":
        raise InputError("--from", "belongs to trials seal")
    if args["--segment-dir"] is not None and action in ("merge", "verify"):
        raise InputError("--segment-dir", "belongs to trials list, count and seal")
    if action == "seal":
        for option in ("--segment-dir", "--from"):
            if args[option] is None:
                raise InputError(option, "is missing; trials seal needs it")


def _extent(args: dict[str, Any]) -> Extent | None:
    """The data that trials shall bear on; None for all."""
    if args["--segment-dir"] is None:
        return None
    from quantlaxmi.segment import open_whole
    from quantlaxmi.trials import extent_of

    return extent_of(open_whole(args["--segment-dir"]))


def _list(ledger: TrialLedger, data: Extent | None, *, as_json: bool) -> int:
    import msgspec

    trials = ledger.trials(data)
    if as_json:
        print_json([msgspec.to_builtins(one) for one in trials])
        return 0
    rows = [
        (
            k,
            one.purpose,
            one.strategy,
            shortened(" ".join(f"{k}={v}" for k, v in one.config.items()), 60),
            one.data.segment[:16],
            utc_text(one.data.first_ns),
            utc_text(one.data.last_ns),
            f"{one.round_trips:,}",
            one.code[:8],
        )
        for k, one in enumerate(trials, 1)
    ]
    heads = ("trial", "purpose", "strategy", "settings", "segment", "from", "to", "round trips",
             "code")  # fmt: skip
    print_table(heads, rows)
    return 0


def _count(ledger: TrialLedger, data: Extent | None, *, as_json: bool) -> int:
    keys = ledger.trial_keys(data)
    facts = {
        "trials": len(keys),
        "settings": len({(key.strategy, key.code, key.config) for key in keys}),
        "segments": len({key.segment for key in keys}),
        "strategies": dict(sorted(Counter(key.strategy for key in keys).items())),
    }
    if as_json:
        print_json(facts)
    else:
        counts = facts.pop("strategies")
        assert isinstance(counts, dict)
        print_facts({**facts, **{f"trials of {name}": n for name, n in counts.items()}})
    return 0


def _merge(ledger: TrialLedger, args: dict[str, Any]) -> int:
    from quantlaxmi.trials import merge_ledgers

    files, lines = merge_ledgers(ledger.folder, args["FOLDER"])
    facts = {"files": files, "lines": lines, "trials": ledger.refresh().count()}
    print_json(facts) if args["--json"] else print_facts(facts)
    return 0


def _verify(ledger: TrialLedger, *, as_json: bool) -> int:
    from quantlaxmi.trials import holdouts

    ledger.check_whole()
    facts: dict[str, Any] = {
        "result": "TRIALS_SOUND",
        "files": len(ledger.files),
        "lines": sum(len(file.hashes) for file in ledger.files),
        "trials": ledger.count(),
        "seals": [
            {
                "seal": one.seal.seal_id,
                "segment": one.seal.data.segment,
                "from": utc_text(one.seal.from_ns),
                "opened_for": None if one.opening is None else one.opening.config_hash,
                "pending": one.pending,
                "judgement": _answer(one.judgement),
            }
            for one in holdouts(ledger)
        ],
        "torn": [
            f"{one.path.name}: {counted(one.torn, 'byte[s]')}" for one in ledger.files if one.torn
        ],
        "last": {file.path.name: file.last for file in ledger.files},
    }
    if as_json:
        print_json(facts)
        return 0
    print(facts.pop("result"))
    facts["seals"] = [_seal_line(one) for one in facts["seals"]]
    facts["last"] = [f"{name} {last}" for name, last in facts["last"].items()]
    print_facts(facts)
    return 0


def _answer(found: Judgement | None) -> dict[str, str] | None:
    """What was found in an opened seal's rows; None where nobody has said so far."""
    if found is None:
        return None
    return {"verdict": found.verdict, "reason": found.reason, "report": found.report}


def _seal_line(one: dict[str, Any]) -> str:
    """A seal in a line."""
    begun = f"{one['segment'][:16]} from {one['from']}, "
    if one["opened_for"] is None:
        return f"{begun}sealed"
    begun, answer = f"{begun}opened for {one['opened_for'][:16]}", one["judgement"]
    if one["pending"]:
        return f"{begun}, without a verdict so far: the same command goes on"
    if answer is None:
        return begun
    return f"{begun}, {answer['verdict']} by report {answer['report'][:16]}: {answer['reason']}"


def _seal(ledger: TrialLedger, args: dict[str, Any]) -> int:
    from quantlaxmi.segment import open_whole
    from quantlaxmi.trials import seal_from

    from_ns = utc_nanoseconds("--from", args["--from"])
    made = seal_from(open_whole(args["--segment-dir"]), from_ns, ledger)
    facts = {
        "seal": made.seal_id,
        "segment": made.data.segment,
        "from": utc_text(made.from_ns),
        "to": utc_text(made.data.last_ns),
    }
    print_json(facts) if args["--json"] else print_facts(facts)
    return 0
