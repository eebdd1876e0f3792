"""What the benchmarks share: the load, the servers under it, and how figures are read and printed."""
