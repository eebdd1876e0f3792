"""`POST /v1/form-links`: a link to a form, for one person to answer about one person and one skill."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from carrythrough.errors import PermanentError, Problem
from carrythrough.events.forms import FORMS, FormName
from carrythrough.gateway.pages.forms import PURPOSE, FormPeople
from carrythrough.gateway.pages.queries import ask
from carrythrough.gateway.problems import problem_response
from carrythrough.gateway.signed_links import LIFE_S_MAX, SignedLinks

PATH = "/v1/form-links"
SCOPE = "events/write"
BODY_BYTES_MAX = 8_192


class LinkPeople(FormPeople, Protocol):
    """What making a link asks beyond what answering asks."""

    def subject(self, employee: str) -> str | None:
        """Return the pseudonym of a roster id or pseudonym that the roster knows, else None."""
        ...

    def manager_of(self, subject: str) -> str | None:
        """Return the pseudonym of a person's manager, None where the roster names none."""
        ...


class _Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body: which form, about whom, by whom (left out: about themselves, or by their manager)."""

    form: FormName
    employee: Annotated[str, Meta(min_length=1, max_length=200)]
    skill: Annotated[str, Meta(min_length=1, max_length=64)]
    by: Annotated[str, Meta(max_length=200)] = ""
    expires_h: Annotated[float, Meta(gt=0, le=LIFE_S_MAX / 3600)] = 14 * 24.0


_decode = msgspec.json.Decoder(_Asked).decode


class FormLinks:
    """Makes links; who asks needs a credential that may write events, since an answer is one."""

    def __init__(
        self, people: LinkPeople, links: SignedLinks, may: Callable[[Request, str], Awaitable[object]]
    ) -> None:
        """may: raises PermanentError 401 or 403 for a request without a credential of a scope."""
        self._people = people
        self._links = links
        self._may = may

    async def make(self, request: Request) -> Response:
        """Return a new link as JSON (201), or the problem."""
        try:
            await self._may(request, SCOPE)
            asked = _read(await _body(request))
            claims = await ask(self._claims, asked)
        except PermanentError as refused:
            return problem_response(refused.problem)
        token = self._links.make(PURPOSE, claims, asked.expires_h * 3600)
        until = dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=asked.expires_h)
        expires = until.isoformat(timespec="seconds").replace("+00:00", "Z")
        answer = {"url": f"{request.base_url}forms/{token}", "expires": expires}
        return JSONResponse(answer, 201, {"cache-control": "no-store"})

    def _claims(self, asked: _Asked) -> dict[str, str]:
        about = self._known("employee", asked.employee)
        form = FORMS[asked.form]
        if self._people.skill(asked.skill) is None:
            raise _refused(
                "skill", f"{asked.skill[:60]!r} is no skill of the program map", "name one of its skills"
            )
        manager = self._people.manager_of(about)
        if asked.by:
            by = self._known("by", asked.by)
        elif form.about_self:
            by = about
        elif form.role == "manager" and manager:
            by = manager
        else:
            raise _refused("by", "nobody is named who answers", 'add "by": the roster id of who answers')
        if form.about_self != (by == about):
            words = "only the person themselves" if form.about_self else "somebody else than the person"
            raise _refused("by", f"{words} can answer this form", "correct by or employee")
        if form.role == "manager" and manager and by != manager:
            fix = 'leave "by" out, or ask by "form": "peer-observation"'
            raise _refused("by", "the roster names another manager of this person", fix)
        return {"form": asked.form, "about": about, "by": by, "skill": asked.skill}

    def _known(self, where: str, employee: str) -> str:
        subject = self._people.subject(employee)
        if subject is None:
            raise _refused(
                where,
                f"the roster has no {employee[:60]!r}",
                "name a roster id; add the person to the roster",
            )
        return subject


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise _refused(
                "body", f"it has more than {BODY_BYTES_MAX} bytes", "send the members of a link only"
            )
    return body


def _read(body: bytes) -> _Asked:
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        fix = 'send {"form", "employee", "skill"}, and where needed "by" and "expires_h"'
        raise _refused("body", str(error)[:300], fix) from None


def _refused(where: str, detail: str, fix: str) -> PermanentError:
    return PermanentError(
        Problem(
            code="form-link-refused",
            status=400,
            title="No link was made",
            detail=detail,
            where=where,
            rule=f"forms: {', '.join(FORMS)}; each is answered by one person about one person and one skill",
            fix=fix,
        )
    )
