"""Canonical bytes and hashes of traces from docs/TRACE_FORMAT.md: struct and hashlib alone.

Headers and decisions are plain dicts whose keys are the fields of the document.
"""

from __future__ import annotations

import hashlib
import struct


def text(value):
    raw = value.encode("utf-8")
    return struct.pack("<H", len(raw)) + raw


def optional(value):
    return struct.pack("<B", 0) if value is None else struct.pack("<Bq", 1, value)


def header_bytes(h):
    out = b"QLH\x01" + struct.pack("<H", h["schema_version"])
    out += struct.pack("<H", h["semantics_version"]) + h["segment_digest"]
    out += text(h["strategy_id"])
    out += h["config_hash"] + h["cost_hash"] + h["latency_hash"] + h["risk_hash"]
    out += struct.pack("<Q", h["seed"]) + struct.pack("<H", len(h["instruments"]))
    for i in h["instruments"]:
        out += text(i["symbol"]) + text(i["venue"]) + text(i["venue_symbol"]) + text(i["kind"])
        out += struct.pack("<b", i["price_exponent"]) + struct.pack("<b", i["qty_exponent"])
        out += text(i["currency"]) + text(i["base"])
        out += struct.pack("<q", i["tick"]) + struct.pack("<q", i["lot"])
        places, units = i.get("contract_exponent", 0), i.get("price_units", 1)
        if (places, units) == (0, 1):
            out += struct.pack("<q", i["contract_size"])
        else:
            out += struct.pack("<q", -i["contract_size"])
            out += struct.pack("<b", places) + struct.pack("<q", units)
        out += optional(i["expiry_ns"])
        if i.get("contract_id") is None:
            out += optional(i["strike"])
        elif i["strike"] is None:
            out += struct.pack("<B", 2) + text(i["contract_id"])
        else:
            out += struct.pack("<Bq", 3, i["strike"]) + text(i["contract_id"])
    return out


def decision_bytes(d):
    out = b"QLD\x02" + struct.pack("<Q", d["sequence"])
    out += struct.pack("<q", d["seq"]) + struct.pack("<q", d["ts_ns"])
    out += struct.pack("<B", d["decision_type"]) + struct.pack("<b", d["direction"])
    out += struct.pack("<B", d["bundle"]) + optional(d["confidence"])
    out += hashlib.sha256(d["rationale"].encode("utf-8")).digest()[:8]
    if d["bundle"] > 1:
        out += struct.pack("<q", d["units"])
    out += struct.pack("<H", len(d["legs"]))
    for leg in d["legs"]:
        out += struct.pack("<H", leg["instrument"]) + struct.pack("<B", leg["action"])
        out += struct.pack("<b", leg["side"]) + struct.pack("<B", leg["order_type"])
        out += struct.pack("<B", leg["time_in_force"]) + struct.pack("<q", leg["qty"])
        out += struct.pack("<q", leg["reference_price"]) + optional(leg["limit_price"])
        out += optional(leg["target"])
        for field in ("bid", "bid_qty", "ask", "ask_qty", "quote_ts_ns"):
            out += struct.pack("<q", leg[field])
    return out


def read_decisions(raw):
    """Decisions of record bytes, rationale as its 8 bytes: what a record says, nothing is lost."""
    at, found = 0, []

    def take(code):
        nonlocal at
        value = struct.unpack_from("<" + code, raw, at)[0]
        at += struct.calcsize("<" + code)
        return value

    while at < len(raw):
        assert take("4s") == b"QLD\x02"
        d = {"sequence": take("Q"), "seq": take("q"), "ts_ns": take("q")}
        d["decision_type"], d["direction"], d["bundle"] = take("B"), take("b"), take("B")
        d["confidence"] = take("q") if take("B") else None
        d["rationale_hash"] = take("8s")
        d["units"] = take("q") if d["bundle"] > 1 else 1
        d["legs"] = []
        for _ in range(take("H")):
            leg = {"instrument": take("H"), "action": take("B"), "side": take("b")}
            leg["order_type"], leg["time_in_force"] = take("B"), take("B")
            leg["qty"], leg["reference_price"] = take("q"), take("q")
            leg["limit_price"] = take("q") if take("B") else None
            leg["target"] = take("q") if take("B") else None
            for field in ("bid", "bid_qty", "ask", "ask_qty", "quote_ts_ns"):
                leg[field] = take("q")
            d["legs"].append(leg)
        found.append(d)
    return found


def trace_hash(header, decisions):
    raw = header_bytes(header)
    out = b"QLT\x01" + struct.pack("<I", len(raw)) + raw
    for d in decisions:
        out += decision_bytes(d)
    return hashlib.sha256(out + struct.pack("<Q", len(decisions))).digest()


def outcome_hash(header, orders, fills, funding, risk, borrow=(), bundles=(), settled=()):
    """Each table a list of rows, each row its integers in the order of the document."""
    out = b"QLO\x02" + hashlib.sha256(header_bytes(header)).digest()
    plain = [("", rows) for rows in (orders, fills, funding, risk)]
    for name, rows in (*plain, ("borrow", borrow), ("bundles", bundles), ("settled", settled)):
        if name and not rows:
            continue
        out += text(name) if name else b""
        out += struct.pack("<Q", len(rows))
        for row in rows:
            for value in row:
                out += struct.pack("<q", value)
    return hashlib.sha256(out).digest()


def uuid8(digest):
    """Hex digits of the UUIDv8 of a digest."""
    raw = bytearray(digest[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return raw.hex()


def derived_id(header_hash, stage, sequence):
    raw = b"QLI\x01" + header_hash + struct.pack("<B", stage) + struct.pack("<Q", sequence)
    return uuid8(hashlib.sha256(raw).digest())
