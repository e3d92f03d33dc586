"""Sweeps over many segments: items, a catalog that survives anything, inference over all of it."""

from __future__ import annotations

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.compaction import compact
from quantlaxmi.batch.export import export_catalog
from quantlaxmi.batch.family import FamilyItem, FamilyResult, family
from quantlaxmi.batch.options import SweepState
from quantlaxmi.batch.plan import Plan, WorkItem, item_key, plan
from quantlaxmi.batch.rows import Row
from quantlaxmi.batch.sweep import sweep

__all__ = [
    "Catalog",
    "FamilyItem",
    "FamilyResult",
    "Plan",
    "Row",
    "SweepState",
    "WorkItem",
    "compact",
    "export_catalog",
    "family",
    "item_key",
    "plan",
    "sweep",
]
