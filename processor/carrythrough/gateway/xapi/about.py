"""The About resource: which versions are spoken here (Communication 2.8; 9274.1.1 4.1.6.7)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from carrythrough.errors import PermanentError
from carrythrough.gateway.auth import Credential
from carrythrough.gateway.intake import Answer, Request
from carrythrough.gateway.xapi import versions
from carrythrough.gateway.xapi.exchange import NO_PARAMETERS, Call, XapiEndpoint
from carrythrough.xapi.documents import etag_of

VERSIONS_1_0 = ("1.0.0", "1.0.1", "1.0.2", "1.0.3")
VERSIONS_2_0 = (*VERSIONS_1_0, "2.0.0")


class AboutEndpoint(XapiEndpoint):
    """`about`: open to everybody, and never refused for its version header.

    A client of 1.0 is told of 1.0.x only: older ones stop at a version that they do not know, and the list of
    1.0.3 names no later one.
    """

    accepts: ClassVar = {"GET": NO_PARAMETERS}
    version_needed = False

    def scopes_for(self, request: Request) -> tuple[str, ...]:
        """Return no scope: anybody may ask (Communication 2.8.s5.b3)."""
        return ()

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Answer also where the version header is none of ours (Communication 2.8.s5.b4)."""
        try:
            versions.negotiate(request.headers.get(versions.HEADER))
        except PermanentError:
            request.headers[versions.HEADER] = self.shared.default_version.encode()
        return await super().take(request, credential)

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Say the versions."""
        known = VERSIONS_1_0 if call.version == versions.LATEST_1_0 else VERSIONS_2_0
        body = msgspec.json.encode({"version": known})
        return Answer(200, body, headers=((b"etag", etag_of(body).encode()),))
