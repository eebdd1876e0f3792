"""What the fields of a type mean, told by its docstring: for schemas that editors read and for reference pages.

A docstring describes its fields in parts "name: meaning." (or "name, other: meaning."), so that the reader of
the code, the reader of the page and the author in an editor read the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def meanings_of(docstring: str, names: Iterable[str]) -> dict[str, str]:
    """Return name → meaning for those of `names` that the docstring describes, without the last full stop."""
    text = " ".join(docstring.split())
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    if not known:
        return {}
    value = r'(?: "[^"]*")?'  # as in: grain "team": readings never count for one person
    label = re.compile(rf"(?:^|(?<=[.;] ))((?:{known}){value}(?:(?:, | and )(?:{known}))*): ")
    pieces = label.split(text)
    found = {}
    for labels, meaning in zip(pieces[1::2], pieces[2::2], strict=True):
        for name in re.split(r", | and ", labels):
            bare, _, only = name.partition(" ")
            words = meaning.strip().rstrip(".;")
            found[bare] = f"{only}: {words}" if only else words
    return found
