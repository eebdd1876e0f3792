"""Performance events from a real Kafka topic: counted once, whatever stops the reading; bad records stand aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from carrythrough.consume.source import TopicSource
from carrythrough.embedded.consuming import refused_path
from carrythrough.embedded.runtime import Embedded
from carrythrough.quarantine_file import read_quarantine
from carrythrough.settings import Settings
from carrythrough.testing.kafka_server import KafkaServer

PROGRAM = """
map: calls
version: 1
name: Calls
goals: [{id: served, name: Served, kpis: [{id: quality, name: Quality, unit: share, target: 0.8, noise_sd: 0.1}]}]
skills: [{id: listening, name: Listening, kpis: [quality]}]
"""


def event(number: int, **changes: Any) -> dict[str, Any]:
    """Return a QA result of one employee."""
    return {
        "kind": "qa-result",
        "id": f"qa-{number}",
        "source": "qa-tool",
        "time": f"2026-03-{number % 28 + 1:02d}T10:00:00Z",
        "employee": f"E{number % 5}",
        "skill": "listening",
        "outcome": {"met": number % 3 > 0},
        **changes,
    }


@pytest.fixture
def topic(kafka_bootstrap: str) -> str:
    name = f"performance-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.create_topics([NewTopic(name, num_partitions=3, replication_factor=1)])
    admin.close()
    return name


@pytest.fixture
def publish(kafka_bootstrap: str) -> Iterator[Callable[..., None]]:
    producer = KafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")

    def send(topic: str, value: object, headers: dict[str, str] | None = None) -> None:
        raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        key = uuid4().bytes
        wired = [(name, text.encode()) for name, text in (headers or {}).items()]
        producer.send(topic, raw, key=key, headers=wired).get(20)

    yield send
    producer.close()


@pytest.fixture
def installation(tmp_path: Path) -> Callable[..., Embedded]:
    program = tmp_path / "program.yaml"
    program.write_text(PROGRAM)

    def make(bootstrap: str, topic: str, **changes: Any) -> Embedded:
        source = {"bootstrap": bootstrap, "topic": topic, "group": f"g-{topic}", **changes}
        settings = Settings(
            data_dir=str(tmp_path / "data"),
            program=str(program),
            shadow_learner=False,
            consume={"crm": TopicSource(**source)},
        )
        return Embedded(settings)

    return make


def taken(server: Embedded, result: str) -> float:
    return server.telemetry.consumed_records.labels("crm", result)._value.get()


def test_each_event_counts_once_over_restarts_and_in_both_cloudevents_modes(
    kafka_bootstrap: str,
    topic: str,
    publish: Callable[..., None],
    installation: Callable[..., Embedded],
    wait_until: Callable[..., None],
) -> None:
    for number in range(40):
        publish(topic, event(number))
    first = installation(kafka_bootstrap, topic)
    first.start()
    wait_until(lambda: taken(first, "accepted") == 40, 30, "forty events")
    first.stop()

    structured = {
        "specversion": "1.0",
        "id": "s-1",
        "source": "crm",
        "type": "io.carrythrough.performance.qa-result",
    }
    data = {k: v for k, v in event(1).items() if k not in ("id", "source", "kind")}
    publish(topic, structured | {"data": data}, {"content-type": "application/cloudevents+json"})
    binary = {f"ce_{name}": text for name, text in (structured | {"id": "b-1"}).items()}
    publish(topic, data, binary | {"content-type": "application/json"})
    publish(topic, event(7))  # a producer's retry

    second = installation(kafka_bootstrap, topic)
    second.start()
    wait_until(
        lambda: taken(second, "accepted") == 2 and taken(second, "known") == 1, 30, "two new, one known"
    )
    assert second.caught_up()
    evidence = [row for rows in second.queries.ledgers() for row in rows]
    second.stop()
    assert len(evidence) == 42


def test_bad_records_stand_aside_with_their_place_and_hold_up_nothing(
    kafka_bootstrap: str,
    topic: str,
    publish: Callable[..., None],
    installation: Callable[..., Embedded],
    wait_until: Callable[..., None],
    tmp_path: Path,
) -> None:
    publish(topic, event(1))
    publish(topic, b'{"kind": "qa-result", "id": ')
    publish(topic, None)
    publish(topic, event(2, outcome={"met": True, "score": 7}))
    publish(topic, event(1, outcome={"met": False}))  # the id of the first, other content
    publish(
        topic,
        b'{"a": 1}, "id": "smuggled"',
        {"ce_specversion": "1.0", "ce_id": "x", "ce_source": "y", "ce_type": "z"},
    )
    publish(topic, event(5, source="carrythrough:form/observation"))  # what only our own forms may say
    publish(topic, event(3))
    server = installation(kafka_bootstrap, topic)
    server.start()
    wait_until(lambda: taken(server, "accepted") + taken(server, "refused") == 8, 30, "all eight")
    server.stop()
    entries = list(read_quarantine(refused_path(tmp_path / "data", "crm")))
    assert taken(server, "accepted") == 2
    assert sorted(entry.problem.code for entry in entries) == sorted(
        [
            "event-conflict",
            "event-invalid",
            "event-source-reserved",
            "json-malformed",
            "json-malformed",
            "record-empty",
        ]
    )
    assert all(entry.file.startswith(f"consume:crm/{topic}/") and entry.problem.fix for entry in entries)


def test_a_broker_that_goes_and_comes_back_loses_nothing(
    kafka_server: Callable[[], KafkaServer],
    installation: Callable[..., Embedded],
    wait_until: Callable[..., None],
) -> None:
    broker = kafka_server()
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic("events", num_partitions=1, replication_factor=1)])
    admin.close()
    server = installation(broker.bootstrap, "events")
    server.start()
    _send(broker, [event(1)])
    wait_until(lambda: taken(server, "accepted") == 1, 30, "the first event")
    broker.kill()
    failures = server.telemetry.consume_failures.labels("crm", "topic-unreachable")
    wait_until(lambda: failures._value.get() >= 1, 60, "the fault told")
    assert server.ready()
    broker.start()
    _send(broker, [event(2), event(3)])
    wait_until(lambda: taken(server, "accepted") == 3, 60, "the events after the break")
    server.stop()


def _send(broker: KafkaServer, events: list[dict[str, Any]]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    for one in events:
        producer.send("events", json.dumps(one).encode()).get(30)
    producer.close()


def test_a_topic_that_is_not_there_is_named_with_its_setting(
    kafka_bootstrap: str, installation: Callable[..., Embedded], wait_until: Callable[..., None]
) -> None:
    server = installation(kafka_bootstrap, "nobody-made-me")
    server.start()
    failures = server.telemetry.consume_failures.labels("crm", "topic-missing")
    wait_until(lambda: failures._value.get() >= 1, 30, "the fault told")
    server.stop()
