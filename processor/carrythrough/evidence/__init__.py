"""What one statement or performance event says about one skill of one employee (pure)."""
