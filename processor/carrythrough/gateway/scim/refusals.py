"""Refusals of the SCIM endpoint, and their bodies as RFC 7644 3.12 has them.

No message repeats a value of a user: what stands in an answer ends in somebody's log.
"""

from __future__ import annotations

from typing import Any

import msgspec

from carrythrough.errors import PermanentError, Problem

MEDIA_TYPE = b"application/scim+json"
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_SCIM_TYPES = {
    "scim-not-unique": "uniqueness",
    "scim-invalid-value": "invalidValue",
    "scim-unreadable": "invalidSyntax",
    "scim-too-many": "tooMany",
    "roster-conflict": "uniqueness",
    "manager-circle": "invalidValue",
}
_encode = msgspec.json.Encoder().encode


class ScimRefusalError(PermanentError):
    """A refusal whose scimType the library has found."""

    def __init__(self, problem: Problem, scim_type: str) -> None:
        super().__init__(problem)
        self.scim_type = scim_type


def refused(error: Any) -> PermanentError:
    """Return the refusal for an error of the library (SCIMException, or pydantic's ValidationError)."""
    from pydantic import ValidationError  # noqa: PLC0415 - comes with the models
    from scim2_models import Error  # noqa: PLC0415 - the same

    found = Error.from_validation_errors(error)[0] if isinstance(error, ValidationError) else error.to_error()
    detail = str(found.detail or "the request does not fit the schemas").splitlines()
    problem = Problem(
        code="scim-refused",
        status=int(found.status or 400),
        title="The request does not fit the SCIM schemas",
        detail=" ".join(part.strip() for part in detail[:3])[:300],
        where=str(found.scim_type or ""),
        rule="RFC 7643 and RFC 7644; GET /scim/v2/Schemas says what is served",
        fix="correct the attribute mapping of the identity provider",
    )
    return ScimRefusalError(problem, str(found.scim_type or ""))


def not_unique(attribute: str, detail: str) -> PermanentError:
    """Return the refusal of a value that somebody else has."""
    return PermanentError(
        Problem(
            code="scim-not-unique",
            status=409,
            title="A value that has to be unique is taken",
            detail=f"{attribute}: {detail}",
            where=attribute,
            rule="RFC 7644, 3.3: no two users have one userName; ids of the roster are unique",
            fix="look for the user with a filter first, and change that one",
        )
    )


def no_such_user(id_: str) -> PermanentError:
    """Return the refusal of an id that nobody on the roster has."""
    return PermanentError(
        Problem(
            code="scim-no-such-user",
            status=404,
            title="There is no such user",
            detail=f"Resource {id_[:200]} not found",
            where="id",
            rule="the id of a user is their roster id",
            fix="look for the user with a filter; one who was removed is made anew with POST",
        )
    )


def version_differs() -> PermanentError:
    """Return the refusal of a change whose If-Match names another version."""
    return PermanentError(
        Problem(
            code="scim-version-differs",
            status=412,
            title="The user has changed meanwhile",
            detail="If-Match names another version than the present one",
            where="If-Match",
            rule="RFC 7644, 3.14",
            fix="read the user again and repeat the change",
        )
    )


def too_many(count: int, most: int) -> PermanentError:
    """Return the refusal of a search that would have to look at too many users one by one."""
    return PermanentError(
        Problem(
            code="scim-too-many",
            status=400,
            title="The filter means too many users",
            detail=f"{count} users would have to be looked at one by one, more than {most}",
            where="filter",
            rule="userName, externalId, id, emails, displayName, title and active are sifted; the rest is looked at",
            fix="add a condition on one of them, or leave sortBy out",
        )
    )


def unreadable(detail: str) -> PermanentError:
    """Return the refusal of a body that is no JSON object."""
    return PermanentError(
        Problem(
            code="scim-unreadable",
            status=400,
            title="The body cannot be read",
            detail=detail[:200],
            where="body",
            rule="RFC 8259; a SCIM body is one JSON object",
            fix="send JSON with Content-Type: application/scim+json",
        )
    )


def not_served(what: str, fix: str) -> PermanentError:
    """Return the refusal of an endpoint that SCIM has and this server does not."""
    return PermanentError(
        Problem(
            code="scim-not-served",
            status=501,
            title="This part of SCIM is not served",
            detail=what,
            where="path",
            rule="GET /scim/v2/ServiceProviderConfig and /ResourceTypes say what is served",
            fix=fix,
        )
    )


def no_such_place(path: str) -> PermanentError:
    """Return the refusal of a path that SCIM does not know either."""
    return PermanentError(
        Problem(
            code="scim-no-such-place",
            status=404,
            title="There is nothing at this address",
            detail=f"{path[:200]} is no endpoint of SCIM",
            where="path",
            rule="RFC 7644, 3.2: /Users, /ServiceProviderConfig, /ResourceTypes, /Schemas",
            fix="the address to give an identity provider ends with /scim/v2",
        )
    )


def body_of(problem: Problem, scim_type: str = "") -> bytes:
    """Return the body of a refusal (RFC 7644 3.12)."""
    fix = f" — {problem.fix}" if problem.fix else ""
    body = {"schemas": [_ERROR], "status": str(problem.status), "detail": f"{problem.detail}{fix}"}
    kind = scim_type or _SCIM_TYPES.get(problem.code, "")
    if kind:
        body["scimType"] = kind
    return _encode(body)
