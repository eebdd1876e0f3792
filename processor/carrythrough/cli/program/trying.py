"""Where a dry run takes its records from: the log of a data folder, read only, or files put in order of time."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from carrythrough.cli.files.opening import InputFile
from carrythrough.cli.folder_reader import FolderReader
from carrythrough.cli.program.reading import Refusals, records_of
from carrythrough.cli.terminal import note, plural
from carrythrough.embedded.decoding import record_of
from carrythrough.embedded.log import LogReader
from carrythrough.errors import PermanentError, Problem
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.pipeline.trial import Outcome, Trial
from carrythrough.program.compile import Program
from carrythrough.program.types import ProgramMap
from carrythrough.scoring.model import SHIPPED

READ_ROWS = 2_000
"""Log rows decoded at a time."""
FILE_RECORDS_MAX = 500_000
"""Records of files that are put in order in memory (about 2 KB each); a data folder has no such limit."""
DAY_MS = 86_400_000
DAYS_MAX = 3_650
"""Days of a span of files on which timers are looked at."""


def over_folder(path: Path, old: ProgramMap | None, new: ProgramMap) -> tuple[ProgramMap, Outcome]:
    """Return the map that was compared with (the one in force by default), and what differs."""
    with FolderReader(path) as reader:
        in_force: InForce = reader.in_force
        before = old or in_force.program.map
        trial = Trial(before, new, in_force)
        note(f"Reading the log of {path} …", "dim")
        last_ms = 0
        for records in _log(reader.log):
            trial.fold(records)
            last_ms = max(last_ms, records[-1].stored_ms)
        return before, trial.outcome(last_ms)


def _log(log: LogReader) -> Iterator[list[Record]]:
    after = 0
    while rows := log.rows(after, READ_ROWS):
        after = rows[-1].position
        records = []
        for row in rows:
            try:
                records.append(record_of(row))
            except Exception:  # noqa: BLE001, S112 - whatever the bytes were, the server set them aside and went on
                continue
        if records:
            yield records


def over_files(
    files: Sequence[Path], old: ProgramMap | None, new: ProgramMap, roster: Path | None
) -> tuple[Outcome, Refusals]:
    """Return what differs over the records of files, each taken to have arrived when it happened."""
    refusals = Refusals()
    people = Roster(people=())
    if roster is not None:
        with InputFile(roster) as file:
            people = load_roster(file.stream.read().decode("utf-8"), str(roster))
    # Nobody is to tell a person from a pseudonym that is shown: the key is thrown away.
    in_force = InForce(Program(new), RosterIndex(people, secrets.token_bytes(32)), SHIPPED)
    trial = Trial(old, new, in_force)
    records = list(_ordered(files, refusals))
    for start in range(0, len(records), READ_ROWS):
        trial.fold(records[start : start + READ_ROWS])
    return trial.outcome(records[-1].stored_ms if records else 0), refusals


def _ordered(files: Sequence[Path], refusals: Refusals) -> Iterator[Record]:
    """Yield the records of files by time, with a tick between two days."""
    found: list[tuple[int, bytes, Kind, Any]] = []
    for kind, records in records_of(files, refusals):
        for one in records:
            number = one.id or blake2b(one.raw, digest_size=16).digest()
            if kind == "statements":
                found.append((one.t_ms, number, Kind.STATEMENT, one.statement))
            else:
                found.append((one.t_ms, number, Kind.EVENT, one.event))
        if len(found) > FILE_RECORDS_MAX:
            raise PermanentError(_too_many())
    # What says no time is taken to have arrived last, as it would be if it were sent now.
    latest = max((each[0] for each in found), default=-1)
    now = latest if latest >= 0 else int(time.time() * 1000)
    found = [(now, *each[1:]) if each[0] < 0 else each for each in found]
    found.sort(key=lambda each: each[0])
    days = 0
    day = found[0][0] // DAY_MS if found else 0
    for position, (t_ms, number, what, content) in enumerate(found, 1):
        while t_ms // DAY_MS > day and days < DAYS_MAX:
            day, days = day + 1, days + 1
            yield Record(position, Kind.TICK, day * DAY_MS, b"", -1, None)
        yield Record(position, what, t_ms, number, t_ms, content)


def _too_many() -> Problem:
    return Problem(
        code="too-many-records",
        status=413,
        title="The files hold more than a dry run takes",
        detail=f"they hold more than {plural(FILE_RECORDS_MAX, 'record')}",
        where="FILE",
        rule=f"Limit FILE_RECORDS_MAX = {FILE_RECORDS_MAX}",
        fix="bring them into a data folder with `carrythrough ingest`, and run it on that",
    )
