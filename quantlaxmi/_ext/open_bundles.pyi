"""Bundles on their way and their policies; C functions only."""
