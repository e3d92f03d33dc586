"""Who is asked; C functions only."""
