"""Delimited text of quotes, trades and depth, read by a declared layout."""
