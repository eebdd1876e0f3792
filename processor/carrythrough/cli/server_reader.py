"""Asking a running server: the REST API with a credential, its problems as our errors."""

from __future__ import annotations

import datetime as dt
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import msgspec

from carrythrough.cli.reader import Answer
from carrythrough.cli.target import Server
from carrythrough.errors import CarrythroughError, PermanentError, Problem, TransientError

TIMEOUT_S = 30.0
PAGE = 500


class ServerReader:
    """Implements `reader.Reader` over HTTP; use it as a context manager."""

    def __init__(self, server: Server) -> None:
        self._client = client(server)
        self.place = server.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def scores(self, *, skill: str, stage: str, team: str, limit: int) -> tuple[list[Answer], bool]:
        """See `reader.Reader`."""
        asked = {name: value for name, value in (("skill", skill), ("stage", stage), ("team", team)) if value}
        return self._pages("/v1/scores", "scores", limit, asked)

    def employee(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        return self._get(f"/v1/employees/{quote(reference, safe='')}/scores", {})

    def explanation(
        self, reference: str, skill: str, at_ms: int | None, known_ms: int | None = None
    ) -> Answer:
        """See `reader.Reader`."""
        asked = {"skill": skill}
        for name, time_ms in (("at", at_ms), ("as_known_at", known_ms)):
            if time_ms is not None:
                moment = dt.datetime.fromtimestamp(time_ms / 1000, tz=dt.UTC)
                asked[name] = moment.isoformat(timespec="milliseconds")
        return self._get(f"/v1/employees/{quote(reference, safe='')}/explanation", asked)

    def registration(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        return self._get(f"/v1/registrations/{quote(reference, safe='')}", {})

    def registrations(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        return self._get(f"/v1/employees/{quote(reference, safe='')}/registrations", {})

    def reviews(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        return self._get(f"/v1/employees/{quote(reference, safe='')}/reviews", {})

    def groups(self, by: str) -> Answer:
        """See `reader.Reader`."""
        return self._get("/v1/groups", {"by": by})

    def needs(self, reference: str) -> Answer:
        """See `reader.Reader`."""
        return self._get(f"/v1/employees/{quote(reference, safe='')}/needs", {})

    def group_needs(self, by: str) -> Answer:
        """See `reader.Reader`."""
        return self._get("/v1/needs", {"by": by})

    def uplift(self, worth: float) -> Answer:
        """See `reader.Reader`."""
        return self._get("/v1/uplift", {"worth": str(worth)})

    def enriched(self, after: int, limit: int) -> Answer:
        """See `reader.Reader`."""
        found = self._get("/v1/enriched", {"after": str(after), "limit": str(limit)})
        return {**found, "events": [msgspec.json.encode(event) for event in found["events"]]}

    def set_aside(self, limit: int) -> list[Answer]:
        """See `reader.Reader`."""
        return self._pages("/v1/quarantine", "quarantine", limit, {})[0]

    def dead_letters(self, limit: int) -> list[Answer]:
        """See `reader.Reader`."""
        return self._pages("/v1/dead-letters", "actions", limit, {})[0]

    def summary(self) -> Answer:
        """See `reader.Reader`."""
        return self._get("/v1/summary", {})

    def _pages(self, path: str, member: str, limit: int, asked: dict[str, str]) -> tuple[list[Answer], bool]:
        found: list[Answer] = []
        cursor: str | None = ""
        while cursor is not None and len(found) < limit:
            page = {"limit": str(min(PAGE, limit - len(found)))} | ({"cursor": cursor} if cursor else {})
            answer = self._get(path, asked | page)
            found += answer[member]
            cursor = answer["next"]
        return found, cursor is not None

    def _get(self, path: str, asked: dict[str, str]) -> Answer:
        with reaching(str(self._client.base_url)):
            response = self._client.get(path, params=asked)
        answer: Any = answer_of(response)
        return dict(answer)


def client(server: Server, connections: int = 4) -> httpx.Client:
    """Return an HTTP client with the credential of `server`; redirects are not followed."""
    return httpx.Client(
        base_url=server.url,
        auth=(server.key, server.secret),
        timeout=TIMEOUT_S,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
    )


class reaching:  # noqa: N801 - reads as a phrase: `with reaching(url)`
    """Turn failures of the connection into a TransientError that says what to look at."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, httpx.TransportError | httpx.InvalidURL):
            raise TransientError(
                Problem(
                    code="server-unreachable",
                    status=503,
                    title="The server does not answer",
                    detail=f"{self._url}: {str(error) or type(error).__name__}",
                    where="--url",
                    rule="a server must be running at this address",
                    fix="start it with `carrythrough serve`, correct --url, or work on its data folder with --data-dir",
                )
            ) from error


def answer_of(response: httpx.Response) -> Any:
    """Return the JSON of a good answer; raises the error that a problem body describes."""
    if response.is_success:
        try:
            return response.json()
        except ValueError:
            raise PermanentError(_foreign(response)) from None
    raise error_of(response)


def error_of(response: httpx.Response) -> CarrythroughError:
    """Return the error for an answer that is not 2xx: transient for 429 and 5xx with Retry-After."""
    problem = _problem(response)
    wait = response.headers.get("retry-after", "")
    if response.status_code in (429, 502, 503, 504):
        return TransientError(problem, float(wait) if wait.isdecimal() else 1.0)
    return PermanentError(problem)


def _problem(response: httpx.Response) -> Problem:
    try:
        body = response.json()
        parts = {
            name: str(body.get(name) or "") for name in ("code", "title", "detail", "where", "rule", "fix")
        }
    except (ValueError, AttributeError):
        return _foreign(response)
    if not parts["code"]:
        return _foreign(response)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        parts["detail"] = f"{response.request.url.host} does not know this key, or the secret is wrong"
        parts["fix"] = (
            "check --key and --secret; where the data folder is, `carrythrough credentials list` shows the keys"
        )
    return Problem(status=response.status_code, **parts)


def _foreign(response: httpx.Response) -> Problem:
    return Problem(
        code="answer-unexpected",
        status=response.status_code,
        title="This is not an answer of Carrythrough",
        detail=f"{response.request.method} {response.url} answered {response.status_code} "
        f"{response.headers.get('content-type', 'without a content type')}",
        where="--url",
        rule="Carrythrough answers with JSON, and with problem bodies when it refuses",
        fix="correct the address: host and port without a path, and no other program in between",
    )
