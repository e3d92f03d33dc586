"""Typed events: what strategies receive, decide and are told, and what a trace is read as."""

from quantlaxmi.events.decisions import *  # noqa: F403
from quantlaxmi.events.decisions import __all__ as __all__
