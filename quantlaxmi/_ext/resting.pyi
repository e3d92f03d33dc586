"""Resting orders and their queues; C functions only."""
