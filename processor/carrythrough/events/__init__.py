"""Performance events: on-the-job facts from business systems, admitted and decoded (pure)."""
