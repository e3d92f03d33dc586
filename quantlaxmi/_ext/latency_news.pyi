"""Drawn latencies and late news; C functions only."""
