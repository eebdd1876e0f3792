"""The Kafka broker of the tests is a real one: what it acknowledged is there after it was killed."""

from __future__ import annotations

from collections.abc import Callable

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from carrythrough.testing.kafka_server import KafkaServer


def test_what_a_killed_broker_acknowledged_is_read_after_its_start(
    kafka_server: Callable[[], KafkaServer],
) -> None:
    server = kafka_server()
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap)
    admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=server.bootstrap, acks="all")
    producer.send("kept", b"a statement", headers=[("ce_id", b"1")]).get(10)
    producer.close()

    server.kill()
    server.start()

    consumer = KafkaConsumer(
        "kept", bootstrap_servers=server.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    record = next(consumer)
    consumer.close()
    assert (record.value, record.headers) == (b"a statement", [("ce_id", b"1")])
