"""One commit of the fold: state, ledger, effects, outbox, index and position together.

Commit order, in prose: begin; terms; employees and pairs that changed; new ledger
rows, then the marks of voided ones; effects; actions into the outbox; the position;
commit. A crash before the commit leaves the position
where it was, and the same records are folded again into the same bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from carrythrough.embedded.database import connect
from carrythrough.embedded.decisions import write_decisions
from carrythrough.embedded.hub import Published
from carrythrough.embedded.log import LogReader
from carrythrough.embedded.marks import write_marks
from carrythrough.embedded.moves import write_moves, write_strangers
from carrythrough.embedded.noted import write_notes
from carrythrough.embedded.passages import write_passages
from carrythrough.embedded.referring import write_policy
from carrythrough.embedded.replies import write_replies
from carrythrough.embedded.schema import (
    AMENDMENT,
    CONTEST,
    EFFECT,
    EMPLOYEE,
    ENDED,
    LEDGER,
    META,
    OUTBOX,
    PAIR,
    QUARANTINE,
    SETTLED,
    VOID,
)
from carrythrough.embedded.surveys import write_surveys
from carrythrough.embedded.terms import Terms
from carrythrough.embedded.upgrading import prepare
from carrythrough.embedded.view import StoreView
from carrythrough.pipeline.delta import Delta
from carrythrough.pipeline.effects import ActionRequested, Effect, SetAside
from carrythrough.pipeline.records import CONTESTED, VOIDED, Kind
from carrythrough.scoring.codec import encode_header, encode_pair

EFFECTS_KEPT_MAX = 500_000
"""Effects kept for subscribers that resume; older ones are dropped a few at a time."""
EFFECTS_DROPPED_AT_ONCE = 5_000

_encode = msgspec.json.Encoder().encode


class Folded(msgspec.Struct):
    """What one fold transaction writes besides its delta.

    counts: how much to add to the counters in `meta`.
    set_aside: (kind, stored_ms, credential, entry) of records that could not be folded.
    """

    position: int
    counts: dict[str, int]
    set_aside: list[tuple[int, int, str, SetAside]]


class StateFile:
    """The file `state.sqlite`; the fold's thread writes state, the dispatcher's its outbox rows.

    `lock` keeps the two from meeting inside SQLite, where the loser would have to poll.
    """

    def __init__(
        self, path: Path, log: LogReader, *, vfs: str | None = None, exclusive: bool = False
    ) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.connection = connect(path, vfs=vfs, exclusive=exclusive)
        prepare(self.connection, log)
        self.terms = Terms(self.connection)
        self.view = StoreView(self.connection, log, self.terms)
        self.counters: dict[str, int] = dict(
            self.connection.execute("SELECT name, value FROM meta WHERE name LIKE 'count.%'")
        )
        self.position = self._meta("position")
        self._seq = self.connection.execute("SELECT coalesce(max(seq), 0) FROM effect").get
        self._seq = max(self._seq, self._meta("seq"))

    def _meta(self, name: str) -> int:
        row = self.connection.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def commit(
        self, delta: Delta, folded: Folded, adapters_of: Callable[[ActionRequested], Iterable[str]]
    ) -> list[Published]:
        """Write one batch durably and return its effects as published; raises apsw.Error and changes nothing."""
        with self.lock:
            seq = self._seq
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                published = self._write(delta, folded, adapters_of)
                self.connection.execute("COMMIT")
            except BaseException:
                self._seq = seq
                self._undo()
                raise
        self.position = folded.position
        for name, add in folded.counts.items():
            self.counters["count." + name] = self.counters.get("count." + name, 0) + add
        self.view.adopt(delta)
        return published

    def _undo(self) -> None:
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        finally:
            try:
                self.view.forget()
            finally:
                self.terms.forget()
        # A commit may have failed towards us and yet be on disk: what the file says is what counts.
        self.position = self._meta("position")
        self._seq = self._meta("seq")

    def _write(
        self, delta: Delta, folded: Folded, adapters_of: Callable[[ActionRequested], Iterable[str]]
    ) -> list[Published]:
        connection, view = self.connection, self.view
        if delta.moves or delta.strangers or delta.gone:
            write_moves(connection, delta, view, self.terms)
            write_strangers(connection, delta)
        employees: list[object] = []
        for subject, learner in delta.learners.items():
            due_ms, header = learner.due_ms(), encode_header(learner)
            if view.header_changed(subject, due_ms, header):
                employees += (view.number(subject), subject, due_ms, header)
        EMPLOYEE.run(connection, employees)
        self._write_evidence(delta)
        write_policy(connection, delta)
        published = self._effects(delta.effects)
        write_passages(connection, delta.effects)
        self._outbox(delta.effects, adapters_of)
        for r in delta.refused:
            QUARANTINE.run(
                connection, (r.position, int(Kind.REFUSED), r.stored_ms, r.credential, r.code, r.detail)
            )
        for kind, stored_ms, credential, entry in folded.set_aside:
            QUARANTINE.run(
                connection, (entry.position, kind, stored_ms, credential, entry.code, entry.detail)
            )
            published += self._effects([entry])
        self.terms.save()
        META.run(connection, self._meta_rows(folded))
        return published

    def _write_evidence(self, delta: Delta) -> None:
        connection, view, number = self.connection, self.view, self.terms.number
        pairs: list[object] = []
        for (subject, skill), pair in delta.pairs.items():
            published = pair.published
            pairs += (
                view.number(subject),
                number(skill),
                published.stage,
                published.score,
                encode_pair(pair),
            )
        PAIR.run(connection, pairs)
        rows: list[object] = []
        for row in delta.added:
            e = row.evidence
            rows += (
                view.number(row.subject), number(e.skill), e.channel, e.source, e.t_ms, e.y, e.w, e.p_item, e.flags,
                e.window_s, number(e.item), number(e.rule), e.map_version, row.position, int(row.voided),
            )  # fmt: skip
        LEDGER.run(connection, rows)
        for subject, source in delta.voided:
            connection.execute(
                "UPDATE ledger SET voided=voided|? WHERE employee=? AND source=?",
                (VOIDED, view.number(subject), source),
            )
        VOID.run(connection, [value for entry in delta.voids.items() for value in entry])
        AMENDMENT.run(connection, [v for a in delta.amendments for v in msgspec.structs.astuple(a)])
        if delta.notes:
            write_notes(connection, delta.notes)
        ENDED.run(connection, [value for entry in delta.ends.items() for value in entry])
        if delta.surveys:
            write_surveys(connection, delta.surveys, self.terms)
        if delta.replies:
            write_replies(connection, delta.replies)
        if delta.contests:
            self._write_contests(delta)
        if delta.marks or delta.superseded:
            write_marks(connection, delta, view.number, number)

    def _write_contests(self, delta: Delta) -> None:
        for subject, (source, skill, channel), aside in delta.contested:
            self.connection.execute(
                "UPDATE ledger SET voided=(voided&~?)|? WHERE employee=? AND skill=? AND channel=? AND source=?",
                (
                    CONTESTED,
                    CONTESTED if aside else 0,
                    self.view.number(subject),
                    self.terms.number(skill),
                    channel,
                    source,
                ),
            )
        flat: list[object] = []
        for c in delta.contests:
            for source, skill, channel in c.pieces:
                flat += (
                    source,
                    skill,
                    channel,
                    c.position,
                    int(c.restore),
                    c.by,
                    c.reason,
                    c.stored_ms,
                    c.subject,
                )
        CONTEST.run(self.connection, flat)
        settled: list[object] = []
        for c in delta.contests:
            if c.request:
                settled += (c.request, c.position, c.by, c.reason, c.stored_ms, len(c.pieces))
        SETTLED.run(self.connection, settled)

    def _effects(self, effects: Iterable[Effect]) -> list[Published]:
        published: list[Published] = []
        flat: list[object] = []
        for effect in effects:
            self._seq += 1
            kind = effect.__struct_config__.tag
            subject, skill = getattr(effect, "subject", ""), getattr(effect, "skill", "")
            entry = Published(self._seq, str(kind), subject, skill, _encode(effect))
            published.append(entry)
            flat += (entry.seq, entry.kind, subject, skill, entry.body)
        EFFECT.run(self.connection, flat)
        write_decisions(self.connection, published)
        if published and self._seq % EFFECTS_DROPPED_AT_ONCE < len(published):
            self.connection.execute("DELETE FROM effect WHERE seq <= ?", (self._seq - EFFECTS_KEPT_MAX,))
        return published

    def _outbox(
        self, effects: Iterable[Effect], adapters_of: Callable[[ActionRequested], Iterable[str]]
    ) -> None:
        flat: list[object] = []
        for effect in effects:
            if isinstance(effect, ActionRequested):
                for adapter in adapters_of(effect):
                    flat += (
                        adapter, effect.id, effect.subject, _encode(effect), "pending", 0,
                        effect.as_of_ms, "", "", effect.as_of_ms, 0,
                    )  # fmt: skip
        OUTBOX.run(self.connection, flat)

    def _meta_rows(self, folded: Folded) -> list[object]:
        flat: list[object] = ["position", folded.position, "seq", self._seq]
        for name, add in folded.counts.items():
            flat += ("count." + name, self.counters.get("count." + name, 0) + add)
        return flat

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self.connection.close()
