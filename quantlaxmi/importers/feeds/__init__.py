"""Recorded feeds of Indian brokers: states of instruments as they were sent, line by line."""
