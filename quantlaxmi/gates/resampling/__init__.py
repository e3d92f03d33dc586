"""How the draws of a null distribution are made, counted and stopped."""
