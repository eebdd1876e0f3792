"""Asking a data folder directly: read-only connections beside whatever process owns the folder.

SQLite in WAL mode lets readers in while a server writes, and a reader sees the last commit as a
whole. Nothing here locks, creates or changes a file of the folder.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import apsw

from carrythrough.cli.reader import Answer
from carrythrough.embedded.activation import Activator
from carrythrough.embedded.database import connect
from carrythrough.embedded.enriching import Enriching
from carrythrough.embedded.folder import Folder
from carrythrough.embedded.history import History
from carrythrough.embedded.log import LogFile, LogReader, Row
from carrythrough.embedded.needs import NeedsReads
from carrythrough.embedded.queries import PAGE_MAX, Queries
from carrythrough.embedded.settling import META_NAME as IDENTITIES
from carrythrough.embedded.store import StateFile
from carrythrough.embedded.upgrading import META_NAME
from carrythrough.errors import PermanentError, Problem, TransientError
from carrythrough.gateway import learners_own as own
from carrythrough.pipeline.plan import InForce
from carrythrough.scoring.codec import STATE_VERSION
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi.formats import uuid_bytes

TENANT = "default"
"""Part of the ids of effects and of enriched events."""


class _State:
    """What `Queries` reads of a StateFile: where it is, how far it is, and its counters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = connect(path, readonly=True)
        meta = dict(self._connection.execute("SELECT name, value FROM meta"))
        _require_current(meta)
        self.position = int(meta.get("position", 0))
        self.counters = {name: value for name, value in meta.items() if name.startswith("count.")}

    def close(self) -> None:
        self._connection.close()


class _Log:
    """What `Queries` reads of a LogFile: its end."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.end: int = connection.execute("SELECT coalesce(max(position), 0) FROM log").get
        self.stored_ms: int = connection.execute(
            "SELECT coalesce((SELECT stored_ms FROM log ORDER BY position DESC LIMIT 1), 0)"
        ).get


class _Fold:
    """What `Queries` reads of a Folder: the versions in force."""

    def __init__(self, in_force: InForce) -> None:
        self.in_force = in_force


class FolderReader:
    """Implements `reader.Reader` over the files of a data folder; use it as a context manager.

    learners: also give what is for the learner alone, as a server does to the scope `learner/read`.
    Raises PermanentError when the folder is none of ours or cannot be read.
    """

    def __init__(self, path: Path, tenant: str = TENANT, *, learners: bool = False) -> None:
        self.path = path
        self._learners = learners
        self._enriching: Enriching | None = None
        self.place = f"data folder {path}"
        _require_files(path)
        try:
            self._log_connection = connect(path / "log.sqlite", readonly=True)
            self.log = LogReader(self._log_connection)
            log = _Log(self._log_connection)
            self._state = _State(path / "state.sqlite")
            key = bytes.fromhex((path / "tenant.key").read_text(encoding="ascii").strip())
            self._activator = Activator(tenant, key)
            self.in_force = self._activator.at(self.log, self._state.position)
            # A folder whose clock was ahead (a demo at many times the speed) is read as of its own time.
            self.now_ms = max(int(time.time() * 1000), log.stored_ms)
            self.queries = Queries(
                cast("LogFile", log),
                cast("StateFile", self._state),
                cast("Folder", _Fold(self.in_force)),
                Telemetry(),
                lambda: self.now_ms,
                History(LogReader(connect(path / "log.sqlite", readonly=True)), self._activator),
            )
        except (apsw.Error, OSError, ValueError) as error:
            raise _unreadable(path, error) from error
        self.lag = log.end - self._state.position

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._enriching is not None:
            self._enriching.close()
        self.queries.close()
        self._state.close()
        self.log.close()

    def scores(self, *, skill: str, stage: str, team: str, limit: int) -> tuple[list[Answer], bool]:
        """See `reader.Reader`; names are shown, since whoever reads the folder has the roster too."""
        self._require_skill(skill)
        found: list[Answer] = []
        cursor: str | None = ""
        while cursor is not None and len(found) < limit:
            page = self.queries.list_scores(
                self.now_ms,
                limit=min(PAGE_MAX, limit - len(found)),
                cursor=cursor,
                skill=skill,
                stage=stage,
                team=team,
                names=True,
            )
            found += page["scores"]
            cursor = page["next"]
        return found, cursor is not None

    def employee(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        return self.queries.employee_scores(self.subject(reference), self.now_ms, names=True)

    def explanation(
        self, reference: str, skill: str, at_ms: int | None, known_ms: int | None = None
    ) -> Answer:
        """See `reader.Reader`."""
        if known_ms is None:
            self._require_skill(skill)
        subject = self.subject(reference)
        found = self.queries.explanation(subject, skill, self.now_ms, at_ms=at_ms, known_ms=known_ms)
        if found is None:
            raise _skill_not_then(skill)
        return found if self._learners else own.without_the_learners_own(found)

    def registration(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        key = uuid_bytes(reference)
        found = None if key is None else self.queries.registrations.registration(key)
        if found is None:
            raise _unknown_registration(reference)
        return self._registration(found)

    def registrations(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        subject = self.subject(reference)
        found = self.queries.registrations.of_employee(subject)
        return {"subject": subject, "registrations": [self._registration(one) for one in found]}

    def _registration(self, found: Answer) -> Answer:
        from carrythrough.gateway.registrations_api import without_the_learners_own

        return found if self._learners else without_the_learners_own(found)

    def reviews(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        found = self.queries.reviews(self.subject(reference), self.now_ms)
        if not self._learners:
            found["skills"] = [own.reviews_for_others(part) for part in found["skills"]]
        return found

    def groups(self, by: str) -> Answer:
        """See `reader.Reader`."""
        return self.queries.groups(by, self.now_ms)

    def needs(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        subject = self.subject(reference)
        from carrythrough.gateway.needs_api import without_the_learners_own

        with closing(self._needs()) as needs:
            found = needs.of_employee(subject, self.now_ms)
        return found if self._learners else without_the_learners_own(found)

    def group_needs(self, by: str) -> Answer:
        """See `reader.Reader`."""
        with closing(self._needs()) as needs:
            return needs.groups(by, self.now_ms)

    def uplift(self, worth: float) -> Answer:
        """See `reader.Reader`."""
        return self.queries.uplift.report(self.now_ms, worth)

    def _needs(self) -> NeedsReads:
        log = LogReader(connect(self.path / "log.sqlite", readonly=True))
        return NeedsReads(self.path / "state.sqlite", log, lambda: self.in_force, self.queries)

    def enriched(self, after: int, limit: int) -> Answer:
        """See `reader.Reader`."""
        if self._enriching is None:
            self._enriching = Enriching(
                self.path / "state.sqlite",
                LogReader(connect(self.path / "log.sqlite", readonly=True)),
                self._activator,
                lambda: self.in_force,
                lambda: self._state.position,
            )
        page = self._enriching.page(after, limit)
        return {"events": [body for _, body in page.events], "next": page.next, "more": page.more}

    def set_aside(self, limit: int) -> list[Answer]:
        """See `reader.Reader`."""
        found: list[Answer] = []
        cursor: str | None = ""
        while cursor is not None and len(found) < limit:
            page = self.queries.quarantine(limit=limit - len(found), cursor=cursor)
            found += page["quarantine"]
            cursor = page["next"]
        return found

    def dead_letters(self, limit: int) -> list[Answer]:
        """See `reader.Reader`."""
        return list(self.queries.dead_letters(limit=limit)["actions"])

    def summary(self) -> Answer:
        """See `reader.Reader`."""
        return self.queries.summary()

    def row(self, position: int) -> Row | None:
        """Return a record of the log as it was stored, None when there is none at this position."""
        rows = self.log.rows(position - 1, 1)
        return rows[0] if rows and rows[0].position == position else None

    def subject(self, reference: str) -> str:
        """Return the pseudonym of an employee; raises PermanentError for an unknown one."""
        found = self.queries.subject(reference)
        if found is None:
            raise _unknown_employee(reference, [p.id for p in self.in_force.directory.people.values()])
        return found

    def _require_skill(self, skill: str) -> None:
        known = list(self.in_force.program.skills)
        if skill and skill not in known:
            near = get_close_matches(skill, known, n=1)
            raise PermanentError(
                Problem(
                    code="skill-unknown",
                    status=404,
                    title="The program map has no such skill",
                    detail=f"{skill!r}",
                    where="--skill",
                    rule=f"the skills are: {', '.join(known)}",
                    fix=f"did you mean {near[0]!r}?" if near else "name one of them",
                )
            )


def _unknown_registration(reference: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="registration-unknown",
            status=404,
            title="No cmi5-defined statement names this registration",
            detail=reference[:100],
            where="REFERENCE",
            rule="a registration is known by its statements of the cmi5 category (cmi5 9.6.1)",
            fix="look at the registrations of an employee: carrythrough registration EMPLOYEE",
        )
    )


def _skill_not_then(skill: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="skill-unknown",
            status=404,
            title="The program map of that time has no such skill",
            detail=f"{skill!r}",
            where="--skill",
            rule="what was shown then goes by the map that was in force then",
            fix="name a skill of that map, or a later time",
        )
    )


def _require_current(meta: dict[str, Any]) -> None:
    """Refuse a state file of another version: a reader changes nothing, so it cannot bring it up to date."""
    found = int(meta.get(META_NAME, 0))
    if not meta or (found == STATE_VERSION and IDENTITIES in meta):
        return
    raise PermanentError(
        Problem(
            code="state-of-another-version",
            status=409,
            title="The data folder was written by another version",
            detail=f"state version {found or 'of the first releases'}, this program knows {STATE_VERSION}",
            where="data_dir",
            rule="reading a folder changes nothing in it, also not its version",
            fix="start a server on it once (`carrythrough serve`), which brings it up to date"
            if found <= STATE_VERSION
            else "use the version of Carrythrough that wrote it, or a later one",
        )
    )


def lock_holder(path: Path) -> str | None:
    """Return the process id of who owns the data folder ("" when unknown), None when nobody does."""
    try:
        with (path / "lock").open("r", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return lock.read().strip()
    except OSError:
        return None
    return None


def _require_files(path: Path) -> None:
    if not path.is_dir() or not (path / "log.sqlite").exists():
        what = "there is nothing in it that a server wrote" if path.is_dir() else "it does not exist"
        raise PermanentError(
            Problem(
                code="data-folder-empty",
                status=404,
                title="This is not a data folder of Carrythrough",
                detail=f"{path}: {what}",
                where="data_dir",
                rule="scores are read from a data folder that `serve` or `ingest` has filled, or from a server",
                fix="name the folder with --data-dir, or a running server with --url, --key and --secret",
            )
        )
    if not (path / "state.sqlite").exists() or not (path / "tenant.key").exists():
        raise TransientError(
            Problem(
                code="data-folder-incomplete",
                status=503,
                title="The data folder is not complete",
                detail=f"{path} has a log, but no state or no tenant.key",
                where="data_dir",
                rule="the first start of a server makes them",
                fix="start `carrythrough serve` on it once, or restore the folder as a whole",
            )
        )


def _unreadable(path: Path, error: Exception) -> PermanentError:
    return PermanentError(
        Problem(
            code="data-folder-unreadable",
            status=500,
            title="The data folder cannot be read",
            detail=f"{path}: {type(error).__name__}: {error}",
            where="data_dir",
            rule="reading needs the permissions of the user that the server runs as (SQLite's WAL files included)",
            fix="run the command as that user, or ask the running server with --url",
        )
    )


def _unknown_employee(reference: str, known: list[str]) -> PermanentError:
    near = get_close_matches(reference, known, n=1, cutoff=0.5)
    return PermanentError(
        Problem(
            code="employee-unknown",
            status=404,
            title="Nobody here has this id",
            detail=f"{reference[:100]!r} is neither a roster id nor a pseudonym with evidence",
            where="EMPLOYEE",
            rule="employees are named by roster id or pseudonym, never by e-mail",
            fix=f"did you mean {near[0]!r}?" if near else "`carrythrough scores` lists everybody",
        )
    )
