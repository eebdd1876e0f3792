"""Adapter `kafka`: each action as a CloudEvent (binary mode) in a topic, for a service that acts on it.

The producer is idempotent with acks=all. `ce_id` is the action's id, so that a consumer which ignores an
id it has seen takes each action once; the key is the recipient's pseudonym, so that the actions of a person
keep their order. Names and e-mail addresses stay here.
"""

from __future__ import annotations

import logging
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Recipient,
    Secret,
    SettingError,
    TransientError,
    action_members,
    delivery_problem,
    one_line,
    rfc3339,
)

if TYPE_CHECKING:
    from kafka import KafkaProducer

EVENT_TYPE = "io.carrythrough.action.requested"
CLOSE_S_MAX = 2.0


class KafkaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `kafka`."""

    bootstrap: Annotated[str, Meta(min_length=1, description='brokers to begin with: "host:port,host:port"')]
    topic: Annotated[
        str,
        Meta(pattern=r"^[A-Za-z0-9._-]{1,249}$", description="topic, which must exist; it is never created"),
    ] = "carrythrough.actions.requested"
    source: Annotated[
        str, Meta(min_length=1, max_length=200, description="`ce_source`: who says it, as a URI reference")
    ] = "/carrythrough"
    security: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="protocol of the brokers' listener"),
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], Meta(description="how to sign in, for SASL")
    ] = "SCRAM-SHA-512"
    user: Annotated[str, Meta(description="user name for SASL")] = ""
    password: Annotated[Secret, Meta(description="password for SASL")] = Secret("")
    ca_file: Annotated[
        str, Meta(description="PEM file to check the brokers by, if their authority is private")
    ] = ""
    timeout_s: Annotated[
        float,
        Meta(gt=0, le=120, description="seconds until a message that nobody acknowledged counts as failed"),
    ] = 15.0

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        if find_spec("kafka") is None:
            raise SettingError(
                "bootstrap", "needs the package kafka-python", "pip install 'carrythrough[kafka]'"
            )
        if self.security.startswith("SASL") and not (self.user and self.password):
            raise SettingError("user", f"and password are needed for {self.security}")


class KafkaAdapter:
    """Writes to one topic; the producer is made at the first send."""

    def __init__(self, config: KafkaConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._producer: KafkaProducer | None = None

    def check(self) -> str:
        """Say how many partitions the topic has; writes nothing. Raises as `send`."""
        config = self._config
        partitions = self._asked(lambda producer: producer.partitions_for(config.topic))
        if not partitions:
            self._refuse_topic()
        return one_line(f"{config.topic} has {len(partitions)} partitions")

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Write the action and wait until every in-sync replica has it."""
        config = self._config
        headers = {
            "ce_specversion": "1.0",
            "ce_id": idempotency_key,
            "ce_source": config.source,
            "ce_type": EVENT_TYPE,
            "ce_time": rfc3339(action.as_of_ms),
            "ce_subject": action.subject,
            "content-type": "application/json",
        }
        value = msgspec.json.encode(action_members(action))
        wired = [(name, text.encode()) for name, text in headers.items()]

        def write(producer: KafkaProducer) -> Any:
            future = producer.send(config.topic, value, key=action.recipient.encode(), headers=wired)
            return future.get(config.timeout_s)

        found = self._asked(write)
        return one_line(f"{config.topic}, partition {found.partition}, offset {found.offset}")

    def close(self) -> None:
        """Close the producer; safe to call twice."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=CLOSE_S_MAX)

    def _asked(self, ask: Any) -> Any:
        from kafka import errors  # noqa: PLC0415 - a server without this adapter needs no Kafka

        try:
            return ask(self._connected())
        except errors.MessageSizeTooLargeError as error:
            detail = f"the brokers take no message of this size: {error}"
            raise PermanentError(delivery_problem("delivery-refused", one_line(detail))) from error
        except (errors.UnknownTopicOrPartitionError, errors.InvalidTopicError):
            self._refuse_topic()
        except errors.KafkaError as error:
            # A topic that is not there shows as metadata that never come, as brokers that are away do.
            detail = f"{self._config.topic} on {self._config.bootstrap}: {type(error).__name__}: {error}"
            raise TransientError(delivery_problem("delivery-failed", one_line(detail))) from error

    def _refuse_topic(self) -> NoReturn:
        detail = f"the topic {self._config.topic} does not exist on {self._config.bootstrap}"
        raise TransientError(
            delivery_problem("delivery-failed", detail, where="topic", fix="create it, or correct its name")
        )

    def _connected(self) -> KafkaProducer:
        from kafka import KafkaProducer  # noqa: PLC0415 - as above

        config = self._config
        with self._lock:
            if self._producer is None:
                # The library tells each of its own retries at length; what matters is in the error.
                logging.getLogger("kafka").setLevel(logging.CRITICAL)
                options: dict[str, Any] = {}
                if config.ca_file:
                    options["ssl_cafile"] = config.ca_file
                if config.security.startswith("SASL"):
                    options["sasl_mechanism"] = config.sasl_mechanism
                    options["sasl_plain_username"] = config.user
                    options["sasl_plain_password"] = config.password.reveal()
                wait_ms = int(config.timeout_s * 1000)
                self._producer = KafkaProducer(
                    bootstrap_servers=[part.strip() for part in config.bootstrap.split(",")],
                    client_id="carrythrough-actions",
                    security_protocol=config.security,
                    acks="all",
                    enable_idempotence=True,
                    max_block_ms=wait_ms,
                    delivery_timeout_ms=wait_ms,
                    request_timeout_ms=max(1_000, wait_ms - 100),
                    bootstrap_timeout_ms=wait_ms,
                    allow_auto_create_topics=False,
                    **options,
                )
            return self._producer


SPEC = AdapterSpec(
    name="kafka",
    kind="stream",
    summary="Writes each action to a Kafka topic as a CloudEvent.",
    stability="beta",
    config=KafkaConfig,
    example={"bootstrap": "kafka-1.example.com:9092"},
    factory=KafkaAdapter,
)
