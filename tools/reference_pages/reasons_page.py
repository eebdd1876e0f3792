"""Writes docs/reference/reasons.md: the codes of the reasons that a score carries."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from reference_pages.error_codes import ErrorCodes

INTRODUCTION = """\
# Reasons of a score

Each score carries `reasons`: a stable `code`, a sentence, and `points`, how far that part moved the
score on its 0–100 scale. The sentence is for people and may change; a program reads the code. "…"
stands for what is filled in.

| Code | Sentence |
|---|---|"""


def reasons_page(root: Path) -> str:
    """Return the page as Markdown, from the source below `root`."""
    uses = [use for use in ErrorCodes([root / "processor"]).uses if use.kind == "Reason"]
    lines = [INTRODUCTION]
    for code, group in groupby(uses, key=lambda use: use.code):
        texts = sorted({use.text for use in group if use.text})
        lines.append(f"| `{code}` | {' / '.join(texts) or '–'} |")
    return "\n".join(lines)
