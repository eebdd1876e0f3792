"""Beginnings of ids that end inside a number or a word, and so take the ids of something else as well.

"https://lms.example/course/1" is also the beginning of course 10, 11 and 100: a map that is right on the day
when it is written takes the statements of another course months later, without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from carrythrough.program.lint_context import LintContext, Path, add_lint
from carrythrough.program.prefixes import PrefixIndex

_LAST_WORD = re.compile(r"[0-9A-Za-z]+\Z")
_WHOLE = re.compile(
    r"(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{16,}|(?=[0-9a-f]*[0-9])[0-9a-f]{12,}|[0-9]{8,})\Z",
    re.IGNORECASE,
)
"""Ends of ids of one length (UUIDs, digests, days, times): nothing goes on after them."""


def open_prefixes(context: LintContext) -> None:
    """Warn of beginnings after which a number goes on, or a word of another id in the map."""
    index = PrefixIndex(text for _, text in _prefixes(context))
    goes_on: dict[str, str] = {}
    for name in _names(context):
        for begun in index.of(name):
            if len(begun) < len(name) and name[len(begun)].isalnum():
                goes_on.setdefault(begun, name)
    for path, text in _prefixes(context):
        if _LAST_WORD.search(text) is None or _WHOLE.search(text):
            continue
        other = goes_on.get(text, "")
        if not other and not text[-1].isdigit():
            continue
        example = other or f"{text}0"
        add_lint(
            context,
            path,
            "open-prefix",
            f'"{text[:200]}" is also the beginning of "{example[:200]}"',
            f'end it with what follows, for example "{text[:200]}/"; an id that is meant whole stands under '
            '"activity", in an activity of its own',
        )


def _prefixes(context: LintContext) -> Iterator[tuple[Path, str]]:
    for number, activity in enumerate(context.program.activities):
        match = activity.match
        places: tuple[tuple[Path, tuple[str, ...]], ...] = (
            (("activity_prefix",), match.activity_prefix),
            (("except", "activity_prefix"), match.except_.activity_prefix),
        )
        for path, texts in places:
            for place, text in enumerate(texts):
                yield ("activities", number, "match", *path, place), text


def _names(context: LintContext) -> Iterator[str]:
    yield from (text for _, text in _prefixes(context))
    for activity in context.program.activities:
        yield from activity.match.activity
