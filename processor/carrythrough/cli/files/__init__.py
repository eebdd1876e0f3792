"""Files of statements and performance events: opened, recognised by content, and cut into records."""
