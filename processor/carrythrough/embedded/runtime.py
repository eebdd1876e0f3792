"""The embedded server without its HTTP side: log, fold, outbox, dispatcher and queries in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from carrythrough.dispatch.dispatcher import Dispatcher
from carrythrough.dispatch.registry import build_adapters
from carrythrough.embedded.activation import Activator, current_text, envelope, program_missing, sources_of
from carrythrough.embedded.attachments import AttachmentFile
from carrythrough.embedded.background import Background, FeedbackThread
from carrythrough.embedded.baselining import closed, encode, readings_of, spans
from carrythrough.embedded.clock import SystemClock
from carrythrough.embedded.committer import Committer, Control
from carrythrough.embedded.consuming import build_readers
from carrythrough.embedded.contests import Contests
from carrythrough.embedded.data_folder import DataFolder
from carrythrough.embedded.documents import DocumentFile
from carrythrough.embedded.enriching import Enriching
from carrythrough.embedded.folder import Folder
from carrythrough.embedded.form_people import RosterFormPeople
from carrythrough.embedded.forwarding import Forwarding, Sources, build_forwarding
from carrythrough.embedded.history import History
from carrythrough.embedded.hub import Hub
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.needs import NeedsReads
from carrythrough.embedded.noted import NotedEvents
from carrythrough.embedded.outbox import SqliteOutbox
from carrythrough.embedded.people import RosterDirectory
from carrythrough.embedded.policy import PolicyShell
from carrythrough.embedded.provisioned import Provisioned
from carrythrough.embedded.pulling import build_pullers
from carrythrough.embedded.queries import Queries
from carrythrough.embedded.remarks import Remarks
from carrythrough.embedded.replies import Declined
from carrythrough.embedded.review_desk import ReviewDeskHere
from carrythrough.embedded.roster_intake import RosterIntake
from carrythrough.embedded.sending import adapters_of, reason_to_hold
from carrythrough.embedded.settling import settle
from carrythrough.embedded.statements.store import StatementStore
from carrythrough.embedded.store import StateFile
from carrythrough.embedded.ticker import Ticker
from carrythrough.embedded.unknown import UnknownActors
from carrythrough.events.types import AdmittedEvent
from carrythrough.evidence.baselines import Baselines
from carrythrough.forward.target import secrets_of
from carrythrough.gateway.answer_links import AnswerLinks, public_address
from carrythrough.gateway.signed_links import SignedLinks
from carrythrough.identity.actor import AgentLike
from carrythrough.identity.changes import RosterChange
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Person
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.pipeline.model_version import ModelVersion, encode_version
from carrythrough.pipeline.outcomes import terms_of
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.records import Kind, Record
from carrythrough.ports import Clock, Receipt, RosterReceipt
from carrythrough.pull.background import BackgroundPull
from carrythrough.scoring.promotion import check
from carrythrough.scoring.refit import Term
from carrythrough.settings import Settings
from carrythrough.telemetry.metrics import Telemetry
from carrythrough.xapi.admitted import Admitted
from carrythrough.xapi.lenient import Sender
from carrythrough.xapi.query import VERSION_CODES, AttachmentData

SEND_GRACE_S = 3.0
"""How long a stop waits for sends under way; what is cut off is sent again under the same key."""
HEARTBEAT_S_MAX = 60.0
"""The fold loop goes round at least this often when it is healthy."""
OUR_CREDENTIAL = "carrythrough"
SMALL_CACHE_KIB = 1_024
"""Cache of readers that look up single records of the log."""
DEFAULT_ADAPTERS: dict[str, dict[str, Any]] = {"console": {"adapter": "console"}}


class Embedded:
    """One running installation; `start`, then `stop`. Implements `ports.Intake`."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        """Open the data folder; raises PermanentError for a folder in use, a bad map or a bad roster."""
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.telemetry = Telemetry()
        self.hub = Hub()
        sources = sources_of(settings)
        adapters = build_adapters(settings.adapters or DEFAULT_ADAPTERS)
        pullers = build_pullers(
            settings.pull, settings.data_dir, self.submit_pulled, self.clock.now_ms, self.telemetry
        )
        readers = build_readers(settings.consume, settings.data_dir, self.submit_consumed, self.telemetry)
        forward_secrets = secrets_of(settings.forward)
        self.folder_lock = DataFolder(Path(settings.data_dir))
        path = self.folder_lock.path
        self.log = LogFile(path / "log.sqlite")
        self.documents = DocumentFile(path / "documents.sqlite", self.clock, self.telemetry)
        self._log_reader = self.log.reader()
        self.state = StateFile(path / "state.sqlite", self._log_reader)
        self._attachments = AttachmentFile(path / "attachments.sqlite")
        activator = Activator(settings.tenant, self.folder_lock.tenant_key())
        self.fold = Folder(
            self._log_reader,
            self.state,
            activator.at(self._log_reader, self.state.position),
            activator.activate,
            self.hub,
            self.telemetry,
            self._adapters_of,
            self._notify_dispatcher,
        )
        settle(self.state, self._log_reader, self.fold)
        self.committer = Committer(
            self.log, self.clock, self.telemetry, self._hand_over, self.fold.wait_until_eased
        )
        self.statements = StatementStore(
            path / "index.sqlite",
            self.log,
            self._attachments,
            self.committer.settled_ms,
            self.telemetry,
            settings.authority_home,
        )
        self.form_people = RosterFormPeople(lambda: self.fold.in_force)
        self.noted = NotedEvents(self.state.path, self.log, lambda: self.fold.in_force, self.committer)
        self.remarks = Remarks(lambda: self.fold.in_force, self.clock)
        self.outbox = SqliteOutbox(self.state)
        self._adapters = adapters
        self._declined = Declined(self.state.path)
        self.review_desk = ReviewDeskHere(self.state.path, lambda: self.fold.in_force, self.caught_up)
        self.answer_links = SignedLinks(self.folder_lock.tenant_key(), lambda: self.clock.now_ms() / 1000)
        public_url = public_address(settings.public_url, settings.authority_home)
        self.dispatcher = Dispatcher(
            self.outbox,
            adapters,
            RosterDirectory(lambda: self.fold.in_force.directory, self._declined.topics),
            self.clock,
            self._kill_switch,
            self.telemetry,
        )
        self.dispatcher.dress = AnswerLinks(self.answer_links, public_url, self.review_desk.has_items).dressed
        history = History(self.log.reader(), activator)
        self.contests = Contests(self.state.path, self._subject, partial(self._control, Kind.CONTEST))
        self.roster_changes = RosterIntake(
            self.log.reader(SMALL_CACHE_KIB), lambda: self.log.end, self._settled, self._append_roster_changes
        )
        self.provisioned = Provisioned(path / "provisioned.sqlite", self.log.reader(), lambda: self.log.end)
        self.queries = Queries(self.log, self.state, self.fold, self.telemetry, self.clock.now_ms, history)
        self.unknown = UnknownActors(self.state.path, self.log.reader(SMALL_CACHE_KIB))
        self.enriching = Enriching(
            self.state.path,
            self.log.reader(),
            activator,
            lambda: self.fold.in_force,
            lambda: self.state.position,
        )
        self.needs = NeedsReads(self.state.path, self.log.reader(), lambda: self.fold.in_force, self.queries)
        self.pull = BackgroundPull(pullers)
        self.consume = BackgroundPull(readers)
        self.forwarding = self._forwarding(forward_secrets)
        feedback = FeedbackThread(
            self.state,
            lambda: self.fold.in_force,
            tuple(adapters),
            self.clock.now_ms,
            self._notify_dispatcher,
        )
        self._background = Background(self.state, lambda: self.fold.in_force, feedback)
        self.policy = PolicyShell(
            self.state, self.log, self.clock, adapters, self._control, lambda: self.fold.in_force
        )
        self.telemetry.rules_waiting.set_function(lambda: len(self.policy.waiting()))
        self._ticker = Ticker(self.clock, self.tick, lambda: self.fold.due_left)
        self._sources = sources
        self.telemetry.unknown_actors.set_function(self.unknown.count)
        self.telemetry.lag_records.set_function(lambda: max(0, self.log.end - self.state.position))

    def start(self, *, deliver: bool = True) -> None:
        """Bring the map and roster into force where they changed, and start every thread.

        deliver: False is for an import: actions stay in the outbox, no source is read; the next start sends what
        has not expired.
        """
        self.committer.start()
        with_reader = self.log.reader()
        for kind, (text, filename) in self._sources.items():
            if current_text(with_reader, kind, self.log.end) != text:
                self._control(kind, envelope(text, filename))
        with_reader.close()
        if self.fold.in_force.program.map.id == "none" and Kind.PROGRAM not in self._sources:
            self._require_program()
        self.documents.start()
        self.statements.start()
        self.policy.referrer.start()
        self.fold.start()
        if deliver:
            self.dispatcher.start()
            self.pull.start()
            self.consume.start()
            self.forwarding.start()
            self.policy.learner.start()
            self._background.start(shadow=self.settings.shadow_learner)
        self._ticker.start()

    def stop(self) -> None:
        """Stop in order: no new ticks, no more reading, what waits is committed and folded, sends end."""
        self._ticker.stop()
        self._background.stop()
        self.pull.stop()
        self.consume.stop()
        self.forwarding.stop()
        self.policy.close()
        self.committer.stop()
        self.documents.stop()
        self.fold.stop()
        self.statements.stop()
        self.dispatcher.stop(SEND_GRACE_S)
        self.queries.close()
        self.enriching.close()
        self.needs.close()
        self.contests.close()
        self.roster_changes.close()
        self.unknown.close()
        self.provisioned.close()
        self.noted.close()
        self._declined.close()
        self.review_desk.close()
        self.outbox.close()
        self.state.close()
        self._log_reader.close()
        self._attachments.close()
        self.log.close()
        self.folder_lock.close()

    def _forwarding(self, secrets: dict[str, str]) -> Forwarding:
        sources = Sources(
            folder=self.folder_lock.path,
            state=self.state.path,
            tenant=self.settings.tenant,
            home=self.settings.authority_home,
            reader=self.log.reader,
            log_end=lambda: self.log.end,
            attachments=self._attachments.read,
            in_force=lambda: self.fold.in_force,
        )
        return build_forwarding(self.settings.forward, secrets, sources, self.clock, self.telemetry.forward)

    async def submit_statements(
        self,
        admitted: list[Any],
        credential: str,
        version: str = "1.0.3",
        attachments: Sequence[AttachmentData] = (),
        *,
        lenient: bool = False,
    ) -> Receipt:
        """Store admitted statements; see `ports.Intake`."""
        if attachments:
            await asyncio.to_thread(self._attachments.store, attachments)
        code = VERSION_CODES[version]
        if not lenient:
            return await self.committer.submit(Kind.STATEMENT, admitted, credential, code)
        sender = Sender(credential=credential, version=version, now_ms=self.clock.now_ms())
        receipt = await self.committer.submit(Kind.STATEMENT, admitted, credential, code, lenient=sender)
        self.telemetry.taken_leniently(admitted, receipt)
        return receipt

    async def submit_events(self, events: list[Any], credential: str) -> Receipt:
        """Store admitted performance events; see `ports.Intake`."""
        return await self.committer.submit(Kind.EVENT, events, credential)

    def submit_pulled(
        self, admitted: list[Admitted], credential: str, version: str, attachments: Sequence[AttachmentData]
    ) -> Receipt:
        """Store statements read from another store, from a thread; raises as `submit_statements`."""
        if attachments:
            self._attachments.store(attachments)
        return self.committer.submit_now(Kind.STATEMENT, admitted, credential, VERSION_CODES[version])

    def submit_consumed(self, events: list[AdmittedEvent], credential: str) -> Receipt:
        """Store performance events read from a topic, from a thread; raises as `submit_events`."""
        return self.committer.submit_now(Kind.EVENT, events, credential)

    async def submit_roster_changes(self, changes: Sequence[RosterChange], credential: str) -> RosterReceipt:
        """Store changes of single people; see `ports.Intake`."""
        return await asyncio.to_thread(self.roster_changes.submit, changes, credential)

    def roster(self) -> RosterIndex:
        """Return the roster with every change that was acknowledged, folded or not; blocks."""
        return self.roster_changes.roster()

    def person_of(self, agent: AgentLike) -> Person | None:
        """Return whom the roster in force knows behind an agent, None when it knows nobody."""
        directory = self.fold.in_force.directory
        return directory.person(directory.subject_of_actor(agent))

    def tick(self) -> None:
        """Append one tick record."""
        self._control(Kind.TICK, b"")
        self.noted.release()

    def healthy(self) -> bool:
        """Say whether the loops of fold and dispatch go round; never asks about dependencies."""
        fold_s = time.monotonic() - self.fold.beat_s
        return max(fold_s, self.dispatcher.seconds_since_turn()) < HEARTBEAT_S_MAX

    def ready(self) -> bool:
        """Say whether requests can be taken: threads up and the program in force."""
        return self.healthy() and self.fold.in_force.program.map.id != "none"

    def caught_up(self, timeout_s: float = 30.0) -> bool:
        """Wait until everything acknowledged is folded; say whether that came about in time."""
        deadline = time.monotonic() + timeout_s
        while self.state.position < self.log.end:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def close_baselines(self, kpis: Iterable[str], until_ms: int, by: str) -> Baselines:
        """Close baselines from the readings of the log and bring them into force; blocks.

        Of each KPI the readings of its baseline window in the map count, none of them after `until_ms` (event
        time). Raises PermanentError when there is no reading.
        """
        in_force = self.fold.in_force
        reader = self.log.reader()
        try:
            voided = self.queries.voided_sources()
            made = closed(
                in_force.baselines,
                readings_of(reader, in_force, until_ms, voided),
                spans(in_force.program.map, kpis, until_ms),
                until_ms,
                by,
            )
        finally:
            reader.close()
        self._control(Kind.BASELINE, encode(made))
        return made

    def activate_model(self, version: ModelVersion) -> None:
        """Bring a model version into force with a record in the log; scores read afterwards are read by it.

        Raises PermanentError (model-invalid) for a model that cannot score.
        """
        check(version.model)
        self._control(Kind.MODEL, encode_version(version))

    def job_terms(self) -> list[Term]:
        """Return what was known before each job outcome of everybody, for a refit of m; blocks."""
        in_force = self.fold.in_force
        found: list[Term] = []
        for rows in self.queries.ledgers():
            found += terms_of(
                (row.evidence for row in rows if not row.voided), in_force.program, in_force.model
            )
        return found

    def _subject(self, reference: str) -> str | None:
        return self.queries.subject(reference)

    def _settled(self) -> tuple[int, RosterIndex]:
        settled = self.fold.settled  # read first: what is in force is never behind it
        return settled, self.fold.in_force.directory

    def _append_roster_changes(self, raw: bytes, credential: str) -> None:
        self.committer.submit_now(Kind.ROSTER_CHANGE, [Control(raw, raw.decode())], credential)

    def _control(self, kind: Kind, *raws: bytes) -> None:
        items = [Control(raw, raw.decode() if raw else None) for raw in raws]
        self.committer.submit_now(kind, items, OUR_CREDENTIAL)

    def _hand_over(self, records: list[Record]) -> None:
        self.telemetry.committed(records[-1].position)
        self.fold.hand_over(records)
        self.statements.indexer.notify()

    def _notify_dispatcher(self) -> None:
        self.dispatcher.notify()
        self.policy.referrer.notify()

    def _adapters_of(self, action: ActionRequested, in_force: InForce) -> Iterable[str]:
        return adapters_of(action, in_force, self._adapters)

    def _kill_switch(self, action: ActionRequested, adapter: str) -> str | None:
        return reason_to_hold(action, adapter, self.fold.in_force, self.clock.now_ms())

    def _require_program(self) -> None:
        self.committer.stop()
        raise program_missing(self.settings.data_dir)
