"""Shared by the formats of Binance: symbols, and the messages of its streams."""
