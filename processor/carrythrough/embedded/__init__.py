"""The embedded shell: one process, SQLite, no server needed."""
