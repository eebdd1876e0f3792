"""Proves that the built-in adapters keep the public contract, each against a real place."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from icalendar import Calendar
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from carrythrough.testing.adapters import AdapterContract


@pytest.fixture
def dead_port() -> Iterator[int]:
    """Give a port on which nobody listens for the whole test: it is bound, and refuses."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


class TestWebhook(AdapterContract):
    adapter = "webhook"

    @pytest.fixture(autouse=True)
    def place(self, receiver: Any, dead_port: int) -> None:
        self.receiver = receiver
        self.dead_port = dead_port

    def table(self) -> dict[str, Any]:
        table = self.receiver.table(headers={"authorization": "Bearer of-good-news"}, include_contact=True)
        del table["adapter"]
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        posts = self.receiver.seen()
        assert all(post["verified_by"] for post in posts), "a signature did not verify"
        return [post["id"] for post in posts]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "url": f"http://127.0.0.1:{self.dead_port}/"}


class TestSlack(AdapterContract):
    adapter = "slack"

    @pytest.fixture(autouse=True)
    def place(self, vendor: Any, dead_port: int) -> None:
        self.vendor = vendor
        self.dead_port = dead_port

    def table(self) -> dict[str, Any]:
        table = self.vendor.slack()
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        return [message["metadata"]["event_payload"]["id"] for message in self.vendor.messages()]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "api": f"http://127.0.0.1:{self.dead_port}/api"}


class TestSlackWebhook(TestSlack):
    def table(self) -> dict[str, Any]:
        return {"webhook": f"{self.vendor.origin}/services/T0/B0/secret", "timeout_s": 5.0}

    def unreachable(self) -> dict[str, Any]:
        return {"webhook": f"http://127.0.0.1:{self.dead_port}/services/T0/B0/secret"}


class TestTeams(AdapterContract):
    adapter = "teams"

    @pytest.fixture(autouse=True)
    def place(self, vendor: Any, dead_port: int) -> None:
        self.vendor = vendor
        self.dead_port = dead_port

    def table(self) -> dict[str, Any]:
        table = self.vendor.teams(mention=True, include_contact=True)
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        return [message["carrythrough"]["id"] for message in self.vendor.messages()]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "url": f"http://127.0.0.1:{self.dead_port}/workflows/0"}


class TestMoodle(AdapterContract):
    adapter = "moodle"

    @pytest.fixture(autouse=True)
    def place(self, learning: Any, dead_port: int) -> None:
        self.learning = learning
        self.dead_port = dead_port

    def table(self) -> dict[str, Any]:
        table = self.learning.moodle()
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        return [one["headers"]["idempotency-key"] for one in self.learning.took("enrol_manual_enrol_users")]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "url": f"http://127.0.0.1:{self.dead_port}/moodle"}


class TestMoodleMessage(TestMoodle):
    def table(self) -> dict[str, Any]:
        table = self.learning.moodle(message=True, enrol=False, courses={})
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        taken = self.learning.took("core_message_send_instant_messages")
        assert all(one["answer"][0]["msgid"] > 0 for one in taken), "a message was not taken"
        return [one["message"]["messages[0][clientmsgid]"] for one in taken]


class TestOpenEdx(TestMoodle):
    adapter = "openedx"

    def table(self) -> dict[str, Any]:
        table = self.learning.openedx()
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        taken = self.learning.took("/api/bulk_enroll/v1/bulk_enroll/")
        return [one["headers"]["idempotency-key"] for one in taken]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "url": f"http://127.0.0.1:{self.dead_port}"}


class TestRest(TestMoodle):
    adapter = "rest"

    def table(self) -> dict[str, Any]:
        table = self.learning.rest(body={"who": "{email}", "text": "{title}", "key": "{id}"})
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        return [one["message"]["key"] for one in self.learning.took("/rest")]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "url": f"http://127.0.0.1:{self.dead_port}"}


class TestLrs(TestMoodle):
    adapter = "lrs"

    def table(self) -> dict[str, Any]:
        table = self.learning.lrs(identified=True)
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        extension = "urn:carrythrough:xapi-profile:context-extension:action"
        taken = [one for one in self.learning.took("/xapi/statements") if one["method"] == "PUT"]
        return [one["message"]["context"]["extensions"][extension]["action"] for one in taken]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "endpoint": f"http://127.0.0.1:{self.dead_port}/xapi"}


class TestKafka(AdapterContract):
    adapter = "kafka"

    @pytest.fixture(autouse=True)
    def place(self, kafka_bootstrap: str, dead_port: int) -> None:
        self.bootstrap = kafka_bootstrap
        self.dead_port = dead_port
        self.topic = f"actions-{uuid4().hex[:8]}"
        admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        admin.create_topics([NewTopic(self.topic, num_partitions=2, replication_factor=1)])
        admin.close()

    def table(self) -> dict[str, Any]:
        return {"bootstrap": self.bootstrap, "topic": self.topic, "timeout_s": 5.0}

    def received(self) -> list[str]:
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        parts = [TopicPartition(self.topic, n) for n in consumer.partitions_for_topic(self.topic)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        left = sum(consumer.end_offsets(parts).values())
        found: list[str] = []
        while len(found) < left:
            for batch in consumer.poll(5_000).values():
                found += [dict(record.headers)["ce_id"].decode() for record in batch]
        consumer.close()
        return found

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "bootstrap": f"127.0.0.1:{self.dead_port}", "timeout_s": 1.0}


class TestApprise(AdapterContract):
    adapter = "apprise"

    @pytest.fixture(autouse=True)
    def place(self, vendor: Any, dead_port: int) -> None:
        self.vendor = vendor
        self.dead_port = dead_port

    def table(self) -> dict[str, Any]:
        return {"url": f"json://127.0.0.1:{self.vendor.port}/apprise?+X-Token=of-the-robot"}

    def received(self) -> list[str]:
        return [message["message"].rsplit("(", 1)[1].removesuffix(")") for message in self.vendor.messages()]

    def unreachable(self) -> dict[str, Any]:
        return {"url": f"json://127.0.0.1:{self.dead_port}/"}


class TestEmail(AdapterContract):
    adapter = "email"

    @pytest.fixture(autouse=True)
    def place(self, open_postbox: Callable[..., Any], dead_port: int) -> None:
        self.postbox = open_postbox("--login", "robot", "pass-of-the-robot")
        self.dead_port = dead_port

    def table(self) -> dict[str, Any]:
        table = self.postbox.table(username="robot", password="pass-of-the-robot")
        del table["adapter"]
        assert isinstance(table, dict)
        return table

    def received(self) -> list[str]:
        ids = [message["Message-ID"] for message in self.postbox.messages()]
        return [text.removeprefix("<").removesuffix("@example.com>") for text in ids]

    def unreachable(self) -> dict[str, Any]:
        return {**self.table(), "port": self.dead_port}


class TestCalendar(TestEmail):
    adapter = "calendar"

    def received(self) -> list[str]:
        entries = [part for message in self.postbox.messages() for part in message.walk()]
        calendars = [part for part in entries if part.get_content_type() == "text/calendar"]
        events = [Calendar.from_ical(part.get_content()).events[0] for part in calendars]
        return [str(event["UID"]).removesuffix("@example.com") for event in events]


class TestFile(AdapterContract):
    adapter = "file"

    @pytest.fixture(autouse=True)
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = tmp_path / "actions.jsonl"
        monkeypatch.chdir(tmp_path)

    def table(self) -> dict[str, Any]:
        return {"path": str(self.path), "include_contact": True}

    def received(self) -> list[str]:
        if not self.path.exists():
            return []
        return [json.loads(line)["id"] for line in self.path.read_text("utf-8").split("\n") if line]

    def unreachable(self) -> dict[str, Any]:
        return {"path": str(self.path.parent / "no-such-folder" / "actions.jsonl")}


class TestConsole(AdapterContract):
    adapter = "console"

    @pytest.fixture(autouse=True)
    def place(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.captured = capfd
        self.lines: list[str] = []

    def table(self) -> dict[str, Any]:
        return {"names": True}

    def received(self) -> list[str]:
        self.lines += self.captured.readouterr().err.splitlines()
        return [line.rsplit(" · ", 1)[1] for line in self.lines]
