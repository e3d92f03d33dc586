"""The worlds of the calibration: a market and a rule on it, one file for each kind.

Each world states its equations. Noise is `random_streams.bell`: integers symmetric about 0, of a
standard deviation of 37,837 units, written n[t] below; s.d. is that. Tests mirror the noise of one
row, or try all values of a coin, and find that the moves of an edgeless world then cancel exactly.
"""
