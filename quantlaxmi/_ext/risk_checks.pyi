"""Rules and limits of orders; C functions only."""
