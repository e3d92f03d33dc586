"""The JSON trace file of docs/TRACE_FORMAT.md, written with the standard library alone."""

from __future__ import annotations

import hashlib
import json


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def trace_json(run_id, header, hashes, tables):
    """Text of a trace file.

    ``header`` is a dict in the order of the document with its hashes in hex, ``hashes`` the three
    hex values, ``tables`` maps each table to its columns, each a list of int.
    """
    members = [
        f'"format":{compact("quantlaxmi-trace")}',
        f'"version":{compact(2)}',
        f'"run_id":{compact(run_id)}',
        f'"header":{compact(header)}',
    ]
    for name, value in zip(("header_hash", "trace_hash", "outcome_hash"), hashes, strict=True):
        members.append(f'"{name}":{compact(value)}')
    rare = [name for name in ("borrow", "bundles", "settled") if name in tables]
    for name in ("decisions", "legs", "orders", "fills", "funding", "risk", *rare):
        columns = [f'\n"{field}":{compact(values)}' for field, values in tables[name].items()]
        members.append(f'"{name}":{{{",".join(columns)}}}')
    body = ("{" + ",\n".join(members)).encode("utf-8")
    digest = hashlib.sha256(body).hexdigest()
    return body + f',\n"file_hash":"{digest}"}}\n'.encode()
