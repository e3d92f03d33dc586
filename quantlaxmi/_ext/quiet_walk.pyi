"""Walks over quiet rows; C functions only."""
