"""What to read from which Learning Record Store: the settings `pull.NAME`, checked before anything runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from carrythrough.errors import wrong_setting
from carrythrough.xapi import formats

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Names of sources stand in file names and metric labels."""


class PullSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One store to read from; filters narrow what the store is asked for, and all of them hold together."""

    endpoint: Annotated[str, Meta(description="Address of the store's xAPI, without `statements`.")]
    key: Annotated[str, Meta(description="Key (user name) for Basic authentication.")] = ""
    secret_env: Annotated[
        str, Meta(description="Name of the environment variable that holds the secret.")
    ] = ""
    version: Annotated[
        Literal["1.0.3", "2.0.0"], Meta(description="Version of xAPI to ask in, and to hold statements to.")
    ] = "1.0.3"
    since: Annotated[
        str, Meta(description="RFC 3339 time: statements stored after it; without, all there are.")
    ] = ""
    verb: Annotated[str, Meta(description="Only this verb (IRI).")] = ""
    activity: Annotated[str, Meta(description="Only statements whose object is this activity (IRI).")] = ""
    agent: Annotated[dict[str, Any], Meta(description='Only this agent, such as {mbox = "mailto:…"}.')] = {}
    profile: Annotated[
        str, Meta(description="Only statements with this activity in their context's category (IRI).")
    ] = ""
    every_s: Annotated[float, Meta(ge=1, le=86_400, description="Seconds between two looks.")] = 10.0
    page: Annotated[int, Meta(ge=1, le=1_000, description="Statements to ask for at once.")] = 500
    timeout_s: Annotated[
        float, Meta(gt=0, le=600, description="Seconds after which a silent store counts as away.")
    ] = 30.0

    def digest(self) -> str:
        """Return what a position belongs to: a hash of store and filters, since another query has another one."""
        parts = (
            self.endpoint,
            self.since,
            self.verb,
            self.activity,
            msgspec.json.encode(self.agent, order="sorted").decode(),
            self.profile,
        )
        return blake2b("\x1f".join(parts).encode(), digest_size=8).hexdigest()

    def since_ms(self) -> int:
        """Return `since` in ms since the epoch, 0 when it is not given."""
        found = formats.timestamp_ms(self.since, rfc3339=True) if self.since else 0
        return max(found or 0, 0)


def checked(name: str, source: PullSource) -> PullSource:
    """Return `source`; raises PermanentError (settings-invalid) naming the setting that cannot work."""
    if not NAME.fullmatch(name):
        raise wrong_setting(
            f"pull.{name[:40]}", "the name of a source is lower-case letters, digits and hyphens"
        )
    if not source.endpoint.startswith(("http://", "https://")):
        raise wrong_setting(
            f"pull.{name}.endpoint", f"{source.endpoint[:80]!r} is not an http or https address"
        )
    if source.since and formats.timestamp_ms(source.since, rfc3339=True) is None:
        raise wrong_setting(
            f"pull.{name}.since", f"{source.since[:40]!r} is not a time such as 2026-01-31T00:00:00Z"
        )
    return source


def secret_of(name: str, source: PullSource, environment: Mapping[str, str] | None = None) -> str:
    """Return the secret of a source, "" when it has none; raises PermanentError when the variable is not set."""
    if not source.secret_env:
        return ""
    found = (os.environ if environment is None else environment).get(source.secret_env)
    if found is None:
        raise wrong_setting(
            f"pull.{name}.secret_env", f"the environment variable {source.secret_env[:80]!r} is not set"
        )
    return found
