"""How the draws of null distributions are made, counted and stopped."""
