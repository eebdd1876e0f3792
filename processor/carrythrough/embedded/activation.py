"""Map, roster, models and baselines come into force through the log, so that a replay uses what was in force then."""

from __future__ import annotations

from pathlib import Path

import msgspec

from carrythrough.embedded.log import LogReader
from carrythrough.errors import PermanentError, Problem
from carrythrough.evidence.baselines import Baselines
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Roster
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.model_version import decode_version
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import ACTIVATIONS, Kind, Record
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.program.types import ProgramMap
from carrythrough.scoring.model import SHIPPED

_ENVELOPE = msgspec.json.Decoder(dict[str, str])


def envelope(text: str, filename: str) -> bytes:
    """Return the log bytes of a program map or roster file."""
    return msgspec.json.encode({"file": filename, "text": text})


def opened(raw: bytes | str) -> tuple[str, str]:
    """Return (text, filename) of an activation record."""
    parts = _ENVELOPE.decode(raw)
    return parts["text"], parts["file"]


class Activator:
    """Turns activation records into the versions in force."""

    def __init__(self, tenant: str, tenant_key: bytes) -> None:
        self._tenant = tenant
        self._tenant_key = tenant_key

    def at(self, log: LogReader, position: int) -> InForce:
        """Return the versions in force after `position` of the log."""
        in_force = InForce(
            _NO_PROGRAM, RosterIndex(Roster(people=()), self._tenant_key), SHIPPED, self._tenant
        )
        for kind in sorted(ACTIVATIONS):
            row = log.last(kind, position)
            while row is not None:
                try:
                    in_force = self.activate(
                        Record(row.position, kind, row.stored_ms, b"", -1, bytes(row.raw).decode()), in_force
                    )
                    break
                except Exception:  # noqa: BLE001 - the fold set it aside: what was in force before it stayed in force
                    row = log.last(kind, row.position - 1)
        return in_force

    def activate(self, record: Record, in_force: InForce) -> InForce:
        """Return `in_force` with what an activation record brings into force."""
        if record.kind is Kind.BASELINE:
            baselines = msgspec.json.decode(record.content, type=Baselines)
            return msgspec.structs.replace(in_force, baselines=baselines)
        if record.kind is Kind.MODEL:
            return msgspec.structs.replace(in_force, model=decode_version(record.content).model)
        text, filename = opened(record.content)
        if record.kind is Kind.PROGRAM:
            return msgspec.structs.replace(in_force, program=Program(load_program(text, filename)))
        return msgspec.structs.replace(
            in_force, directory=RosterIndex(load_roster(text, filename), self._tenant_key)
        )


_NO_PROGRAM = Program(
    msgspec.convert(
        {
            "map": "none",
            "version": 1,
            "name": "No program map yet",
            "skills": [{"id": "none", "name": "None"}],
        },
        ProgramMap,
    )
)


def read_input(path: Path, key: str) -> str:
    """Return the text of a file named in the settings; raises PermanentError naming the key."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(
            Problem(
                code="input-unreadable",
                status=400,
                title=f"The {key} file cannot be read",
                detail=f"{path}: {error}",
                where=key,
                rule=f"{key} names a readable UTF-8 file",
                fix=f"correct the path of {key}, or the permissions of the file",
            )
        ) from error
