"""Decisions as the engine records them; C functions only."""
