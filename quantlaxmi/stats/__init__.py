"""Statistics the gates use, one procedure a file, each with its source."""
