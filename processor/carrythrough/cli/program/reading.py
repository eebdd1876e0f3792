"""Program maps and files of records as the commands about maps read them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from carrythrough.authoring.source import Lint, Node, SourceError, decoded, read_source, refusal
from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.files.records import Piece, Refused
from carrythrough.cli.files.tables import rows
from carrythrough.cli.importing.delivery import body_of, parcels
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.admission import admit_events
from carrythrough.program.lint_context import ALONE, Surroundings
from carrythrough.program.load import check_program, load_program
from carrythrough.program.types import ProgramMap
from carrythrough.xapi import lenient
from carrythrough.xapi.admission import Limits

CREDENTIAL = "program"
"""Of nobody: nothing that is read here is stored."""


def read_text(path: Path) -> str:
    """Return the text of a program map (plain or gzip); raises PermanentError when it cannot be read as text."""
    with InputFile(path) as file:
        body = file.stream.read()
    try:
        return decoded(body, map_name(path))
    except SourceError as error:
        raise refusal([error.lint], "bad-program-map", "The program map is refused") from None


def read_map(path: Path) -> ProgramMap:
    """Return the map in a file; raises PermanentError "bad-program-map" with every finding."""
    return load_program(read_text(path), map_name(path))


def map_name(path: Path) -> str:
    """Return how findings name the file of a map."""
    return str(path).removesuffix(".gz")


class Opened:
    """A map with its text and the places in it, held against what is around it. program: None when it has errors."""

    def __init__(self, path: Path, around: Surroundings = ALONE) -> None:
        self.path = path
        self.name = map_name(path)
        self.text = read_text(path)
        program, lints = check_program(self.text, self.name, around)
        self.program: ProgramMap | None = program
        self.lints: list[Lint] = lints
        self._root: Node | None = None

    @property
    def root(self) -> Node:
        """Return the nodes of the text."""
        if self._root is None:
            self._root = read_source(self.text, self.name)
        return self._root


class Refusals:
    """What of the files is no record: counts by code, and the first of each in words."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        self.repaired = 0
        self.damaged: list[Problem] = []

    def add(self, file: str, line: int, problem: Problem) -> None:
        """Count one record."""
        self.codes[problem.code] += 1
        self.first.setdefault(problem.code, f"{file}:{line}: {problem.detail or problem.title}")

    @property
    def total(self) -> int:
        """Return how many records were refused."""
        return self.codes.total()


def records_of(
    files: Sequence[Path], refusals: Refusals, *, events: bool = True
) -> Iterator[tuple[str, list[Any]]]:
    """Yield ("statements" or "events", admitted records) of files, in parcels.

    Statements are admitted as from a lenient sender: mended where a named repair mends them. A file that holds
    neither (or events, where none are wanted) raises PermanentError "file-content-unknown"; the readable part of a
    damaged file counts.
    """
    for path in files:
        with InputFile(path) as file:
            if file.found.layout == "empty":
                continue
            kind = str(file.found.kind)
            authored = path.name.lower().removesuffix(".gz").endswith((".yaml", ".yml", ".toml", ".md"))
            if kind not in ("statements", "events") or authored:
                raise _not_known(file.name, "its first records are neither statements nor performance events")
            if kind == "events" and not events:
                raise _not_known(
                    file.name, "it holds performance events, and activities are proposed from statements"
                )
            try:
                yield from _records(file, kind, refusals)
            except PermanentError as error:
                if error.problem.code != "file-damaged":
                    raise
                refusals.damaged.append(error.problem)


def _records(file: InputFile, kind: str, refusals: Refusals) -> Iterator[tuple[str, list[Any]]]:
    def good(pieces: Iterator[Piece | Refused]) -> Iterator[Piece]:
        for piece in pieces:
            if isinstance(piece, Refused):
                refusals.add(file.name, piece.line, piece.problem)
            else:
                yield piece

    csv = file.found.layout == "csv"
    pieces = rows(file.text(), file.name, None) if csv else file.records()
    for parcel in parcels(good(pieces)):
        yield kind, list(_admitted(parcel, kind, file, refusals))


def _admitted(parcel: Sequence[Piece], kind: str, file: InputFile, refusals: Refusals) -> Iterator[Any]:
    body = body_of([piece.raw for piece in parcel])
    try:
        if kind == "events":
            yield from admit_events(body, "application/json")
            return
        sender = lenient.Sender(
            credential=CREDENTIAL, version=file.found.version, now_ms=int(time.time() * 1000)
        )
        found = lenient.admit(body, Limits(body_bytes_max=len(body) + 1), sender)
    except PermanentError as error:
        if len(parcel) == 1:
            refusals.add(file.name, parcel[0].line, error.problem)
            return
        for piece in parcel:
            yield from _admitted([piece], kind, file, refusals)
        return
    for piece, one in zip(parcel, found, strict=True):
        if isinstance(one, lenient.Refused):
            refusals.add(file.name, piece.line, one.problem)
            continue
        refusals.repaired += isinstance(one, lenient.Repaired) and bool(one.original)
        yield one


def _not_known(name: str, why: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="file-content-unknown",
            status=400,
            title="What the file holds is not known here",
            detail=f"{name}: {why}",
            where=name,
            rule="a statement has actor, verb and object; a performance event has id, source, kind, employee and time",
            fix="export statements as JSON or JSON lines; `carrythrough validate --as statements` shows what is wrong",
        )
    )
