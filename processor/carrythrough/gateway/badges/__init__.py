"""Badges as Open Badges 3.0 credentials: made, signed, given out and checked by anybody."""
