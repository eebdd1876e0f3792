"""Map, roster, models and baselines come into force through the log, so that a replay uses what was in force then."""

from __future__ import annotations

from pathlib import Path

import msgspec

from carrythrough.authoring.source import SourceError, decoded, refusal
from carrythrough.embedded.log import LogReader, Row
from carrythrough.errors import PermanentError, Problem
from carrythrough.evidence.baselines import Baselines
from carrythrough.identity.changes import after_changes, decode_changes
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.encoding import decode_roster
from carrythrough.identity.person import Roster
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.model_version import decode_version
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import ACTIVATIONS, Kind, Record
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.program.types import ProgramMap
from carrythrough.reinforcement.orders import decode_orders
from carrythrough.reinforcement.posteriors import decode_policy
from carrythrough.scoring.model import SHIPPED
from carrythrough.settings import Settings

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
        for kind in sorted(ACTIVATIONS - {Kind.ROSTER_CHANGE}):
            row = log.last(kind, position)
            while row is not None:
                after = self._tried(row, in_force)
                if after is not None:
                    in_force = after
                    break
                row = log.last(kind, row.position - 1)
        for row in log.of_kind(Kind.ROSTER_CHANGE, in_force.directory.position, position):
            in_force = self._tried(row, in_force) or in_force
        return msgspec.structs.replace(in_force, roster_before=None)

    def _tried(self, row: Row, in_force: InForce) -> InForce | None:
        """Return what a row of the log brings into force, None where the fold had to set it aside."""
        kind = Kind(row.kind)
        try:
            return self.activate(
                Record(row.position, kind, row.stored_ms, b"", -1, bytes(row.raw).decode()), in_force
            )
        except Exception:  # noqa: BLE001 - whatever it was, what was in force before it stayed in force
            return None

    def activate(self, record: Record, in_force: InForce) -> InForce:
        """Return `in_force` with what an activation record brings into force."""
        if record.kind is Kind.BASELINE:
            baselines = msgspec.json.decode(record.content, type=Baselines)
            return msgspec.structs.replace(in_force, baselines=baselines)
        if record.kind is Kind.ORDERS:
            return msgspec.structs.replace(in_force, orders=decode_orders(record.content))
        if record.kind is Kind.POSTERIORS:
            return msgspec.structs.replace(in_force, posteriors=decode_policy(record.content).posteriors)
        if record.kind is Kind.MODEL:
            return msgspec.structs.replace(in_force, model=decode_version(record.content).model)
        if record.kind is Kind.ROSTER_CHANGE:
            roster = after_changes(in_force.directory, decode_changes(record.content), record.position)
            return msgspec.structs.replace(in_force, directory=roster, roster_before=in_force.directory)
        text, filename = opened(record.content)
        if record.kind is Kind.PROGRAM:
            return msgspec.structs.replace(in_force, program=Program(load_program(text, filename)))
        roster = RosterIndex(load_roster(text, filename), self._tenant_key, position=record.position)
        return msgspec.structs.replace(in_force, directory=roster, roster_before=in_force.directory)


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
    """Return the text of a file named in the settings; raises PermanentError naming the key.

    A roster may be in any encoding that `identity.encoding` knows, everything else is UTF-8.
    """
    try:
        data = path.read_bytes()
        return decode_roster(data, path.name).text if key == "roster" else decoded(data, path.name)
    except SourceError as error:
        raise refusal([error.lint], "bad-program-map", f"The {key} file cannot be read") from None
    except OSError as error:
        raise PermanentError(
            Problem(
                code="input-unreadable",
                status=400,
                title=f"The {key} file cannot be read",
                detail=f"{path}: {error}",
                where=key,
                rule=f"{key} names a readable file",
                fix=f"correct the path of {key}, or the permissions of the file",
            )
        ) from error


def sources_of(settings: Settings) -> dict[Kind, tuple[str, str]]:
    """Return the texts of map and roster, checked before anything is opened."""
    found: dict[Kind, tuple[str, str]] = {}
    if settings.program:
        text = read_input(Path(settings.program), "program")
        load_program(text, Path(settings.program).name)
        found[Kind.PROGRAM] = (text, Path(settings.program).name)
    if settings.roster:
        text = read_input(Path(settings.roster), "roster")
        load_roster(text, Path(settings.roster).name)
        found[Kind.ROSTER] = (text, Path(settings.roster).name)
    return found


def current_text(log: LogReader, kind: Kind, end: int) -> str | None:
    """Return the text of the map or roster that was last activated, None when there is none."""
    row = log.last(kind, end)
    try:
        return None if row is None else opened(bytes(row.raw))[0]
    except Exception:  # noqa: BLE001 - an unreadable activation is replaced by the one configured
        return None


def program_missing(data_dir: str) -> PermanentError:
    """Return the refusal to start without a program map."""
    return PermanentError(
        Problem(
            code="program-missing",
            status=400,
            title="There is no program map",
            detail=f"the data folder {data_dir} has none yet",
            where="program",
            rule="scores need a program map: business goal, KPI, skill, objective, activity",
            fix="start with --program FILE once, or look at `carrythrough demo` first",
        )
    )
