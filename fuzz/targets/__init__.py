"""One file a target: what it reads, and what may come out."""
