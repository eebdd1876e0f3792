"""What an xAPI statement is, which rules it must keep, and when two statements are the same (pure)."""
