"""Rules and limits held against orders; C functions only."""
