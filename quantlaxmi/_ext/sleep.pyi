"""How long lanes sleep; C functions only."""
