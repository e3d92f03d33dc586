"""The message loop; C functions only."""
