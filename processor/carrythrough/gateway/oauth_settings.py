"""The settings table `oauth`: whose bearer tokens are taken, beside those that we give out ourselves."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class OAuthIssuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One issuer of JWT access tokens (RFC 9068 in spirit); its keys come from an address or a file."""

    issuer: Annotated[
        str, Meta(min_length=1, description="The `iss` of its tokens, compared character by character.")
    ]
    audience: Annotated[
        str, Meta(min_length=1, description="What `aud` of a token must be or hold: the name of this server.")
    ]
    jwks_url: Annotated[
        str, Meta(description="Address of its key set (JWKS); https, or http on this machine.")
    ] = ""
    jwks_file: Annotated[
        str, Meta(description="Path of its key set, where there is no address; read again as it changes.")
    ] = ""
    client_claim: Annotated[
        str, Meta(min_length=1, description="The claim that names the client: `client_id`, `azp`, `sub` …")
    ] = "client_id"
    clients: Annotated[
        dict[str, str],
        Meta(
            description="Client id → name of the credential that it acts as, and nobody else is let in; without any, "
            "the client id is itself that name."
        ),
    ] = {}
    scope_claim: Annotated[
        str,
        Meta(
            description="The claim with the scopes (text or list), which narrow those of the credential; "
            '"" where tokens carry none, and the credential\'s own hold.'
        ),
    ] = "scope"
    leeway_s: Annotated[
        int, Meta(ge=0, le=300, description="How far the issuer's clock may be off for `exp` and `nbf`.")
    ] = 30
    refresh_s: Annotated[
        float, Meta(ge=1, le=86_400, description="How often the key set is read again without a reason.")
    ] = 300
    timeout_s: Annotated[float, Meta(gt=0, le=60, description="How long reading the key set may take.")] = 5

    def __post_init__(self) -> None:
        if bool(self.jwks_url) == bool(self.jwks_file):
            raise ValueError("name one of jwks_url and jwks_file")
        parts = urlsplit(self.jwks_url)
        if self.jwks_url and not (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        ):
            raise ValueError(
                "jwks_url begins with https://; whoever can change it on the way can sign tokens"
            )
