"""Setting up the state of a run; C functions only."""
