"""Orders and requests on arrival; C functions only."""
