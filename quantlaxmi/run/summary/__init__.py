"""Facts about a finished run besides its figures: one file a section, one list."""
