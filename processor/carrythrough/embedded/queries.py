"""The read side of the embedded shell: what REST and the pages ask, as plain values ready for JSON.

Reads go through connections of their own, so they never wait for the fold and the
fold never waits for them. Scores are read as of the time of the question.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from carrythrough.embedded.database import connect, marks, select
from carrythrough.embedded.folder import Folder
from carrythrough.embedded.hub import Published
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.store import StateFile
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.view import read_ledger
from carrythrough.evidence.types import Y_ONE
from carrythrough.pipeline.explain import explain
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import Reading, read_pair
from carrythrough.pipeline.reasons import reasons_for
from carrythrough.program.types import Skill
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.codec import decode_header, decode_pair
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.state import LearnerState, PairState
from carrythrough.telemetry.metrics import Telemetry

PAGE_MAX = 500
TREND_DAYS = 7
TREND_STEP = 0.01
"""What fading must have taken before it is called a trend."""
TREND_PULL = 0.1
"""How far the recent outcomes must lie from the score before they are called a trend."""
_STAGE_CODES = {stage.text: int(stage) for stage in Stage}


def rfc3339(ms: int) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds."""
    return (
        dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"
    )


class Queries:
    """Reads over `log.sqlite` and `state.sqlite`; safe to call from any thread."""

    def __init__(
        self, log: LogFile, state: StateFile, folder: Folder, telemetry: Telemetry, now_ms: Callable[[], int]
    ) -> None:
        self._log_file = log
        self._state = state
        self._folder = folder
        self._telemetry = telemetry
        self._now_ms = now_ms
        self._connection = connect(state.path, readonly=True)
        self._terms = Terms(self._connection)
        self._lock = threading.RLock()

    @property
    def in_force(self) -> InForce:
        """The versions in force after the last folded batch."""
        return self._folder.in_force

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

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

    def employee_scores(self, subject: str, now_ms: int, *, names: bool = False) -> dict[str, Any]:
        """Return the scores of one employee at `now_ms`, every skill of the map that has evidence."""
        learner = self._learners([subject]).get(subject, LearnerState())
        skills = self.in_force.program.skills
        found = [
            self._skill_score(learner, learner.pairs[skill_id], skills[skill_id], now_ms)
            for skill_id in sorted(learner.pairs)
            if skill_id in skills
        ]
        answer: dict[str, Any] = {
            "subject": subject,
            "as_of": rfc3339(now_ms),
            "overall": self._overall(subject, found),
            "skills": found,
        }
        return self._named(answer, subject) if names else answer

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
            entry |= self._skill_score(learner, learner.pairs[skill_id], skills[skill_id], now_ms)
            if stage in ("", entry["stage"]):
                entries.append(self._named(entry, subject) if names else entry)
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

    def explanation(self, subject: str, skill_id: str, at_ms: int) -> dict[str, Any] | None:
        """Explain one score as of an event time; None for a skill that the map does not have."""
        skill = self.in_force.program.skills.get(skill_id)
        if skill is None:
            return None
        in_force = self.in_force
        with self._lock:
            number = self._number(subject)
            rows = [] if number is None else read_ledger(self._connection, self._terms, subject, number)
        counted = [row.evidence for row in rows if not row.voided]
        found = msgspec.to_builtins(explain(counted, skill, at_ms, in_force.model, in_force.program.policy))
        _times(found)
        for part in (found["evidence"], found["job"]["evidence"], found["trajectory"]):
            for entry in part:
                _times(entry)
        return {
            "subject": subject,
            "skill": skill.id,
            "skill_name": skill.name,
            "target": skill.target,
            **found,
        }

    def actions(
        self, *, limit: int = 100, cursor: str | None = "", subject: str | None = "", status: str = ""
    ) -> dict[str, Any]:
        """Return actions with what became of each delivery, newest first."""
        limit = min(max(limit, 1), PAGE_MAX)
        values: list[Any] = [_before(cursor)]
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
            _times(action)
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
                (_before(cursor), limit + 1),
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

    def summary(self) -> dict[str, Any]:
        """Return the numbers of the installation as of now."""
        program = self.in_force.program.map
        with self._lock:
            one = self._connection.execute
            employees = one("SELECT count(*) FROM employee").get
            pairs = one("SELECT count(*) FROM pair").get
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
                "goals": msgspec.to_builtins(program.goals),
                "skills": [
                    {"id": s.id, "name": s.name, "target": s.target, "kpis": list(s.kpis)}
                    for s in program.skills
                ],
            },
            "employees": employees,
            "pairs": pairs,
            "statements": counters.get("count.statements", 0),
            "events": counters.get("count.events", 0),
            "evidence": counters.get("count.evidence", 0),
            "unmatched": counters.get("count.unmatched", 0),
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

    def _skill_score(
        self, learner: LearnerState, pair: PairState, skill: Skill, now_ms: int
    ) -> dict[str, Any]:
        in_force = self.in_force
        policy, model = in_force.program.policy, in_force.model
        # A record may carry a log time a little after this question's clock: read as of the later.
        now_ms = max(now_ms, pair.published.as_of_ms)
        reading = read_pair(learner, pair, now_ms, skill, model, policy)
        score, weight = reading.score, reading.weight
        last = max((c.last_ms for c in pair.channels if c is not None), default=0)
        last = max(last, *(t for _, t in pair.counts))
        return {
            "skill": skill.id,
            "skill_name": skill.name,
            "score": round(score.value, 4) if score is not None else None,
            "low": round(score.low, 4) if score is not None else None,
            "high": round(score.high, 4) if score is not None else None,
            "stage": reading.stage.text,
            "trend": _trend(reading, pair, now_ms),
            "outcomes": weight.outcomes,
            "effective": round(weight.effective, 2),
            "exposures": weight.exposures,
            "last_evidence": rfc3339(last) if last else None,
            "target": skill.target,
            "reasons": msgspec.to_builtins(reasons_for(reading, model, policy)),
            "sequence": pair.published.sequence,
            "as_of": rfc3339(now_ms),
            "valid_until": rfc3339(pair.published.due_ms or now_ms + TREND_DAYS * DAY_MS),
            "model": model.name,
        }

    def _overall(self, subject: str, found: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the importance-weighted mean over the role's skills with the weakest beside it."""
        person = self.in_force.directory.person(subject)
        role = person.role if person is not None else ""
        skills = self.in_force.program.skills
        total = weight = 0.0
        weakest: dict[str, Any] | None = None
        for entry in found:
            roles = skills[entry["skill"]].roles
            importance = roles.get(role, 0.0 if roles and role else 1.0)
            if entry["score"] is None or not importance:
                continue
            total += importance * entry["score"]
            weight += importance
            if weakest is None or entry["score"] < weakest["score"]:
                weakest = entry
        if weakest is None:
            return None
        return {"score": round(total / weight, 4), "weakest_skill": weakest["skill"]}

    def _named(self, entry: dict[str, Any], subject: str) -> dict[str, Any]:
        person = self.in_force.directory.person(subject)
        if person is not None:
            entry |= {"employee": person.id, "name": person.name, "team": person.team, "role": person.role}
        return entry

    def _number(self, subject: str) -> int | None:
        row = self._connection.execute("SELECT id FROM employee WHERE subject=?", (subject,)).fetchone()
        return None if row is None else int(row[0])

    def _learners(self, subjects: Iterable[str]) -> dict[str, LearnerState]:
        wanted = list(subjects)
        with self._lock:
            heads = select(
                self._connection,
                f"SELECT id, subject, header FROM employee WHERE subject IN ({marks(len(wanted))})",
                wanted,
            )
            by_id = {number: (subject, decode_header(bytes(header))) for number, subject, header in heads}
            rows = select(
                self._connection,
                f"SELECT employee, skill, state FROM pair WHERE employee IN ({marks(len(by_id))})",
                list(by_id),
            )
            for number, skill, state in rows:
                by_id[number][1].pairs[self._terms.text(skill)] = decode_pair(bytes(state))
        return dict(by_id.values())


def _before(cursor: str | None) -> int:
    """Return the row number that a descending page starts below."""
    return int(cursor) if cursor and cursor.isdigit() else 1 << 62


def _times(entry: dict[str, Any]) -> None:
    """Turn the `*_ms` times of an entry into RFC 3339 texts under the name without the suffix."""
    for name in [n for n in entry if n.endswith("_ms")]:
        entry[name[:-3]] = rfc3339(entry.pop(name))


def _trend(reading: Reading, pair: PairState, now_ms: int) -> int:
    """Return where the score is heading: -1, 0 or 1.

    Outcomes of the last TREND_DAYS pull towards their mean; without any, what is learnt fades.
    """
    score = reading.score
    if score is None:
        return 0
    since = now_ms - TREND_DAYS * DAY_MS
    lately = [y for c in pair.channels if c is not None for t, _, y in c.newest if t >= since]
    if not lately:
        return -1 if score.pi_fresh - score.pi > TREND_STEP else 0
    pull = sum(lately) / len(lately) / Y_ONE - score.value
    return 0 if abs(pull) < TREND_PULL else 1 if pull > 0 else -1
