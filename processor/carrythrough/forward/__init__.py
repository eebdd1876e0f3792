"""Statements out to other Learning Record Stores: what came in here, and what we have to say ourselves."""
