"""Bringing files in: delivery to a server or a data folder, isolation of what is refused, progress."""
