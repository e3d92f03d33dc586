"""The rules that trade in calibration runs: kernels, one file for each kind, and their settings."""
