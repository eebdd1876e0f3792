"""Files of statements and performance events: every record goes through admission, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from carrythrough.authoring.source import Lint, SourceError, read_source
from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.files.records import Kind, Piece, Refused
from carrythrough.cli.files.tables import Mapping, pieces_of
from carrythrough.cli.importing.delivery import Sent, body_of, deliver, parcels
from carrythrough.cli.validating.checked import Checked, lint_of
from carrythrough.errors import PermanentError, Problem
from carrythrough.events.performance import admit_events
from carrythrough.xapi.admission import Limits, admit

_PLACE = re.compile(r"(?:,? at byte \d+ )?\(line (\d+), column (\d+)\)")
"""How admission names a place inside the text of a record."""


def check_records(
    file: InputFile, kind: Kind, mapping: Mapping | None, seen: Callable[[list[Any]], None]
) -> Checked:
    """Check every record of a file; `seen` is called with the admitted ones, in parcels."""
    checked = Checked(file.name, kind)
    receiver = _Receiver(checked)
    admission = _Admission(seen)
    try:
        for parcel in parcels(_pieces(file, kind, mapping, receiver)):
            deliver(admission, kind, file.found.version, parcel, receiver)
    except PermanentError as error:
        checked.add(lint_of(error.problem, file.name))
    return checked


def _pieces(file: InputFile, kind: Kind, mapping: Mapping | None, receiver: _Receiver) -> Iterator[Piece]:
    for piece in pieces_of(file, mapping) if kind == "events" else file.records():
        if isinstance(piece, Refused):
            receiver.refused(piece, piece.problem)
        else:
            yield piece


class _Admission:
    """A delivery that ends at admission (`delivery.Delivery`)."""

    connections = 1
    tells_known = True

    def __init__(self, seen: Callable[[list[Any]], None]) -> None:
        self._limits = Limits()
        self._seen = seen

    def send(self, kind: Kind, version: str, raws: Sequence[bytes]) -> Sent:
        """Admit all or none."""
        body = body_of(raws)
        admitted: list[Any] = (
            list(admit(body, self._limits, version))
            if kind == "statements"
            else list(admit_events(body, "application/json"))
        )
        self._seen(admitted)
        return Sent(len(admitted), 0)

    def folded(self, waiting: Callable[[int], None]) -> dict[str, Any] | None:
        """Nothing is stored, so nothing is scored."""
        return None

    def close(self) -> None:
        """Hold nothing."""


class _Receiver:
    """Turns refusals into findings with their place in the file (`delivery.Receiver`)."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked

    def delivered(self, sent: Sent, pieces: Sequence[Piece]) -> None:
        self._checked.records += sent.accepted

    def refused(self, piece: Piece | Refused, problem: Problem) -> None:
        self._checked.records += 1
        if problem.where.startswith(self._checked.file + ":"):
            pointer = ""
            line, column = _written_place(problem.where, piece.line)
        else:
            pointer = problem.where if problem.where.startswith("/") else ""
            line, column = _place(piece, problem, pointer)
        self._checked.add(
            Lint(
                code=problem.code,
                file=self._checked.file,
                line=line,
                column=column,
                message=_PLACE.sub("", problem.detail),
                rule=problem.rule,
                fix=problem.fix,
                pointer=pointer,
            )
        )

    def waits(self, problem: Problem, seconds: float) -> bool:
        return False


def _place(piece: Piece | Refused, problem: Problem, pointer: str) -> tuple[int, int]:
    """Return line and column in the file of what a problem points at; the record's own when unknown."""
    named = _PLACE.search(problem.detail)
    if named is not None:
        return piece.line + int(named[1]) - 1, int(named[2])
    if not pointer:
        return piece.line, 1
    try:
        root = read_source(piece.raw.decode("utf-8", "replace"), "record.json")
    except SourceError:
        return piece.line, 1
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    line, column = root.place(*(int(step) if step.isdigit() else step for step in steps))
    return piece.line + line - 1, column


def _written_place(where: str, line: int) -> tuple[int, int]:
    """Return line and column of "file:line" or "file:line:column"."""
    found = re.search(r":(\d+)(?::(\d+))?$", where)
    return (int(found[1]), int(found[2] or 1)) if found else (line, 1)
