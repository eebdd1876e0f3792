"""Reading an existing Learning Record Store, so that what already feeds one needs no change."""
