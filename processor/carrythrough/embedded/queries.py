"""The read side of the embedded shell: what REST and the pages ask, as plain values ready for JSON.

Reads go through connections of their own, so they never wait for the fold and the
fold never waits for them. Scores are read as of the time of the question.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

import msgspec

from carrythrough.embedded.badges import load_badge_key
from carrythrough.embedded.counting import UNMATCHED
from carrythrough.embedded.database import connect, marks, row_before, select
from carrythrough.embedded.explaining import Explainer
from carrythrough.embedded.folder import Folder
from carrythrough.embedded.groups import Groups
from carrythrough.embedded.history import History
from carrythrough.embedded.hub import Published
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.passages import Passages
from carrythrough.embedded.presenting import named, overall, rfc3339, skill_score, texts_of_times
from carrythrough.embedded.registrations import Registrations
from carrythrough.embedded.store import StateFile
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.uplift import UpliftReads
from carrythrough.embedded.view import read_learners, read_ledger
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import LedgerRow
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.state import LearnerState
from carrythrough.telemetry.metrics import Telemetry

PAGE_MAX = 500
SIZES_S = 1.0
PAIRS_COUNTED_ALWAYS = 20_000
"""Up to here counting costs a millisecond, and a fresh number is worth more."""
_STAGE_CODES = {stage.text: int(stage) for stage in Stage}


class Queries:
    """Reads over `log.sqlite` and `state.sqlite`; safe to call from any thread."""

    def __init__(
        self,
        log: LogFile,
        state: StateFile,
        folder: Folder,
        telemetry: Telemetry,
        now_ms: Callable[[], int],
        history: History,
    ) -> None:
        self._log_file = log
        self._state = state
        self._folder = folder
        self._telemetry = telemetry
        self._now_ms = now_ms
        self._history = history
        self._groups = Groups(state.path, lambda: self.in_force)
        self._connection = connect(state.path, readonly=True)
        self._terms = Terms(self._connection)
        self._lock = threading.RLock()
        self._explainer = Explainer(
            self._connection, self._terms, self._lock, history, lambda: self.in_force, lambda: state.position
        )
        self.registrations = Registrations(state.path)
        self.passages = Passages(state.path)
        self.badge_key = cache(partial(load_badge_key, state.path.parent))
        self.uplift = UpliftReads(state.path, lambda: self.in_force)
        self._counted = (float("-inf"), 0, dict[str, tuple[int, int]]())

    @property
    def in_force(self) -> InForce:
        """The versions in force after the last folded batch."""
        return self._folder.in_force

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._connection.close()
        self._history.close()
        self._groups.close()
        self.registrations.close()
        self.uplift.close()
        self.passages.close()

    def subject(self, reference: str) -> str | None:
        """Return the pseudonym for a pseudonym or a roster id, None when neither is known."""
        directory = self.in_force.directory
        if directory.knows(reference):
            return directory.subject_of_employee(reference)
        with self._lock:
            found = self._connection.execute(
                "SELECT 1 FROM employee WHERE subject=?", (reference,)
            ).fetchone()
        return reference if found is not None or directory.person(reference) is not None else None

    def employee_scores(self, subject: str, now_ms: int, names: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - the port of the pages
        """Return the scores of one employee at `now_ms`, every skill of the map that has evidence."""
        learner = self._learners([subject]).get(subject, LearnerState())
        if self.in_force.directory.keeps_aside(subject):
            learner = LearnerState()
        skills = self.in_force.program.skills
        found = [
            skill_score(self.in_force, learner, learner.pairs[skill_id], skills[skill_id], now_ms)
            for skill_id in sorted(learner.pairs)
            if skill_id in skills
        ]
        answer: dict[str, Any] = {
            "subject": subject,
            "as_of": rfc3339(now_ms),
            "overall": overall(self.in_force, subject, learner, now_ms),
            "skills": found,
        }
        return named(self.in_force, answer, subject) if names else answer

    def list_scores(
        self,
        now_ms: int,
        *,
        limit: int = 100,
        cursor: str | None = "",
        skill: str = "",
        stage: str = "",
        team: str = "",
        names: bool = False,
    ) -> dict[str, Any]:
        """Return a page of scores ordered by subject and skill; cursor: the `next` of the page before."""
        limit = min(max(limit, 1), PAGE_MAX)
        after_subject, _, after_skill = (cursor or "").partition("/")
        entries: list[dict[str, Any]] = []
        more = True
        while more and len(entries) < limit:
            keys = self._page(after_subject, after_skill, skill, stage, team, limit + 1 - len(entries))
            more = len(keys) > limit - len(entries)
            keys = keys[: limit - len(entries)]
            if not keys:
                break
            entries += self._entries(keys, now_ms, stage, names=names)
            after_subject, after_skill = keys[-1]
        return {"scores": entries, "next": f"{after_subject}/{after_skill}" if more else None}

    def _entries(
        self, keys: list[tuple[str, str]], now_ms: int, stage: str, *, names: bool
    ) -> list[dict[str, Any]]:
        learners = self._learners({subject for subject, _ in keys})
        skills = self.in_force.program.skills
        entries = []
        for subject, skill_id in keys:
            learner = learners[subject]
            entry = {"subject": subject}
            entry |= skill_score(self.in_force, learner, learner.pairs[skill_id], skills[skill_id], now_ms)
            if stage in ("", entry["stage"]):
                entries.append(named(self.in_force, entry, subject) if names else entry)
        return entries

    def _page(
        self, after_subject: str, after_skill: str, skill: str, stage: str, team: str, limit: int
    ) -> list[tuple[str, str]]:
        known = self.in_force.program.skills
        if skill and skill not in known:
            return []
        with self._lock:
            numbers = {self._terms.find(s): s for s in ([skill] if skill else known)}
            numbers.pop(None, None)
            where = f"p.skill IN ({marks(len(numbers))})"
            where += " AND NOT EXISTS (SELECT 1 FROM vanished v WHERE v.subject = e.subject)"
            if self.in_force.directory.names_anybody:
                where += " AND NOT EXISTS (SELECT 1 FROM stranger s WHERE s.subject = e.subject)"
            values: list[Any] = [after_subject, after_subject, after_skill, *numbers]
            if stage:
                where += " AND p.stage=?"
                values.append(_STAGE_CODES.get(stage, -1))
            if team:
                people = self.in_force.directory.people
                members = [s for s, person in people.items() if person.team == team]
                where += " AND e.subject IN (SELECT value FROM json_each(?))"
                values.append(msgspec.json.encode(members).decode())
            rows = select(
                self._connection,
                "SELECT e.subject, t.text FROM employee e JOIN pair p ON p.employee = e.id"
                " JOIN term t ON t.id = p.skill"
                f" WHERE (e.subject > ? OR (e.subject = ? AND t.text > ?)) AND {where}"
                " ORDER BY e.subject, t.text LIMIT ?",
                (*values, limit),
            )
        return [(subject, text) for subject, text in rows]

    def explanation(
        self,
        subject: str,
        skill_id: str,
        now_ms: int,
        *,
        at_ms: int | None = None,
        known_ms: int | None = None,
    ) -> dict[str, Any] | None:
        """Explain one score; see `embedded.explaining.Explainer.explanation`."""
        return self._explainer.explanation(subject, skill_id, now_ms, at_ms=at_ms, known_ms=known_ms)

    def reviews(self, subject: str, now_ms: int) -> dict[str, Any]:
        """Return the knowledge items of one employee and when each is due again, skill by skill."""
        return self._explainer.reviews(subject, now_ms)

    def groups(self, by: str, now_ms: int) -> dict[str, Any]:
        """Return the scores of teams, roles or sites and of the program, at most a minute old."""
        return self._groups.report(by, now_ms)

    def actions(
        self, *, limit: int = 100, cursor: str | None = "", subject: str | None = "", status: str = ""
    ) -> dict[str, Any]:
        """Return actions with what became of each delivery, newest first."""
        limit = min(max(limit, 1), PAGE_MAX)
        values: list[Any] = [row_before(cursor)]
        where = "entry < ?"
        for column, value in (("subject", subject), ("status", status)):
            if value:
                where += f" AND {column} = ?"
                values.append(value)
        with self._lock:
            rows = select(
                self._connection,
                "SELECT entry, adapter, body, status, attempts, receipt, error, due_ms, closed_ms FROM outbox"
                f" WHERE {where} ORDER BY entry DESC LIMIT ?",
                (*values, limit + 1),
            )
        entries = []
        for entry, adapter, body, state, attempts, receipt, error, due_ms, closed_ms in rows[:limit]:
            action = msgspec.json.decode(bytes(body))
            texts_of_times(action)
            action |= {"entry": entry, "adapter": adapter, "status": state, "attempts": attempts}
            action |= {"receipt": receipt, "error": error, "due": rfc3339(due_ms)}
            action["closed"] = rfc3339(closed_ms) if closed_ms else None
            entries.append(action)
        return {"actions": entries, "next": str(rows[limit - 1][0]) if len(rows) > limit else None}

    def dead_letters(self, *, limit: int = 100, cursor: str | None = "") -> dict[str, Any]:
        """Return actions that were given up, newest first."""
        return self.actions(limit=limit, cursor=cursor, status="dead")

    def quarantine(self, *, limit: int = 100, cursor: str | None = "") -> dict[str, Any]:
        """Return records that were set aside, newest first."""
        limit = min(max(limit, 1), PAGE_MAX)
        with self._lock:
            rows = select(
                self._connection,
                "SELECT position, kind, stored_ms, credential, code, detail FROM quarantine WHERE position < ?"
                " ORDER BY position DESC LIMIT ?",
                (row_before(cursor), limit + 1),
            )
        names = ("position", "kind", "stored", "credential", "code", "detail")
        entries = [dict(zip(names, row, strict=True)) for row in rows[:limit]]
        for entry in entries:
            entry["stored"] = rfc3339(entry["stored"])
        return {"quarantine": entries, "next": str(rows[limit - 1][0]) if len(rows) > limit else None}

    def effects_after(self, seq: int, limit: int) -> list[Published]:
        """Return committed effects after a sequence number, in order."""
        with self._lock:
            rows = select(
                self._connection,
                "SELECT seq, kind, subject, skill, body FROM effect WHERE seq > ? ORDER BY seq LIMIT ?",
                (seq, limit),
            )
        return [Published(seq, kind, subject, skill, bytes(body)) for seq, kind, subject, skill, body in rows]

    def last_seq(self) -> int:
        """Return the sequence number of the newest committed effect."""
        with self._lock:
            return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM effect").get)

    def ledgers(self) -> Iterator[list[LedgerRow]]:
        """Yield the ledger of each employee, one after the other."""
        with self._lock:
            people = select(self._connection, "SELECT subject, id FROM employee ORDER BY id")
        for subject, number in people:
            with self._lock:
                rows = read_ledger(self._connection, self._terms, subject, number)
            yield rows

    def voided_sources(self) -> frozenset[bytes]:
        """Return the statements and events that were taken back."""
        with self._lock:
            return frozenset(bytes(row[0]) for row in self._connection.execute("SELECT source FROM void"))

    def _sizes(self, *, afresh: bool) -> tuple[int, dict[str, tuple[int, int]]]:
        """Return how many employees there are, and by skill how many have evidence and how many a score.

        Where there are many they are counted anew only every SIZES_S.
        """
        counted_s, employees, skills = self._counted
        pairs = sum(people for people, _ in skills.values())
        if afresh or pairs < PAIRS_COUNTED_ALWAYS or time.monotonic() - counted_s > SIZES_S:
            hidden = "SELECT subject FROM vanished"
            if self.in_force.directory.names_anybody:
                hidden += " UNION ALL SELECT subject FROM stranger"
            employees = int(
                self._connection.execute(f"SELECT count(*) FROM employee WHERE subject NOT IN ({hidden})").get
            )
            rows = select(
                self._connection,
                "SELECT skill, count(*), sum(score >= 0) FROM pair WHERE employee NOT IN"
                f" (SELECT id FROM employee WHERE subject IN ({hidden})) GROUP BY skill",
            )
            skills = {self._terms.text(skill): (people, scored) for skill, people, scored in rows}
            # A large installation is counted less often: the walk never takes more than a few per cent.
            self._counted = (time.monotonic() + pairs / 100_000, employees, skills)
        return employees, skills

    def summary(self, *, afresh: bool = False) -> dict[str, Any]:
        """Return the numbers of the installation as of now; afresh: count people and skills however many there are."""
        program = self.in_force.program.map
        with self._lock:
            one = self._connection.execute
            employees, skills = self._sizes(afresh=afresh)
            unknown = one("SELECT count(*) FROM stranger").get
            dead = one("SELECT count(*) FROM outbox WHERE status='dead'").get
            actions = dict(select(self._connection, "SELECT status, count(*) FROM outbox GROUP BY status"))
        ack, visible = self._telemetry.medians_ms()
        counters = self._state.counters
        return {
            "now": rfc3339(self._now_ms()),
            "tenant": self.in_force.tenant,
            "program": {
                "id": program.id,
                "version": program.version,
                "name": program.name,
                "minimum_outcomes": program.policy.minimum_outcomes,
                "goals": msgspec.to_builtins(program.goals),
                "skills": [
                    {"id": s.id, "name": s.name, "target": s.target, "kpis": list(s.kpis)}
                    for s in program.skills
                ],
            },
            "employees": employees,
            "roster": len(self.in_force.directory.people),
            "unknown": unknown,
            "pairs": sum(people for people, _ in skills.values()),
            "scored_pairs": sum(scored for _, scored in skills.values()),
            "skills": [
                {"skill": skill, "people": people, "scored": scored}
                for skill, (people, scored) in sorted(skills.items())
            ],
            "statements": counters.get("count.statements", 0),
            "events": counters.get("count.events", 0),
            "evidence": counters.get("count.evidence", 0),
            "unmatched": counters.get("count.unmatched", 0),
            "unmatched_by": {
                name.removeprefix("count." + UNMATCHED): value
                for name, value in sorted(counters.items())
                if name.startswith("count." + UNMATCHED)
            },
            "refused": counters.get("count.refused", 0),
            "history": counters.get("count.history", 0),
            "decisions": counters.get("count.decisions", 0),
            "actions_requested": counters.get("count.actions", 0),
            "quarantined": counters.get("count.quarantined", 0),
            "dead_letters": dead,
            "actions": actions,
            "rate_per_s": round(self._telemetry.rate_per_s(), 1),
            "ack_p50_ms": ack,
            "visible_p50_ms": visible,
            "position": self._log_file.end,
            "folded_position": self._state.position,
            "lag_records": max(0, self._log_file.end - self._state.position),
        }

    def _number(self, subject: str) -> int | None:
        row = self._connection.execute("SELECT id FROM employee WHERE subject=?", (subject,)).fetchone()
        return None if row is None else int(row[0])

    def _learners(self, subjects: Iterable[str]) -> dict[str, LearnerState]:
        with self._lock:
            return read_learners(self._connection, self._terms, list(subjects))
