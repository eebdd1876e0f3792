"""The generated part of the documentation: each module writes one page of docs/reference/ from the code."""

from __future__ import annotations
