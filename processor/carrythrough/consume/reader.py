"""Reads one topic with kafka-python: offsets are committed only after what was read is on disk.

A crash between the two makes records be read again, and what is read again is known by its id. So what
counts never depends on the offsets; they only say where to go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from carrythrough.consume.intake import TopicIntake, TopicRecord
from carrythrough.consume.source import TopicSource
from carrythrough.errors import PermanentError, Problem, TransientError
from carrythrough.pull.intake import Taken

if TYPE_CHECKING:
    from kafka import KafkaConsumer

POLL_MS = 500
QUIET_POLLS = 10
"""After so many polls without a record the brokers are asked for the ends: a silent topic, or are they away?"""
ANSWER_MS_MAX = 10_000
SESSION_MS = 10_000
"""A server that died gives its partitions up after this."""
EVERY_S = 1.0
"""A look ends only with the server or a fault; the next begins after this."""


class Watcher(Protocol):
    """Who is told what became of records."""

    def consumed(self, source: str, taken: Taken) -> None:
        """Count a batch that is durable."""
        ...

    def consume_lag(self, source: str, records: int) -> None:
        """Take note of how many records wait in the topic."""
        ...

    def consume_failed(self, source: str, problem: Problem) -> None:
        """Take note of a fault that stopped the reading."""
        ...


class TopicReader:
    """One source (`pull.background.Looker`)."""

    every_s = EVERY_S

    def __init__(
        self, name: str, source: TopicSource, options: dict[str, Any], intake: TopicIntake, watcher: Watcher
    ) -> None:
        """options: what a Kafka client needs to connect (`consume.source.client_options`)."""
        self.name = name
        self.source = source
        self._options = options
        self._intake = intake
        self._watcher = watcher
        # The library tells each of its own retries at length; what matters is said by `fail`, once.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

    def look(self, going_on: Callable[[Any], bool], /) -> None:
        """Read until it is told not to go on; raises TransientError or PermanentError."""
        from kafka.errors import KafkaError  # noqa: PLC0415 - a server that reads no topic needs no Kafka

        try:
            consumer = self._joined()
            try:
                self._read(consumer, going_on)
            finally:
                consumer.close(autocommit=False)
        except KafkaError as error:
            raise self._translated(error) from error

    def interrupt(self) -> None:
        """Nothing to cut: a poll ends by itself within POLL_MS."""

    def fail(self, problem: Problem) -> None:
        """Count a fault."""
        self._watcher.consume_failed(self.name, problem)

    def close(self) -> None:
        """Let go of the quarantine file; safe to call twice."""
        self._intake.close()

    def check(self) -> int:
        """Return how many partitions the topic has; raises as `look`. Changes nothing."""
        from kafka import KafkaConsumer  # noqa: PLC0415 - as above
        from kafka.errors import KafkaError  # noqa: PLC0415 - as above

        try:
            consumer = KafkaConsumer(**self._options, bootstrap_timeout_ms=ANSWER_MS_MAX)
            try:
                return len(self._partitions(consumer))
            finally:
                consumer.close()
        except KafkaError as error:
            raise self._translated(error) from error

    def _joined(self) -> KafkaConsumer:
        from kafka import KafkaConsumer  # noqa: PLC0415 - as above

        consumer = KafkaConsumer(
            **self._options,
            group_id=self.source.group,
            enable_auto_commit=False,
            auto_offset_reset=self.source.begin,
            isolation_level="read_committed",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=SESSION_MS // 3,
            max_poll_records=self.source.batch,
            bootstrap_timeout_ms=ANSWER_MS_MAX,
            allow_auto_create_topics=False,
        )
        try:
            self._partitions(consumer)
            consumer.subscribe([self.source.topic])
        except BaseException:
            consumer.close(autocommit=False)
            raise
        return consumer

    def _partitions(self, consumer: KafkaConsumer) -> set[int]:
        found = consumer.partitions_for_topic(self.source.topic)
        if not found:
            raise PermanentError(
                Problem(
                    code="topic-missing",
                    status=404,
                    title="The topic does not exist",
                    detail=f"{self.source.topic} on {self.source.bootstrap}",
                    where=f"consume.{self.name}.topic",
                    rule="topics are never created by reading them",
                    fix="create the topic, or correct its name; a user without the right to describe it sees none",
                )
            )
        return set(found)

    def _read(self, consumer: KafkaConsumer, going_on: Callable[[Any], bool]) -> None:
        quiet = 0
        while going_on(None):
            batches = consumer.poll(timeout_ms=POLL_MS)
            records = [_record(r) for batch in batches.values() for r in batch]
            if records:
                quiet = 0
                self._watcher.consumed(self.name, self._intake.take(records))
                consumer.commit()
            else:
                quiet += 1
            if records or quiet % QUIET_POLLS == 0:
                self._tell_lag(consumer)

    def _tell_lag(self, consumer: KafkaConsumer) -> None:
        """Say how much waits; raises where the brokers do not answer, which a poll alone never says."""
        assigned = consumer.assignment()
        ends = consumer.end_offsets(assigned, timeout_ms=ANSWER_MS_MAX) if assigned else {}
        self._watcher.consume_lag(
            self.name, sum(max(0, end - consumer.position(part)) for part, end in ends.items())
        )

    def _translated(self, error: Exception) -> TransientError | PermanentError:
        from kafka import errors  # noqa: PLC0415 - as above

        refused = (
            errors.AuthorizationError,
            errors.TopicAuthorizationFailedError,
            errors.GroupAuthorizationFailedError,
            errors.ClusterAuthorizationFailedError,
            errors.SaslAuthenticationFailedError,
            errors.UnsupportedSaslMechanismError,
        )
        denied = isinstance(error, refused)
        problem = Problem(
            code="topic-refused" if denied else "topic-unreachable",
            status=403 if denied else 503,
            title="The brokers refuse us" if denied else "The brokers cannot be reached",
            detail=f"{self.source.topic} on {self.source.bootstrap}: {type(error).__name__}: {error}"[:500],
            where=f"consume.{self.name}",
            rule="reading needs READ on the topic and on the group"
            if denied
            else "the topic is read while it is there",
            fix="grant the user both, or correct user and secret_env"
            if denied
            else "nothing is lost, reading goes on by itself; if it never worked, check bootstrap and security",
        )
        return PermanentError(problem) if denied else TransientError(problem)


def _record(found: Any) -> TopicRecord:
    return TopicRecord(found.topic, found.partition, found.offset, found.value, tuple(found.headers or ()))
