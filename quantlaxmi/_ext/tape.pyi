"""A market and its lanes; C functions only."""
