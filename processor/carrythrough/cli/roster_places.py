"""Where the roster is: on a running server, or in a data folder; and how a file of it is read."""

from __future__ import annotations

import codecs
import getpass
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from carrythrough.authoring.source import SourceError, read_source, refusal
from carrythrough.cli.contest import in_folder
from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.target import Server, Target
from carrythrough.identity.changes import RosterChange
from carrythrough.identity.columns import ColumnMapping
from carrythrough.identity.encoding import decode_roster
from carrythrough.identity.person import Person
from carrythrough.identity.roster import Roster, check_roster

CHANGES_AT_ONCE = 1_000
"""Changes of one request: about half a megabyte, and in force in one step."""

Answer = dict[str, Any]


class Place(Protocol):
    """The roster of an installation; raises CarrythroughError."""

    def people(self, chosen: dict[str, str]) -> Iterator[Person]:
        """Yield people by id; chosen: field to the value that it has."""
        ...

    def person(self, reference: str) -> Person:
        """Return a person by roster id or alias."""
        ...

    def change(self, changes: Sequence[RosterChange]) -> Answer:
        """Make changes durable, each for itself: {"accepted", "warnings", "refused"}."""
        ...

    def unknown(self, limit: int) -> list[Answer]:
        """Return actors with evidence whom the roster does not know."""
        ...


def place_of(target: Target | None) -> Place:
    """Return the roster that the flags name."""
    target = target or Target()
    server = target.server()
    return _OnServer(server) if server is not None else _InFolder(target)


class _OnServer:
    def __init__(self, server: Server) -> None:
        self._server = server

    def people(self, chosen: dict[str, str]) -> Iterator[Person]:
        cursor: str | None = ""
        while cursor is not None:
            asked = {"limit": "500"} | chosen | ({"cursor": cursor} if cursor else {})
            answer = self._ask("GET", "/v1/roster/people", params=asked)
            yield from msgspec.convert(answer["people"], list[Person])
            cursor = answer["next"]

    def person(self, reference: str) -> Person:
        return msgspec.convert(self._ask("GET", f"/v1/roster/people/{quote(reference, safe='')}"), Person)

    def change(self, changes: Sequence[RosterChange]) -> Answer:
        return _in_portions(
            changes,
            lambda part: self._ask(
                "POST",
                "/v1/roster/changes",
                params={"each": "true"},
                json={"changes": [msgspec.to_builtins(one) for one in part]},
            ),
        )

    def unknown(self, limit: int) -> list[Answer]:
        found: list[Answer] = []
        cursor: str | None = ""
        while cursor is not None and len(found) < limit:
            asked = {"limit": str(min(500, limit - len(found)))} | ({"cursor": cursor} if cursor else {})
            answer = self._ask("GET", "/v1/roster/unknown", params=asked)
            found += answer["unknown"]
            cursor = answer["next"]
        return found

    def _ask(self, method: str, path: str, **given: Any) -> Answer:
        from carrythrough.cli.server_reader import answer_of, client, reaching

        with client(self._server) as link, reaching(self._server.url):
            found: Any = answer_of(link.request(method, path, **given))
        return dict(found)


class _InFolder:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._path = Path(target.settings().data_dir)

    def people(self, chosen: dict[str, str]) -> Iterator[Person]:
        from carrythrough.cli.folder_reader import FolderReader

        with FolderReader(self._path) as reader:
            people = sorted(reader.in_force.directory.people.values(), key=lambda person: person.id)
        for person in people:
            if all(getattr(person, field) == value for field, value in chosen.items()):
                yield person

    def person(self, reference: str) -> Person:
        from carrythrough.cli.folder_reader import FolderReader
        from carrythrough.gateway.roster.people import nobody

        with FolderReader(self._path) as reader:
            directory = reader.in_force.directory
            person = directory.person(directory.subject_of_employee(reference))
        if person is None:
            raise nobody(reference)
        return person

    def change(self, changes: Sequence[RosterChange]) -> Answer:
        from carrythrough.gateway.roster.people import People

        def work(runtime: Any) -> Answer:
            people = People(runtime.roster_changes, threading.Lock())
            by = f"cli:{getpass.getuser()}"
            return _in_portions(changes, lambda part: people.change_each(part, by))

        return in_folder(self._target, work)

    def unknown(self, limit: int) -> list[Answer]:
        from carrythrough.cli.folder_reader import FolderReader
        from carrythrough.embedded.unknown import UnknownActors

        with FolderReader(self._path) as reader:
            strangers = UnknownActors(self._path / "state.sqlite", reader.log)
            found: list[Answer] = []
            cursor: str | None = ""
            while cursor is not None and len(found) < limit:
                page = strangers.listed(limit=limit - len(found), cursor=cursor)
                found += page["unknown"]
                cursor = page["next"]
        return found


def _in_portions(changes: Sequence[RosterChange], send: Any) -> Answer:
    """Send changes in portions; numbers of refused ones are those of the whole."""
    total: Answer = {"accepted": 0, "warnings": [], "refused": []}
    for at in range(0, len(changes), CHANGES_AT_ONCE):
        answer = send(changes[at : at + CHANGES_AT_ONCE])
        total["accepted"] += answer["accepted"]
        total["warnings"] += answer["warnings"]
        total["refused"] += [one | {"change": at + one["change"]} for one in answer["refused"]]
    return total


def read_file(path: Path, columns: Path | None) -> tuple[Roster | None, list[Any]]:
    """Return (the roster in a file or None, every finding); columns: a file that names its columns."""
    data = _bytes_of(path)
    name = str(path).removesuffix(".gz")
    found = decode_roster(data, name)
    mapping = None if columns is None else read_mapping(columns)
    roster, lints = check_roster(found.text, name, mapping)
    return roster, [*found.lints, *lints]


def _bytes_of(path: Path) -> bytes:
    """Return the bytes of a roster file, unpacked; text in UTF-16, which spreadsheets write, is taken as it is."""
    with suppress(OSError), path.open("rb") as plain:
        if plain.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            plain.seek(0)
            return plain.read()
    with InputFile(path) as file:
        return file.stream.read()


def read_mapping(path: Path) -> ColumnMapping:
    """Return the mapping of columns in a YAML or JSON file; raises PermanentError with file:line:column."""
    from carrythrough.authoring.reading import read_as

    with InputFile(path) as file:
        text = decode_roster(file.stream.read(), str(path)).text
    try:
        root = read_source(text, str(path))
    except SourceError as error:
        raise refusal([error.lint], "bad-mapping", "The mapping of columns is refused") from None
    mapping, lints = read_as(root, ColumnMapping, str(path))
    if mapping is None:
        raise refusal(lints, "bad-mapping", "The mapping of columns is refused")
    return mapping
