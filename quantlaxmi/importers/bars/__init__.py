"""Bars of any table or archive as quotes that are never traded at the bar that decided."""
