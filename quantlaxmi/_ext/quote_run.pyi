"""Runs of quotes; C functions only."""
