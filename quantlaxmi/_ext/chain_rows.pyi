"""Snapshots of an option chain; C functions only."""
