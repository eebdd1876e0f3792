"""Roster text (YAML, JSON, CSV) to a checked `Roster`, every fault with its line and column.

Large rosters are JSON or CSV: these take a quick pass first, and the slow one that knows lines
only when something is wrong.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import msgspec

from carrythrough.authoring.reading import LINTS_MAX, read_as
from carrythrough.authoring.source import Lint, Node, SourceError, read_source, refusal
from carrythrough.identity.checks import Checks, Places
from carrythrough.identity.columns import COLUMNS, ColumnMapping
from carrythrough.identity.person import Identifier, Person, Roster
from carrythrough.identity.table import Row, RowPlaces, nodes, read_table, walk_table

__all__ = ["COLUMNS", "ColumnMapping", "Identifier", "Person", "Roster", "check_roster", "load_roster"]

ROSTER_CHARACTERS_MAX = 400_000_000
"""About a million people with all their fields."""
TABLE_ENDINGS = (".csv", ".tsv", ".txt")
"""A roster in a file of another name is YAML or JSON."""


def load_roster(text: str, filename: str, mapping: ColumnMapping | None = None) -> Roster:
    """Return the roster that `text` holds: YAML, JSON, or a table when `filename` ends as one does.

    Raises PermanentError, code "bad-roster"; `where` is "file:line:column" of the first error,
    `detail` lists every finding. Warnings hold nothing back.
    """
    quick = _quick(text, filename, mapping)
    if quick is not None and not _errors(quick):
        return quick
    roster, lints = check_roster(text, filename, mapping)
    if roster is None:
        raise refusal(lints, "bad-roster", "The roster is refused")
    return roster


def check_roster(
    text: str, filename: str, mapping: ColumnMapping | None = None
) -> tuple[Roster | None, list[Lint]]:
    """Read and check a roster without raising: (roster or None when any lint is an error, all lints)."""
    if is_table(filename):
        return _check_table(text, filename, mapping)
    if (quick := _quick_json(text)) is not None and next(_findings(quick), None) is None:
        return quick, []
    try:
        root = read_source(text, filename, ROSTER_CHARACTERS_MAX)
    except SourceError as error:
        return None, [error.lint]
    return _check_nodes(root, filename, [])


def is_table(filename: str) -> bool:
    """Say whether a file of this name is read as a table."""
    return filename.lower().endswith(TABLE_ENDINGS)


def _check_table(text: str, filename: str, mapping: ColumnMapping | None) -> tuple[Roster | None, list[Lint]]:
    try:
        quick, lints = _quick_table(text, filename, mapping)
        if quick is not None:
            return _checked(quick, RowPlaces(lambda: read_table(text, filename, mapping)), filename, lints)
        table = read_table(text, filename, mapping)
    except SourceError as error:
        return None, [error.lint]
    if any(lint.severity == "error" for lint in lints):
        return None, lints
    return _check_nodes(nodes(table), filename, lints)


def _check_nodes(root: Node, filename: str, before: list[Lint]) -> tuple[Roster | None, list[Lint]]:
    roster, lints = read_as(root, Roster, filename)
    if roster is None:
        return None, [*before, *lints]
    return _checked(roster, root, filename, before)


def _checked(
    roster: Roster, places: Places, filename: str, before: list[Lint]
) -> tuple[Roster | None, list[Lint]]:
    """Return (the roster, None when it has an error; `before` and every finding about its people)."""
    lints = [*before, *islice(Checks(roster, places, filename).all(), LINTS_MAX)]
    return (None if any(lint.severity == "error" for lint in lints) else roster), lints


def _findings(roster: Roster) -> Any:
    return Checks(roster, Node({}, 1, 1), "").all()


def _errors(roster: Roster) -> bool:
    return any(lint.severity == "error" for lint in _findings(roster))


def _quick(text: str, filename: str, mapping: ColumnMapping | None) -> Roster | None:
    """Return the people of a text quickly and unchecked, None when it is not in a form for that."""
    if not is_table(filename):
        return _quick_json(text)
    try:
        return _quick_table(text, filename, mapping)[0]
    except SourceError:
        return None


def _quick_table(text: str, filename: str, mapping: ColumnMapping | None) -> tuple[Roster | None, list[Lint]]:
    """Return (people of a table without places, None when one is faulty; the findings about its form)."""
    people: list[Person] = []
    faulty = False

    def take(row: Row) -> None:
        nonlocal faulty
        if not faulty:
            try:
                people.append(msgspec.convert(row.person, Person))
            except msgspec.ValidationError:
                faulty = True

    lints = walk_table(text, filename, mapping, take)
    faulty |= any(lint.severity == "error" for lint in lints)
    return (None if faulty else Roster(people=tuple(people))), lints


def _quick_json(text: str) -> Roster | None:
    """Return the people of a JSON text of the right shape quickly, None when it is anything else."""
    if text.lstrip("\ufeff \t\r\n")[:1] != "{" or len(text) > ROSTER_CHARACTERS_MAX:
        return None
    if "\\n" in text or "\\u000" in text:  # msgspec lets "$" match before a last newline: look closely
        return None
    try:
        document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_unique)
        return msgspec.convert(document, Roster)
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key is given twice")
    return mapping
