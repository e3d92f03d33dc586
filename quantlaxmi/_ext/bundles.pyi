"""Bundles and their trims; C functions only."""
