"""Orders on their way; C functions only."""
