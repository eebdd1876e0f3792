"""What every xAPI resource has in common: version, parameters, HEAD, CORS, the alternate syntax.

A resource says in a table which methods it has and which parameters each takes, and answers a `Call`
in `serve`. Everything that holds for all of them is here, and holds for refusals too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import msgspec

from carrythrough.errors import PermanentError
from carrythrough.gateway.auth import Credential, Credentials
from carrythrough.gateway.intake import Answer, Header, IntakeEndpoint, Request, Telemetry
from carrythrough.gateway.limits import GatewayLimits, InFlight
from carrythrough.gateway.xapi import alternate, cors, parameters, versions
from carrythrough.gateway.xapi.spoken import SpokenVersions

ANYBODY = Credential(name="", key="", hash="", scopes=())
"""Who asks where nobody has to say who they are."""
ASK_AGAIN = (b"cache-control", b"private, no-cache")
"""A browser may keep an answer, and must ask whether it still holds: it would guess from Last-Modified else."""
NO_PARAMETERS: frozenset[str] = frozenset()


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """What the resources below one mount share.

    mount: path that they are below, without a slash at its end. default_version: "1.0.3" or "2.0.0",
    what is answered to requests that name none, from senders of whom none is known. origins: of browser
    content that may ask ("*": any).
    """

    mount: str
    default_version: str
    credentials: Credentials
    limits: GatewayLimits
    telemetry: Telemetry
    in_flight: InFlight
    now_ms: Callable[[], int]
    origins: tuple[str, ...] = (cors.ANY_ORIGIN,)
    spoken: SpokenVersions = msgspec.field(default_factory=SpokenVersions)


class Call(msgspec.Struct, frozen=True):
    """One request, understood. method: "GET" for HEAD as well. version: "1.0.3" or "2.0.0"."""

    method: str
    version: str
    parameters: dict[str, str]
    request: Request

    def header(self, name: bytes) -> bytes | None:
        """Return a header by its name in lower case."""
        return self.request.headers.get(name)


class XapiEndpoint(IntakeEndpoint):
    """An xAPI resource. A subclass gives `accepts`, `scopes_for` and `serve`.

    accepts: method to the parameters that it takes; HEAD goes with GET. `scopes_for(request)` returns ()
    where anybody may ask. Every answer carries the version, and CORS headers to a browser.
    """

    accepts: ClassVar[dict[str, frozenset[str]]] = {}
    version_needed: ClassVar[bool] = True
    """False for a resource that says which versions there are: a request may then name none."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared.credentials, shared.limits, shared.telemetry, shared.in_flight)
        self.shared = shared
        self.methods = tuple(
            name for method in self.accepts for name in (("GET", "HEAD") if method == "GET" else (method,))
        )

    async def serve(self, call: Call, credential: Credential) -> Answer:
        """Answer a call; raises CarrythroughError."""
        raise NotImplementedError

    async def take(self, request: Request, credential: Credential) -> Answer:
        """Understand a request whose sender is known, and have it answered."""
        request.credential = credential
        given = request.headers.get(versions.HEADER)
        if given is None and not self.version_needed:
            version = self.shared.default_version
        else:
            version = versions.negotiate(versions.mended(given) if credential.is_lenient else given)
            self.shared.spoken.remember(credential.name, version)
        method = "GET" if request.method == "HEAD" else request.method
        found = parameters.parse(request.query, self.accepts[method])
        return await self.serve(Call(method, version, found, request), credential)

    def headers_for(self, request: Request) -> list[Header]:
        """Return the version that the answer speaks, and CORS.

        It is the request's; where that is none of ours, what its sender named last here, else the mount's.
        """
        try:
            version = versions.negotiate(versions.mended(request.headers.get(versions.HEADER)))
        except PermanentError:
            known = None if request.credential is None else self.shared.spoken.last(request.credential.name)
            version = known or self.shared.default_version
        headers = [(versions.HEADER, version.encode())]
        if request.method in {"GET", "HEAD"}:
            headers.append(ASK_AGAIN)
        origin = request.headers.get(b"origin")
        return headers if origin is None else headers + cors.answer_headers(origin, self.shared.origins)

    async def _answer(self, request: Request) -> Answer:
        if request.method == "OPTIONS":
            origin = request.headers.get(b"origin")
            return Answer(
                204, headers=tuple(cors.preflight_headers(origin, self.shared.origins, self.methods))
            )
        if request.query and self._is_alternate(request):
            return await self._answer_alternate(request)
        return await self._answer_plain(request)

    async def _answer_plain(self, request: Request) -> Answer:
        if request.method in self.methods and not self.scopes_for(request):
            return await self.take(request, ANYBODY)
        return await super()._answer(request)

    def _is_alternate(self, request: Request) -> bool:
        """Say whether the request is in the alternate syntax and its version, if it names one, has that."""
        if b"method" not in request.query or not alternate.is_alternate(request):
            return False
        given = request.headers.get(versions.HEADER)
        return given is None or versions.negotiate(given) == versions.LATEST_1_0

    async def _answer_alternate(self, request: Request) -> Answer:
        alternate.unfold(request, await self.read(request, self._limits.statements.body_bytes_max))
        given = request.headers.get(versions.HEADER)
        version = self.shared.default_version if given is None else versions.negotiate(given)
        if version != versions.LATEST_1_0:
            parameters.checked([("method", request.method)], NO_PARAMETERS)
        if request.method != "HEAD":
            return await self._answer_plain(request)
        # The connection asked by POST, so an answer without its body must not announce the body's length.
        request.method = "GET"
        answer = await self._answer_plain(request)
        return msgspec.structs.replace(answer, body=b"")
