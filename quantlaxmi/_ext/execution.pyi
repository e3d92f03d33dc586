"""Execution, bundles and funding; C functions only."""
