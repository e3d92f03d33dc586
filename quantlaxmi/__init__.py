"""quantlaxmi tells whether a trading edge is real."""

__version__ = "0.1.0"
