"""Which Kafka topic to read performance events from: the settings `consume.NAME`, checked before anything runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from carrythrough.errors import wrong_setting

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Names of sources stand in file names and metric labels."""
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka allows in the name of a topic."""
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/\[\]]+):\d{1,5}")


class TopicSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One topic to read; several servers of one group share its partitions."""

    bootstrap: Annotated[
        str, Meta(description='Brokers to begin with, as "host:port" with commas between.', min_length=1)
    ]
    topic: Annotated[str, Meta(description="Name of the topic.")] = "performance-events"
    group: Annotated[
        str, Meta(description="Consumer group whose offsets say what was taken.", min_length=1)
    ] = "carrythrough"
    begin: Annotated[
        Literal["earliest", "latest"],
        Meta(description="Where a group without offsets begins."),
    ] = "earliest"
    security: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        Meta(description="Protocol of the brokers' listener."),
    ] = "PLAINTEXT"
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Meta(description="How to sign in, where `security` is SASL."),
    ] = "SCRAM-SHA-512"
    user: Annotated[str, Meta(description="User name for SASL.")] = ""
    secret_env: Annotated[
        str, Meta(description="Name of the environment variable that holds the password for SASL.")
    ] = ""
    ca_file: Annotated[
        str, Meta(description="Certificates (PEM) to check the brokers by; without, those of the system.")
    ] = ""
    batch: Annotated[int, Meta(ge=1, le=10_000, description="Records to take at once.")] = 500


def checked(name: str, source: TopicSource) -> TopicSource:
    """Return `source`; raises PermanentError (settings-invalid) naming the setting that cannot work."""
    if not NAME.fullmatch(name):
        raise wrong_setting(
            f"consume.{name[:40]}", "the name of a source is lower-case letters, digits and hyphens"
        )
    for address in source.bootstrap.split(","):
        if not _ADDRESS.fullmatch(address.strip()):
            raise wrong_setting(
                f"consume.{name}.bootstrap", f"{address.strip()[:80]!r} is no host:port such as kafka:9092"
            )
    if not _TOPIC.fullmatch(source.topic):
        raise wrong_setting(
            f"consume.{name}.topic", f"{source.topic[:80]!r} is no name of a topic (letters, digits, . _ -)"
        )
    if source.security.startswith("SASL") and not (source.user and source.secret_env):
        raise wrong_setting(f"consume.{name}.user", f"{source.security} needs both user and secret_env")
    return source


def client_options(
    name: str, source: TopicSource, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what a Kafka client needs to connect; raises PermanentError when the variable is not set."""
    options: dict[str, Any] = {
        "bootstrap_servers": [address.strip() for address in source.bootstrap.split(",")],
        "client_id": f"carrythrough-{name}",
        "security_protocol": source.security,
    }
    if source.ca_file:
        options["ssl_cafile"] = source.ca_file
    if source.security.startswith("SASL"):
        secret = (os.environ if environment is None else environment).get(source.secret_env)
        if secret is None:
            raise wrong_setting(
                f"consume.{name}.secret_env",
                f"the environment variable {source.secret_env[:80]!r} is not set",
            )
        options |= {
            "sasl_mechanism": source.sasl_mechanism,
            "sasl_plain_username": source.user,
            "sasl_plain_password": secret,
        }
    return options
