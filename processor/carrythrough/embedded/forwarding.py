"""What goes to other stores, from the files of the embedded shell: the log, and the effects of the fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.forward_file import ANSWERED_BY, LOG_FEED, OWN_FEED, ForwardFile
from carrythrough.embedded.log import LogReader
from carrythrough.forward import own
from carrythrough.forward.items import Attachments, Batch, Item, outgoing
from carrythrough.forward.lane import Lane, Lanes, Watcher
from carrythrough.forward.milestones import (
    FactsOf,
    Milestone,
    SkillFacts,
    of_action,
    of_answer,
    of_score,
    of_stage,
)
from carrythrough.forward.progress import Awaited
from carrythrough.forward.remote import RemoteLrs
from carrythrough.forward.target import ForwardTarget
from carrythrough.pipeline.effects import ActionAnswered, ActionRequested, ScoreChanged, StageChanged
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind
from carrythrough.ports import Clock

ROWS_AT_ONCE = 500
"""Log rows or effects that one step looks through at most, so that a step stays short."""

_stage = msgspec.json.Decoder(StageChanged).decode
_score = msgspec.json.Decoder(ScoreChanged).decode
_answered = msgspec.json.Decoder(tuple[ActionAnswered, ActionRequested]).decode
_answer = msgspec.json.Decoder(ActionAnswered).decode
_action = msgspec.json.Decoder(ActionRequested).decode
_logger = structlog.get_logger("carrythrough.forward")


class LogFeed:
    """The statements of the log, in its order; implements `forward.items.Feed`."""

    name = LOG_FEED

    def __init__(
        self,
        target_name: str,
        target: ForwardTarget,
        log: LogReader,
        log_end: Callable[[], int],
        attachments: Attachments,
    ) -> None:
        self._target_name = target_name
        self._target = target
        self._log = log
        self._log_end = log_end
        self._attachments = attachments

    def next(self, after: int, limit: int) -> Batch:
        """Return the next statements that pass the target's filters."""
        items: list[Item] = []
        last = after
        for row in self._log.rows(after, ROWS_AT_ONCE):
            if len(items) == limit:
                break
            last = row.position
            item = self._outgoing(row)
            if item is not None:
                items.append(item)
        return Batch(items=items, last=last)

    def item(self, key: int) -> Item | None:
        """Return the statement at a position, None when the filters leave it out by now."""
        row = self._log.row(key)
        return None if row is None else self._outgoing(row)

    def end(self) -> int:
        """Return the last position of the log."""
        return self._log_end()

    def _outgoing(self, row: Any) -> Item | None:
        if row.kind != Kind.STATEMENT:
            return None
        try:
            return outgoing(self._target_name, self._target, row, self._attachments)
        except (msgspec.DecodeError, ValueError) as error:
            _logger.error("forward_unreadable", position=row.position, error=str(error))  # noqa: TRY400 - its words do
            return None


class EffectFeed:
    """Our own statements, from the effects of the fold in their order; implements `forward.items.Feed`."""

    name = OWN_FEED

    def __init__(self, state: Path, facts_of: FactsOf, write: Callable[[int, Milestone], Item]) -> None:
        """write: makes the statement of a milestone, at a place in this feed."""
        self._connection = connect(state, readonly=True)
        self._facts_of = facts_of
        self._write = write

    def next(self, after: int, limit: int) -> Batch:
        """Return the next milestones as statements, and the actions whose delivery is awaited."""
        items: list[Item] = []
        awaited: list[tuple[str, bytes]] = []
        last = after
        for seq, kind, body in self._effects(after):
            if len(items) == limit:
                break
            if last and seq > last + 1:
                # Effects are kept up to a number, and this target was away for longer than they last.
                _logger.warning("forward_effects_missed", after=last, before=seq)
            last = seq
            if kind == "action":
                awaited.append((_action(body).id, bytes(body)))
                continue
            if kind == "answer":
                awaited += self._await_answered(_answer(body))
                continue
            item = self._item(seq, kind, body)
            if item is not None:
                items.append(item)
        return Batch(items=items, last=last, awaited=awaited)

    def item(self, key: int) -> Item | None:
        """Return the statement of an effect, None when the effect is gone."""
        for seq, kind, body in self._effects(key - 1):
            return self._item(seq, kind, body) if seq == key else None
        return None

    def end(self) -> int:
        """Return the number of the last effect."""
        return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM effect").get)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._connection.close()

    def _effects(self, after: int) -> list[tuple[Any, ...]]:
        return select(
            self._connection,
            "SELECT seq, kind, CASE WHEN kind IN ('score', 'stage', 'action', 'answer') THEN body END FROM effect"
            " WHERE seq>? ORDER BY seq LIMIT ?",
            (after, ROWS_AT_ONCE),
        )

    def _item(self, seq: int, kind: str, body: bytes) -> Item | None:
        """Return the statement of an effect, None when there is none to write or it cannot be written."""
        try:
            milestone = self._milestone(kind, body)
            return None if milestone is None else self._write(seq, milestone)
        except Exception:
            # One effect that cannot be written must not hold up those after it.
            _logger.exception("forward_unwritable", effect=seq)
            return None

    def _milestone(self, kind: str, body: bytes) -> Milestone | None:
        if kind == "stage":
            return of_stage(_stage(body), self._facts_of)
        if kind == "score":
            return of_score(_score(body), self._facts_of)
        return None

    def _await_answered(self, answer: ActionAnswered) -> list[tuple[str, bytes]]:
        """Return what is awaited of an answer: the delivery of the action that it answers."""
        rows = select(
            self._connection, "SELECT body FROM outbox WHERE subject=? ORDER BY entry DESC", (answer.subject,)
        )
        for (body,) in rows:
            action = _action(body)
            if action.skill == answer.skill and action.as_of_ms == answer.action_ms:
                return [(f"{action.id}{ANSWERED_BY}{answer.id}", msgspec.json.encode((answer, action)))]
        return []


class OwnWriter:
    """Writes milestones as statements of this installation for one target."""

    def __init__(
        self, target: ForwardTarget, tenant: str, home: str, in_force: Callable[[], InForce]
    ) -> None:
        self._target = target
        self._tenant = tenant
        self._home = home
        self._in_force = in_force

    def facts_of(self, skill: str) -> SkillFacts | None:
        """Return what the program map in force says of a skill."""
        found = self._in_force().program.skills.get(skill)
        return None if found is None else SkillFacts(found.name, found.target)

    def write(self, key: int, milestone: Milestone) -> Item:
        """Return the statement of a milestone."""
        text = own.statement(milestone, self._tenant, self._actor(milestone.subject))
        version = self._target.version or own.VERSION
        return Item(key=key, id=own.statement_id(milestone), text=text, version=version)

    def tell(self, awaited: Awaited) -> Item | None:
        """Return the statement of an action that was delivered, or of the answer to it."""
        if awaited.body.startswith(b"["):
            return self.write(0, of_answer(*_answered(awaited.body)))
        return self.write(0, of_action(_action(awaited.body)))

    def _actor(self, subject: str) -> dict[str, Any]:
        if not self._target.identified:
            return own.pseudonymous(self._home, subject)
        return own.identified(self._in_force().directory.person(subject), self._home, subject)


class Forwarding:
    """All targets of an installation; `start`, then `stop`."""

    def __init__(self, file: ForwardFile | None, lanes: Lanes, closers: list[Callable[[], None]]) -> None:
        self._file = file
        self._lanes = lanes
        self._closers = closers

    def start(self) -> None:
        """Begin to send."""
        self._lanes.start()

    def stop(self) -> None:
        """Stop sending; what is not acknowledged is sent after the next start."""
        self._lanes.stop()
        for close in self._closers:
            close()
        if self._file is not None:
            self._file.close()


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where forwarding reads from. home: home page of the accounts that stand for people."""

    folder: Path
    state: Path
    tenant: str
    home: str
    reader: Callable[[], LogReader]
    log_end: Callable[[], int]
    attachments: Attachments
    in_force: Callable[[], InForce]


def build_forwarding(
    targets: Mapping[str, ForwardTarget],
    secrets: Mapping[str, str],
    sources: Sources,
    clock: Clock,
    watcher: Watcher,
) -> Forwarding:
    """Return what forwards to `targets`, whose secrets were read by `forward.target.secrets_of`."""
    if not targets:
        return Forwarding(None, Lanes(()), [])
    file = ForwardFile(sources.folder, sources.state)
    lanes = []
    closers: list[Callable[[], None]] = []
    for name, target in targets.items():
        writer = OwnWriter(target, sources.tenant, sources.home, sources.in_force)
        feeds: list[LogFeed | EffectFeed] = []
        if target.statements:
            reader = sources.reader()
            closers.append(reader.close)
            feeds.append(LogFeed(name, target, reader, sources.log_end, sources.attachments))
        if target.write_back:
            effects = EffectFeed(sources.state, writer.facts_of, writer.write)
            closers.append(effects.close)
            feeds.append(effects)
        remote = RemoteLrs(target, secrets[name])
        lanes.append(Lane(name, target, remote, feeds, file, writer.tell, clock, watcher))
    return Forwarding(file, Lanes(lanes), closers)
