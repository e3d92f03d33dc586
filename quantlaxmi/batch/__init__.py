"""Sweeps over many segments: items, a catalog that survives anything, inference over all of it."""

from __future__ import annotations

from quantlaxmi.batch.catalog import Catalog
from quantlaxmi.batch.compaction import compact
from quantlaxmi.batch.export import export_catalog
from quantlaxmi.batch.plan import Plan, WorkItem, item_key, plan
from quantlaxmi.batch.rows import Row

__all__ = ["Catalog", "Plan", "Row", "WorkItem", "compact", "export_catalog", "item_key", "plan"]
