"""Order rows, fills and news of them; C functions only."""
