"""Shared settings: which package is under test, how deep the tests look, what runs first."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

import quantlaxmi
from tests.depth import examples

# Property tests that name no number of examples.
settings.register_profile("quantlaxmi", max_examples=examples(100))
settings.load_profile("quantlaxmi")


def pytest_sessionstart(session: pytest.Session) -> None:
    """With QUANTLAXMI_TEST_INSTALLED set, refuse to test anything but the installed package."""
    place = Path(quantlaxmi.__file__).resolve()
    if os.environ.get("QUANTLAXMI_TEST_INSTALLED") and "site-packages" not in place.parts:
        raise pytest.UsageError(f"tests must run against the installed package, not {place}")
    # A shell's background ignores interrupts, and so would what the tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
