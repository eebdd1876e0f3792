"""The fold's view of the stored state: a bounded cache of decoded employees over SQLite reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import apsw

from carrythrough.embedded.database import chunks, marks, select
from carrythrough.embedded.log import LogReader, Row
from carrythrough.embedded.marks import home_of, read_marks, read_placed
from carrythrough.embedded.referring import stored_loads
from carrythrough.embedded.replies import replies_of
from carrythrough.embedded.strangers import names_at, read_stranger, strangers_of_kin
from carrythrough.embedded.surveys import answers_about
from carrythrough.embedded.terms import Terms
from carrythrough.evidence.cmi5 import Mark
from carrythrough.evidence.needs import NeedAnswer
from carrythrough.evidence.types import Channel, Evidence
from carrythrough.identity.directory import RosterIndex
from carrythrough.pipeline.amending import Amendment
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.records import LedgerRow, Piece
from carrythrough.pipeline.registrations import Home, PlacedMark
from carrythrough.pipeline.replying import Reply
from carrythrough.pipeline.step import set_out
from carrythrough.pipeline.strangers import Stranger
from carrythrough.reinforcement.blast import IDLE, RuleLoad
from carrythrough.scoring.codec import decode_header, decode_pair
from carrythrough.scoring.state import LearnerState

CACHED_PAIRS_MAX = 120_000
"""Decoded pair states kept in memory, about 3 KB each."""


class StoreView:
    """Implements `pipeline.fold.StateView`; used by the fold's thread alone."""

    def __init__(self, connection: apsw.Connection, log: LogReader, terms: Terms) -> None:
        self._connection = connection
        self._log = log
        self._terms = terms
        self._ids: dict[str, int] = {}
        self._cache: dict[str, LearnerState | None] = {}
        self._headers: dict[str, tuple[int, bytes]] = {}
        self._pairs = 0
        self._voids = {bytes(row[0]) for row in connection.execute("SELECT source FROM void")}
        self._contested = contested_pieces(connection)
        self._vanished = {str(row[0]) for row in connection.execute("SELECT subject FROM vanished")}
        self._rule_loads = stored_loads(connection)
        self._surveyed = connection.execute("SELECT 1 FROM survey LIMIT 1").fetchone() is not None
        self._replied = {bytes(row[0]) for row in connection.execute("SELECT source FROM reply")}
        self._next_id = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM employee").get
        self.owners: Callable[[Row], Iterable[str]] = lambda _: ()
        """Whom a log record may be about under the roster in force; set by the fold's thread."""
        self.exact = False
        """Look every ledger key up: on only after an insert has met a key that is there."""

    def preload(self, subjects: Iterable[str]) -> None:
        """Read the employees that a batch will need, in few statements."""
        cache = self._cache
        missing = [s for s in dict.fromkeys(subjects) if s not in cache]
        for part in chunks(missing):
            self._load(part)

    def _load(self, subjects: Sequence[str]) -> None:
        by_id: dict[int, LearnerState] = {}
        rows = select(
            self._connection,
            f"SELECT id, subject, header FROM employee WHERE subject IN ({marks(len(subjects))})",
            subjects,
        )
        self._cache.update(dict.fromkeys(subjects))
        for number, subject, header in rows:
            by_id[number] = self._cache[subject] = decode_header(header)
            self._ids[subject] = number
        text = self._terms.text
        for part in chunks(list(by_id)):
            for number, skill, state in select(
                self._connection,
                f"SELECT employee, skill, state FROM pair WHERE employee IN ({marks(len(part))})",
                part,
            ):
                by_id[number].pairs[text(skill)] = decode_pair(state)
                self._pairs += 1

    def learner(self, subject: str) -> LearnerState | None:
        """Return the employee as last committed, or None."""
        if subject not in self._cache:
            self._load([subject])
        return self._cache[subject]

    def number(self, subject: str) -> int:
        """Return the row number of an employee, giving a new one the next."""
        found = self._ids.get(subject)
        if found is None:
            if self._cache.get(subject) is None and subject not in self._cache:
                self._load([subject])
                found = self._ids.get(subject)
            if found is None:
                found = self._ids[subject] = self._next_id
                self._next_id += 1
        return found

    def header_changed(self, subject: str, due_ms: int, header: bytes) -> bool:
        """Say whether the employee's row has to be written, and remember it as written."""
        row = (due_ms, header)
        if self._headers.get(subject) == row:
            return False
        self._headers[subject] = row
        return True

    def adopt(self, delta: Delta) -> None:
        """Keep what a committed batch changed, dropping the employees that were used longest ago."""
        cache = self._cache
        for subject, learner in delta.learners.items():
            before = cache.pop(subject, None)
            self._pairs += len(learner.pairs) - (0 if before is None else len(before.pairs))
            cache[subject] = learner
        self._voids.update(delta.voids)
        self._rule_loads.update(delta.rule_loads)
        self._surveyed = self._surveyed or bool(delta.surveys)
        self._replied.update(reply.source for reply in delta.replies)
        for subject, gone in delta.gone.items():
            (self._vanished.add if gone else self._vanished.discard)(subject)
        if delta.contests:
            self._contested = set(set_out(frozenset(self._contested), delta.contests))
        while self._pairs > CACHED_PAIRS_MAX and len(cache) > 1:
            oldest = next(iter(cache))
            dropped = cache.pop(oldest)
            self._ids.pop(oldest, None)
            self._headers.pop(oldest, None)
            self._pairs -= 0 if dropped is None else len(dropped.pairs)

    def forget(self) -> None:
        """Drop everything cached, after a batch that did not commit."""
        self._cache.clear()
        self._ids.clear()
        self._headers.clear()
        self._pairs = 0
        self._rule_loads = stored_loads(self._connection)
        self._next_id = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM employee").get

    def rule_load(self, rule: str) -> RuleLoad:
        """Return what a rule did lately."""
        return self._rule_loads.get(rule, IDLE)

    def seen(self, row: LedgerRow) -> bool:
        """Say whether the ledger has this key; taken as no until an insert proves otherwise."""
        if not self.exact:
            return False
        e = row.evidence
        return (
            self._connection.execute(
                "SELECT 1 FROM ledger WHERE employee=? AND skill=? AND channel=? AND source=?",
                (self.number(row.subject), self._terms.number(e.skill), e.channel, e.source),
            ).fetchone()
            is not None
        )

    def ledger(self, subject: str) -> list[LedgerRow]:
        """Return the ledger rows of an employee."""
        return read_ledger(self._connection, self._terms, subject, self.number(subject))

    def near(self, subject: str, skill: str, from_ms: int, to_ms: int) -> list[LedgerRow]:
        """Return the job and support rows of one skill in a span of event time."""
        return read_ledger(
            self._connection,
            self._terms,
            subject,
            self.number(subject),
            f" AND skill=? AND channel IN ({int(Channel.JOB)}, {int(Channel.SUPPORT)}) AND t_ms BETWEEN ? AND ?",
            (self._terms.number(skill), from_ms, to_ms),
        )

    def locate(self, source: bytes) -> str | None:
        """Return whose evidence a source is: whoever the log's record names, else a search of the ledger."""
        row = self._log.row_of(source)
        if row is None:
            return None
        for subject in self.owners(row):
            found = self._connection.execute(
                "SELECT 1 FROM ledger WHERE employee=? AND source=? LIMIT 1", (self.number(subject), source)
            ).fetchone()
            if found is not None:
                return subject
        found = self._connection.execute(
            "SELECT e.subject FROM ledger l JOIN employee e ON e.id = l.employee WHERE l.source=? LIMIT 1",
            (source,),
        ).fetchone()
        return None if found is None else str(found[0])

    def voided(self, source: bytes) -> bool:
        """Say whether this source was voided."""
        return source in self._voids

    def contested(self, piece: Piece) -> bool:
        """Say whether the last contest of this piece set it aside."""
        return piece in self._contested

    def marks(self, home: Home) -> list[Mark]:
        """Return the cmi5 marks of one unit of one registration."""
        subject, registration, activity = home
        return read_marks(
            self._connection,
            self._terms,
            "employee=? AND registration=? AND activity=?",
            (self.number(subject), registration, self._terms.number(activity)),
        )

    def home_of(self, source: bytes) -> Home | None:
        """Return the unit that a cmi5-defined statement belongs to, or None."""
        return home_of(self._connection, self._terms, source)

    def corrects(self, source: bytes) -> bool:
        """Say whether an event is known as a correction."""
        found = self._connection.execute("SELECT 1 FROM amendment WHERE source=?", (source,))
        return found.fetchone() is not None

    def corrections(self, target: bytes) -> list[Amendment]:
        """Return the corrections of an event."""
        rows = select(
            self._connection,
            "SELECT source, target, revision, t_ms, position FROM amendment WHERE target=?",
            (target,),
        )
        return [Amendment(bytes(row[0]), bytes(row[1]), *row[2:]) for row in rows]

    def ended(self, source: bytes) -> bool:
        """Say whether an event was retracted or stands behind another correction."""
        found = self._connection.execute("SELECT 1 FROM ended WHERE source=?", (source,))
        return found.fetchone() is not None

    def placed(self, subject: str) -> list[PlacedMark]:
        """Return the cmi5 marks of an employee."""
        return read_placed(self._connection, self._terms, "e.subject=?", (subject,))

    def strangers(self, kin: Iterable[str] | None = None) -> set[str]:
        """Return the strangers that have one of some sealed kinship tokens, None for all."""
        return strangers_of_kin(self._connection, kin)

    def stranger(self, subject: str) -> Stranger | None:
        """Return what is known of a stranger, None for others."""
        return read_stranger(self._connection, subject)

    def vanished(self, subject: str) -> bool:
        """Say whether all evidence of a pseudonym is somebody else's."""
        return subject in self._vanished

    def names(self, positions: Iterable[int]) -> Mapping[int, str]:
        """Return whom the records at some positions of the log are about."""
        return names_at(self._log, positions)

    def rename(self, source: str, target: str) -> None:
        """Let the row of a source be a target's from now on."""
        self._ids[target] = self.number(source)
        del self._ids[source]
        self._headers.pop(source, None)
        self._headers.pop(target, None)

    def surveys(self, subject: str, directory: RosterIndex) -> list[NeedAnswer]:
        """Return the answers of needs surveys about somebody, voided ones left out."""
        if not self._surveyed:
            return []
        return answers_about(self._connection, self._log, self._terms, subject, directory)

    def replies(self, subject: str) -> list[Reply]:
        """Return the answers that somebody gave, voided ones left out."""
        return replies_of(self._connection, subject) if self._replied else []

    def replied(self, source: bytes) -> bool:
        """Say whether an answer was folded."""
        return source in self._replied

    def due(self, now_ms: int, limit: int) -> list[str]:
        """Return employees with timers due, by (due time, subject)."""
        rows = select(
            self._connection,
            "SELECT subject FROM employee WHERE due_ms > 0 AND due_ms <= ? ORDER BY due_ms, subject LIMIT ?",
            (now_ms, limit),
        )
        return [row[0] for row in rows]


def read_learners(
    connection: apsw.Connection, terms: Terms, subjects: Sequence[str]
) -> dict[str, LearnerState]:
    """Return the stored employees among `subjects`, at most a few hundred at once."""
    heads = select(
        connection,
        f"SELECT id, subject, header FROM employee WHERE subject IN ({marks(len(subjects))})",
        subjects,
    )
    by_id = {number: (subject, decode_header(bytes(header))) for number, subject, header in heads}
    rows = select(
        connection,
        f"SELECT employee, skill, state FROM pair WHERE employee IN ({marks(len(by_id))})",
        list(by_id),
    )
    for number, skill, state in rows:
        by_id[number][1].pairs[terms.text(skill)] = decode_pair(bytes(state))
    return dict(by_id.values())


def contested_pieces(connection: apsw.Connection, up_to: int = 1 << 62) -> set[Piece]:
    """Return the pieces that were set aside by the contests up to a position of the log."""
    rows = select(
        connection,
        "SELECT source, skill, channel, restore, max(position) FROM contest WHERE position<=?"
        " GROUP BY source, skill, channel",
        (up_to,),
    )
    return {(bytes(source), skill, channel) for source, skill, channel, restore, _ in rows if not restore}


def read_ledger(
    connection: apsw.Connection,
    terms: Terms,
    subject: str,
    number: int,
    where: str = "",
    values: tuple[int, ...] = (),
) -> list[LedgerRow]:
    """Return the ledger rows of an employee, ordered by skill, channel and source; `where` narrows them."""
    text = terms.text
    rows = select(
        connection,
        "SELECT source, skill, channel, t_ms, y, w, p_item, flags, item, rule, map_version, window_s, position, voided"
        f" FROM ledger WHERE employee=?{where}",
        (number, *values),
    )
    return [
        LedgerRow(
            subject,
            Evidence(
                bytes(r[0]),
                text(r[1]),
                r[2],
                r[3],
                r[4],
                r[5],
                r[6],
                r[7],
                text(r[8]),
                text(r[9]),
                r[10],
                r[11],
            ),
            r[12],
            r[13],
        )
        for r in rows
    ]
