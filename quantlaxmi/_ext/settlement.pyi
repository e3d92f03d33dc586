"""A lane's contracts end; C functions only."""
