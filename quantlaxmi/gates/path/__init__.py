"""What the positions of a run look like: round trips, holding periods, funding, increments."""
