"""Shared settings: which package is under test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import quantlaxmi


def pytest_sessionstart(session: pytest.Session) -> None:
    """With QUANTLAXMI_TEST_INSTALLED set, refuse to test anything but the installed package."""
    place = Path(quantlaxmi.__file__).resolve()
    if os.environ.get("QUANTLAXMI_TEST_INSTALLED") and "site-packages" not in place.parts:
        raise pytest.UsageError(f"tests must run against the installed package, not {place}")
