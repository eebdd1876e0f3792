"""Decayed integer state, head, job layer, score and explanation (pure)."""
