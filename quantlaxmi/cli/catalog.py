"""``catalog``: what a sweep's catalog holds, whether it is whole, and its rows for others."""

from __future__ import annotations

from typing import Any

from quantlaxmi.cli.output import print_facts, print_json
from quantlaxmi.errors import InputError

USAGE = """
Show, verify, compact or export the catalog of sweeps.

Usage:
  {program} catalog (info|verify|compact|export) --catalog DIR [--format NAME] [--out FILE]
                 [--json]

Options:
  --catalog DIR  Folder of the catalog.
  --format NAME  export: parquet, sqlite, or delta, which needs the extra delta
                 [default: parquet].
  --out FILE     export: the file to write, or a URL of fsspec; of a Delta table the folder.
  --json         One JSON document instead of text.

info reads the journals. verify reads every journal and every report anew and prints a hash of all
rows, which is equal for equal results, and whether the Parquet view is theirs. compact writes that
view anew. export writes one row an item.

Exit codes: 0 done, 2 no catalog, or a byte of it was changed.
"""

_VIEWS = {
    "none": "none",
    "current": "that of the journals",
    "older": "of other lines than the journals have; catalog compact writes it anew",
    "other": "has other rows, or another version of Arrow wrote it; catalog compact writes it anew",
}


def main(args: dict[str, Any]) -> int:
    from quantlaxmi.batch import Catalog

    action = next(name for name in ("info", "verify", "compact", "export") if args[name])
    if (args["--out"] is None) == (action == "export"):
        words = "is missing; catalog export needs it" if action == "export" else "belongs to export"
        raise InputError("--out", words)
    catalog = Catalog.open(args["--catalog"])
    facts: dict[str, Any] = {}
    if action == "info":
        facts = catalog.describe()
    elif action == "verify":
        facts = {"rows_hash": catalog.verify(), "items": len(catalog.rows), "view": catalog.view()}
        if not args["--json"]:
            facts["view"] = _VIEWS[facts["view"]]
    elif action == "compact":
        from quantlaxmi.batch import compact

        facts = {"rows": compact(catalog)}
    else:
        from quantlaxmi.batch import export_catalog

        rows = export_catalog(catalog, args["--out"], args["--format"])
        facts = {"rows": rows, "file": args["--out"]}
    print_json(facts) if args["--json"] else print_facts(facts)
    return 0
