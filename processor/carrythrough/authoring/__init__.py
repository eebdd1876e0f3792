"""Text that people write (program maps, rosters), read with the line and column of every value (pure)."""
