"""The other store through `tincan`, with what that client lacks: time limits, size limits, typed errors.

tincan builds the query, knows the protocol of `more` and the credentials. Its object model is kept
away from the statements: it turns whole numbers into floats, cuts fractions and refuses parts of
2.0, so the pages are handed on as the text that came over the wire.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
from typing import Any, ClassVar
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec
from tincan import Activity, Agent, RemoteLRS, Verb
from tincan.http_request import HTTPRequest
from tincan.lrs_response import LRSResponse

from carrythrough.pull import problems
from carrythrough.pull.source import PullSource
from carrythrough.xapi.attachments import AttachmentLimits, split
from carrythrough.xapi.query import AttachmentData

PAGE_BYTES_MAX = 64 * 1024 * 1024
"""More than a thousand statements of ordinary size; a page beyond it would crowd out the server's memory."""
_READ_BYTES = 256 * 1024
_TINCAN_VERSION = "1.0.3"
"""What tincan is told; it refuses to hear of 2.0. The header says the version that was asked for."""


class Page(msgspec.Struct, frozen=True):
    """One answer of the statements resource.

    statements: the JSON texts as sent. more: where the next page is, "" at the end.
    consistent_through: the header of that name, "" when it was not sent.
    """

    statements: list[bytes]
    more: str
    consistent_through: str


class _Body(msgspec.Struct):
    statements: list[msgspec.Raw]
    more: str | None = None


_decode = msgspec.json.Decoder(_Body).decode


class RemoteStore:
    """Reads pages from one store; every call is a request of its own. One thread at a time."""

    def __init__(self, source: PullSource, secret: str) -> None:
        self._source = source
        self._transport = Transport(source)
        self._client = TimedLRS(source, secret, self._transport)

    def first(self, since: str) -> Page:
        """Return the first page of statements stored after `since` (RFC 3339, "" for all), oldest first.

        Raises TransientError for what passes and PermanentError for what a person must mend.
        """
        source = self._source
        query: dict[str, Any] = {"ascending": "true", "limit": source.page, "since": since or None}
        if source.verb:
            query["verb"] = Verb(id=source.verb)
        if source.agent:
            query["agent"] = Agent.from_json(msgspec.json.encode(source.agent).decode())
        if source.activity:
            query["activity"] = Activity(id=source.activity)
        elif source.profile:
            query |= {"activity": Activity(id=source.profile), "related_activities": "true"}
        return self._page(self._client.query_statements(query))

    def following(self, page: Page) -> Page:
        """Return the page after `page`, whose `more` is not empty; raises as `first`."""
        endpoint = self._source.endpoint
        here = urlsplit(endpoint)
        there = urlsplit(urljoin(endpoint.rstrip("/") + "/statements", page.more))
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise problems.elsewhere(endpoint, page.more)
        path = there.path + (f"?{there.query}" if there.query else "")
        return self._page(self._client.more_statements(path))

    def attachments(self, statement_id: str) -> dict[str, AttachmentData]:
        """Return the data that came with one statement, by its SHA-2; raises as `first`."""
        answer = self._client.retrieve_with_attachments(statement_id)
        self._require_success(answer.response)
        content_type = answer.response.headers.get("Content-Type") or ""
        if not content_type.lower().startswith("multipart/mixed"):
            return {}
        return split(self._transport.received, content_type, AttachmentLimits())[1]

    def interrupt(self) -> None:
        """End a request under way from another thread; it raises TransientError there."""
        self._transport.cut()

    def _page(self, answer: Any) -> Page:
        endpoint, response = self._source.endpoint, answer.response
        self._require_success(response)
        try:
            body = _decode(self._transport.received)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise problems.unreadable(endpoint, str(error)) from None
        through = response.headers.get("X-Experience-API-Consistent-Through") or ""
        return Page([bytes(raw) for raw in body.statements], body.more or "", through)

    def _require_success(self, response: http.client.HTTPResponse) -> None:
        if response.status != 200:
            text = self._transport.received[:1000].decode("utf-8", "replace")
            wait = response.headers.get("Retry-After")
            raise problems.of_status(self._source.endpoint, response.status, text, wait)


class Transport:
    """Sends requests within limits of time and size; `received` is the body of the last answer."""

    def __init__(self, source: PullSource) -> None:
        self._source = source
        self._socket: socket.socket | None = None
        self.received = b""

    def send(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Return the answer, read to its end; raises TransientError and PermanentError."""
        source, parts = self._source, urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=source.timeout_s)
        # A store that sends a byte now and then begins the socket's own time anew with each.
        clock = threading.Timer(source.timeout_s, self.cut)
        clock.daemon = True
        clock.start()
        try:
            connection.connect()
            self._socket = connection.sock
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            self.received = _read(response, source.endpoint)
        except ssl.SSLCertVerificationError as error:
            raise problems.untrusted(source.endpoint, error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: the socket was taken away while it was read.
            raise problems.unreachable(source.endpoint, error) from None
        finally:
            clock.cancel()
            self._socket = None
            connection.close()
        return response

    def cut(self) -> None:
        """End a request under way, from any thread."""
        open_socket = self._socket
        if open_socket is not None:
            with contextlib.suppress(OSError):  # it may be gone already
                open_socket.shutdown(socket.SHUT_RDWR)


class TimedLRS(RemoteLRS):  # type: ignore[misc] # tincan has no types
    """tincan's client over a transport of ours."""

    # tincan lets nothing be set on its objects but what stands in this list.
    _props: ClassVar[list[str]] = [*RemoteLRS._props, "transport", "spoken"]  # noqa: SLF001 - tincan asks for it

    def __init__(self, source: PullSource, secret: str, transport: Transport) -> None:
        auth = None
        if source.key or secret:
            auth = "Basic " + base64.b64encode(f"{source.key}:{secret}".encode()).decode()
        self.transport = transport
        self.spoken = source.version
        super().__init__(endpoint=source.endpoint, version=_TINCAN_VERSION, auth=auth)

    def get_endpoint_server_root(self) -> str:
        """Return scheme and host; tincan's own loses the brackets of an IPv6 address."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    def retrieve_with_attachments(self, statement_id: str) -> Any:
        """Ask for one statement with its attachments, which tincan's own query leaves out."""
        request = HTTPRequest(method="GET", resource="statements")
        request.query_params = {"statementId": statement_id, "attachments": "true"}
        request.headers["Accept"] = "multipart/mixed, application/json"
        return self._send_request(request)

    def _send_request(self, request: Any) -> Any:
        """Send a request; never says success, so that tincan leaves the body alone."""
        resource = request.resource
        url = resource if resource.startswith("http") else self.endpoint + resource
        if query := _encoded(request.query_params):
            url += ("&" if "?" in url else "?") + query
        headers = {"X-Experience-API-Version": self.spoken, "Accept": "application/json"}
        if self.auth is not None:
            headers["Authorization"] = self.auth
        headers.update(request.headers)
        response = self.transport.send(url, headers)
        return LRSResponse(success=False, request=request, response=response, data="")


def _encoded(parameters: dict[str, Any]) -> str:
    return urlencode({name: str(value) for name, value in parameters.items()})


def _read(response: http.client.HTTPResponse, endpoint: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_READ_BYTES):
        parts.append(part)
        size += len(part)
        if size > PAGE_BYTES_MAX:
            raise problems.unreadable(endpoint, f"longer than {PAGE_BYTES_MAX} bytes; ask for a smaller page")
    if response.length:
        raise OSError(f"the answer broke off {response.length} bytes before its end")
    return b"".join(parts)
