"""The roster over HTTP: people read, put, changed and removed one by one, and by events."""
