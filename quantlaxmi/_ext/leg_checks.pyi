"""Checks of the legs of a decision; C functions only."""
