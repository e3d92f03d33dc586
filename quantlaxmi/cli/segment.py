"""``segment``: show, verify, measure, split, export or recover a segment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quantlaxmi.cli.output import print_facts, print_json, print_table
from quantlaxmi.cli.run_files import check_new_folder
from quantlaxmi.cli.segment_info import show_info
from quantlaxmi.cli.segment_quality import show_quality
from quantlaxmi.cli.values import whole_number
from quantlaxmi.counted import counted
from quantlaxmi.errors import InputError

USAGE = """
Show, verify, measure, split, export or recover a segment.

Usage:
  {program} segment (info|verify|quality|split|export|recover) {segment} DIR
                 [--stale-ms N] [--all] [--rows N] [--by-day] [--out DIR] [--json]

Options:
  {segment} DIR  The segment's folder.
  --stale-ms N       quality: a longer time without a message is a silence [default: 5000].
  --all              info, quality: every instrument and file of a segment that has many.
  --rows N           split: messages in each part.
  --by-day           split: one part for each UTC day.
  --out DIR          split, export: folder to create.
  --json             One JSON document instead of tables.

info reads the manifest. verify reads every byte of the log, the columns and the manifest, and
names the file that was changed. quality counts messages, silence, clocks, spreads, books and basis;
docs/DATA_QUALITY.md says how. info and quality show more than 40 instruments by expiry. split keeps
the global message numbers. export writes one Parquet file for each table. recover cuts the log of a
recording whose writer died at its last whole batch and seals it.
"""


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.segment import verify_segment

    folder, as_json = args["--segment-dir"], args["--json"]
    for option, actions in (
        ("--rows", ("split",)),
        ("--by-day", ("split",)),
        ("--out", ("split", "export")),
        ("--all", ("info", "quality")),
    ):
        if args[option] and not any(args[action] for action in actions):
            raise InputError(option, f"belongs to segment {' and '.join(actions)}")
    if args["info"]:
        show_info(folder, as_json, args["--all"])
    elif args["verify"]:
        facts = verify_segment(folder)
        print_json(facts) if as_json else print_facts(facts)
    elif args["recover"]:
        facts = _recovered(folder)
        print_json(facts) if as_json else print_facts(facts)
    elif args["quality"]:
        stale_ms = whole_number("--stale-ms", args["--stale-ms"], 1, 10**12)
        show_quality(folder, stale_ms, as_json, args["--all"])
    elif not args["--out"]:
        raise InputError("--out", "is missing, expected a folder to create")
    else:
        check_new_folder("--out", args["--out"], [folder])
    if args["split"]:
        _split(args)
    elif args["export"]:
        _export(args)
    return 0


def _recovered(folder: str) -> dict[str, Any]:
    from quantlaxmi.segment import SegmentWriter

    with SegmentWriter.resume(folder) as writer:
        report = writer.recovery
        segment = writer.seal()
    cuts = [] if report is None else report.cuts
    return {
        "path": str(segment.path),
        "digest": segment.digest,
        "messages": segment.n_messages,
        "cuts": [f"{cut.file}: {counted(cut.cut_bytes, 'byte[s]')}, {cut.reason}" for cut in cuts],
    }


def _split(args: dict[str, Any]) -> None:
    from quantlaxmi.segment import open_segment, split_segment

    rows = args["--rows"]
    if (rows is None) == (not args["--by-day"]):
        raise InputError("segment split", "needs one of --rows N and --by-day")
    parts = split_segment(
        open_segment(args["--segment-dir"]),
        args["--out"],
        rows=None if rows is None else whole_number("--rows", rows, 1),
        by_day=args["--by-day"],
    )
    made = [{"path": str(p.path), "messages": p.n_messages, "digest": p.digest} for p in parts]
    if args["--json"]:
        print_json(made)
    else:
        print_table(("part", "messages", "digest"), [tuple(m.values()) for m in made])


def _export(args: dict[str, Any]) -> None:
    from quantlaxmi.segment import export, open_segment, staged_directory

    segment = open_segment(args["--segment-dir"])
    with staged_directory(args["--out"]) as staged:
        names = [
            export(segment, table, staged / f"{table}.parquet").name for table in segment.counts
        ]
    files = [str(Path(args["--out"]) / name) for name in names]
    print_json(files) if args["--json"] else print("\n".join(files))
