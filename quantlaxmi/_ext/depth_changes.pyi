"""Changes of depth levels; C functions only."""
