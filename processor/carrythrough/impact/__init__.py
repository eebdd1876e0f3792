"""What reinforcement does, and how sure that is: trials, estimators, the report (pure)."""
