"""What the formats of Binance share: its symbols, and the messages of its streams."""
