"""Webhooks: systems post the JSON that they have, signed their way, and it becomes performance events."""
