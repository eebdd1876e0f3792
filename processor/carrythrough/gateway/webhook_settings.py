"""The settings `webhooks.NAME`: who may post what it has to `/v1/hooks/NAME`, how it signs, how it is mapped."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""Names of webhooks are part of an address, a metric label and the source of events."""
WEBHOOKS_MAX = 50
"""Each has a metric label; more systems than this do not post to one installation."""

Signature = Literal[
    "standardwebhooks", "github", "stripe", "hubspot", "zendesk", "jira", "hmac-sha256", "token"
]


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system that posts JSON; see how-to/webhooks.md."""

    mapping: Annotated[
        str, Meta(min_length=1, description="Path of the mapping (YAML or JSON) from its bodies to events.")
    ]
    secret_env: Annotated[
        str, Meta(min_length=1, description="Name of the environment variable that holds the shared secret.")
    ]
    previous_secret_env: Annotated[
        str, Meta(description="The same for the secret before, which is taken too while secrets are changed.")
    ] = ""
    signature: Annotated[
        Signature,
        Meta(
            description="How a request proves where it comes from: a scheme by name, `hmac-sha256` with the settings "
            "below, or `token`: the secret itself in a header."
        ),
    ] = "standardwebhooks"
    url: Annotated[
        str,
        Meta(description="Address as the sender has it, where the signature covers it (`hubspot`, `{url}`)."),
    ] = ""
    header: Annotated[
        str,
        Meta(
            description="Header with the signature or token; by default the one of the scheme (token: `Authorization`)."
        ),
    ] = ""
    prefix: Annotated[
        str, Meta(description='What stands before the signature in its header, such as "sha256=".')
    ] = ""
    encoding: Annotated[Literal["hex", "base64"], Meta(description="How the signature is written.")] = "hex"
    template: Annotated[
        str,
        Meta(
            description="What is signed: text with {body}, {timestamp}, {id}, {method} and {url}.",
            pattern=r"\{body\}",
        ),
    ] = "{body}"
    timestamp_header: Annotated[
        str,
        Meta(description="Header with the time of sending: seconds or milliseconds since 1970, or ISO 8601."),
    ] = ""
    id_header: Annotated[str, Meta(description="Header with the id of the delivery.")] = ""
    tolerance_s: Annotated[
        int, Meta(ge=1, le=3_600, description="How far the signed time may be from ours.")
    ] = 300
