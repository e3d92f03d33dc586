"""The observer's step; C functions only."""
