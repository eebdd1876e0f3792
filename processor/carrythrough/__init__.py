"""Carrythrough: live, explained transfer scores from xAPI statements and performance events."""

from __future__ import annotations

__version__ = "0.1.0"
