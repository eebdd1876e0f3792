"""Designs, estimators and the report ladder of impact (pure)."""
