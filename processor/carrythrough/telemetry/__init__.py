"""What operations people see: metrics and log lines, never personal data."""
