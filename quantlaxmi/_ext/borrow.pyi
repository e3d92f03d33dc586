"""Interest on what is borrowed to be sold; C functions only."""
