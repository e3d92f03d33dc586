"""Stated capital and margin calls; C functions only."""
