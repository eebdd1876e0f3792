"""Who may ask: a Basic credential with the scope, or a signed-in page session (read only)."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection

from carrythrough.errors import PermanentError, Problem, TransientError
from carrythrough.gateway.auth import Credential, Credentials

NAMES_SCOPE = "people/read"
LEARNER_SCOPE = "learner/read"


class Access:
    """Checks scopes; `session_of` is that of the pages."""

    def __init__(self, credentials: Credentials, session_of: Callable[[HTTPConnection], str | None]) -> None:
        self._credentials = credentials
        self._session_of = session_of

    async def require(self, request: HTTPConnection, scope: str, *others: str) -> str:
        """Return who asks and has any of the scopes; raises PermanentError 401 or 403."""
        credential = self._credential(request)
        if credential is None:
            viewer = self._session_of(request)
            if viewer is not None:
                return viewer
            raise PermanentError(_UNAUTHENTICATED)
        if not credential.allows(scope, *others):
            raise PermanentError(_missing_scope(credential.name, scope))
        return credential.name

    async def require_credential(self, request: HTTPConnection, scope: str) -> str:
        """Return whose credential it is; a page session is not enough. Raises PermanentError 401 or 403."""
        if self._credential(request) is None:
            raise PermanentError(_UNAUTHENTICATED)
        return await self.require(request, scope)

    async def names(self, request: HTTPConnection) -> bool:
        """Say whether names may be shown to who asks: a page session, or a credential with the scope."""
        credential = self._credential(request)
        if credential is None:
            return self._session_of(request) is not None
        return credential.allows(NAMES_SCOPE)

    async def is_learners(self, request: HTTPConnection) -> bool:
        """Say whether who asks shows answers to the learner alone; a page session never does."""
        credential = self._credential(request)
        return credential is not None and credential.allows(LEARNER_SCOPE)

    def _credential(self, request: HTTPConnection) -> Credential | None:
        """Return whose header it is; raises PermanentError for a bearer token that is not taken."""
        header = request.headers.get("authorization", "")
        if not header:
            return None
        try:
            return self._credentials.verify(header.encode("latin-1"))
        except TransientError as error:
            raise PermanentError(error.problem) from None


_UNAUTHENTICATED = Problem(
    code="credentials-missing-or-wrong",
    status=401,
    title="Who is asking is not known",
    detail="the request has neither valid Basic credentials nor a signed-in session",
    where="Authorization",
    rule="RFC 7617: Authorization: Basic base64(key:secret)",
    fix="send the key and secret of a credential with the scope scores/read",
)


def _missing_scope(name: str, scope: str) -> Problem:
    return Problem(
        code="scope-missing",
        status=403,
        title="This credential may not do that",
        detail=f"{name} does not have the scope {scope}",
        where="Authorization",
        rule="each credential has the scopes that its sender needs and no more",
        fix=f"use a credential with the scope {scope}",
    )
