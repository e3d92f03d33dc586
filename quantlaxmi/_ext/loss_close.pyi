"""A loss that closes; C functions only."""
