"""Proves what the adapters for Apprise and Kafka say on the wire, and how their failures are told."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic

from carrythrough.dispatch import build_adapters
from carrythrough.errors import PermanentError, TransientError
from carrythrough.testing.adapters import sample_action, sample_recipient

DANA = sample_recipient()


def send(name: str, table: dict[str, Any], recipient: Any = DANA, **changes: Any) -> str:
    adapter = build_adapters({name: table})[name]
    action = sample_action(**changes)
    try:
        return adapter.send(action, recipient, action.id)
    finally:
        adapter.close()


def test_apprise_fills_in_the_recipient_and_says_why(vendor: Any) -> None:
    url = f"json://127.0.0.1:{vendor.port}/apprise?:to={{email}}&:who={{name}}"
    assert send("apprise", {"url": url}) == "taken by JSON"
    [message] = vendor.messages()
    assert (message["to"], message["who"]) == (DANA.email, DANA.name)
    assert message["title"] == sample_action().title
    assert message["message"].split("\n\n") == [
        sample_action().body,
        sample_action().link,
        f"Why: {sample_action().why}",
        f"({sample_action().id})",
    ]


def test_apprise_sends_nothing_where_the_roster_lacks_what_the_address_asks_for(vendor: Any) -> None:
    url = f"json://127.0.0.1:{vendor.port}/apprise?:to={{email}}"
    with pytest.raises(PermanentError, match="email"):
        send("apprise", {"url": url}, recipient=sample_recipient(email=""))
    assert vendor.seen() == []


def test_a_refusal_of_a_service_is_tried_again_and_shows_no_secret(vendor: Any) -> None:
    vendor.answer(500, "no")
    url = f"json://user:of-the-robot@127.0.0.1:{vendor.port}/apprise"
    with pytest.raises(TransientError, match="500") as caught:
        send("apprise", {"url": url})
    assert "of-the-robot" not in str(caught.value)


def test_an_address_that_apprise_does_not_know_is_final() -> None:
    with pytest.raises(PermanentError, match="no such service"):
        send("apprise", {"url": "pigeon://loft"})


def test_kafka_takes_a_cloudevent_that_names_nobody(kafka_bootstrap: str) -> None:
    topic = f"actions-{uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    admin.close()
    assert send("kafka", {"bootstrap": kafka_bootstrap, "topic": topic}) == f"{topic}, partition 0, offset 0"
    consumer = KafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    record = next(consumer)
    consumer.close()
    headers = {name: raw.decode() for name, raw in record.headers}
    assert headers["ce_id"] == sample_action().id
    assert headers["ce_type"] == "io.carrythrough.action.requested"
    assert headers["ce_time"] == "2023-11-14T22:13:20.000Z"
    assert record.key.decode() == sample_action().recipient
    assert json.loads(record.value)["title"] == sample_action().title
    assert DANA.email.encode() not in record.value


def test_a_topic_that_is_not_there_is_named_and_waits_for_somebody_to_make_it(kafka_bootstrap: str) -> None:
    table = {"bootstrap": kafka_bootstrap, "topic": "nobody-made-me", "timeout_s": 1.0}
    with pytest.raises(TransientError, match="nobody-made-me"):
        send("kafka", table)


def test_check_of_kafka_counts_partitions(kafka_bootstrap: str) -> None:
    adapter = build_adapters({"kafka": {"bootstrap": kafka_bootstrap, "topic": "nor-me", "timeout_s": 1.0}})
    with pytest.raises(TransientError, match="nor-me"):
        adapter["kafka"].check()
    adapter["kafka"].close()
