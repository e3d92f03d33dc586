"""``import --jobs``: many inputs, a segment and a line each."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantlaxmi.cli.output import print_json
from quantlaxmi.cli.values import whole_number
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

if TYPE_CHECKING:
    from quantlaxmi.batch.imports import Imported
    from quantlaxmi.importers.bars.terms import BarsTerms


def import_all(args: dict[str, Any], terms: BarsTerms | None, most: Fraction) -> int:
    """Import every ``--input`` and every further name.

    Parameters
    ----------
    args : dict
        Of the command line.
    terms : BarsTerms or None
    most : Fraction
        Share of the lines of an input that may be refused.

    Returns
    -------
    int
        1 where an input was refused, else 0.

    Raises
    ------
    InputError
        An option is not for many inputs, or the folder cannot be used.
    """
    from quantlaxmi.batch.imports import LOG, import_many

    for option in ("--spot", "--perp", "--explain-mapping"):
        if args[option]:
            raise InputError("--jobs", f"was given with {option}; expected --input alone")
    as_json = args["--json"]
    found = import_many(
        args["--format"],
        [*args["--input"], *args["INPUT"]],
        args["--out"],
        jobs=whole_number("--jobs", args["--jobs"], 1, 1024),
        told=None if as_json else lambda one: print(_line(one), flush=True),
        mapping=args["--mapping"],
        bars=terms,
        underlying=args["--underlying"],
        strict=args["--strict"],
        max_quarantine=most,
    )
    statuses: Counter[str] = Counter(one.status for one in found)
    log = Path(args["--out"], LOG)
    if as_json:
        print_json({"inputs": [_plain(one) for one in found], "status": dict(statuses)})
    else:
        told = [f"{statuses[name]} {name}" for name in ("made", "there", "refused")]
        where = f"; {log} has what was refused" if log.exists() else ""
        print(f"{counted(len(found), 'input[s]')}: {', '.join(told)}{where}")
    return int(statuses["refused"] > 0)


def _line(one: Imported) -> str:
    """What became of an input, in one line."""
    if one.status == "refused":
        return f"{one.input}: refused: {one.error}"
    if one.status == "there":
        return f"{one.input}: {one.segment} is there"
    messages = sum(one.messages.values())
    refused = f", {counted(one.quarantined, 'line[s]')} refused" if one.quarantined else ""
    return (
        f"{one.input}: {one.segment}, {counted(messages, 'message[s]')}{refused}, digest "
        f"{one.digest[:16]}"
    )


def _plain(one: Imported) -> dict[str, Any]:
    return {
        "input": one.input,
        "segment": one.segment,
        "status": one.status,
        "error": one.error,
        "digest": one.digest,
        "lines": one.lines,
        "messages": dict(one.messages),
        "quarantined": one.quarantined,
        "quarantine_reasons": dict(one.reasons),
    }
