"""Forms for people: what a manager or a peer saw, how sure somebody is, that a job aid was used.

Two ways in. A signed link names the form, the person and the skill, works for its time, and counts one
answer. A signed-in manager opens the form of an observation from a person's page; it belongs to the session
that opened it. Neither can be turned to anybody else: whom an answer is about stands in what was signed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from carrythrough.errors import CarrythroughError, PermanentError, Problem
from carrythrough.events.admission import admit_document
from carrythrough.events.forms import FORMS, Form, event_of_answer
from carrythrough.gateway.pages.queries import ask
from carrythrough.gateway.pages.render import message, page
from carrythrough.gateway.pages.sessions import Sessions, cookie_name
from carrythrough.gateway.pages.signin import asked_by_our_page, signed_in
from carrythrough.gateway.signed_links import Link, SignedLinks
from carrythrough.ports import Intake

PURPOSE = "form"
SESSION_LIFE_S = 3_600.0
"""A form that a signed-in person has opened is answered within this time."""
BODY_BYTES_MAX = 4_096
"""A form has one answer."""


class FormPeople(Protocol):
    """What forms ask about people and skills; safe to call from any thread."""

    def person(self, subject: str) -> tuple[str, str] | None:
        """Return (roster id, name) behind a pseudonym, None when the roster does not know them."""
        ...

    def skill(self, skill: str) -> str | None:
        """Return the name of a skill, None when the program map does not have it."""
        ...

    def skills_of(self, subject: str) -> list[tuple[str, str]]:
        """Return (id, name) of the skills that a person's role needs."""
        ...


class FormPages:
    """`/forms/{token}` and `/people/{subject}/observe`."""

    def __init__(
        self,
        people: FormPeople,
        intake: Intake,
        links: SignedLinks,
        sessions: Sessions,
        now_ms: Callable[[], int],
    ) -> None:
        self.sessions = sessions
        self._people = people
        self._intake = intake
        self._links = links
        self._now_ms = now_ms

    async def show(self, request: Request) -> Response:
        """Return the form of a link; looking changes nothing, so that scanners of mail do no harm."""
        token = request.path_params["token"]
        try:
            _, form, context = await self._opened(request, token)
        except PermanentError as refused:
            return self._refused(request, refused.problem)
        return page(request, "form.html", context | {"form": form, "action": f"/forms/{token}", "fault": ""})

    async def submit(self, request: Request) -> Response:
        """Store the answer to a form, once."""
        token = request.path_params["token"]
        if not asked_by_our_page(request):
            text = "This answer did not come from the form itself, so nothing was stored."
            return message(request, "Not stored", text, 403)
        try:
            link, form, context = await self._opened(request, token)
            answer = await _answer_of(request)
            event = event_of_answer(
                form,
                answer,
                employee=context["employee"],
                skill=link.claims["skill"],
                identity=link.id,
                time=self._time(),
            )
            if event is None:
                shown = context | {
                    "form": form,
                    "action": f"/forms/{token}",
                    "fault": "Choose one of the answers.",
                }
                return page(request, "form.html", shown, 422)
            return await self._store(request, event, link, context)
        except CarrythroughError as refused:
            return self._refused(request, refused.problem)

    @signed_in
    async def observe(self, request: Request) -> Response:
        """Return the form with which a signed-in manager says what they saw of a person."""
        subject = request.path_params["subject"]
        person = await ask(self._people.person, subject)
        viewer = self.sessions.session_of(request)
        if person is None:
            text = "The roster does not know this person, so there is nobody to observe."
            return message(request, "No such person", text, 404, viewer)
        skills = await ask(self._people.skills_of, subject)
        skill = request.query_params.get("skill", "")
        if skill not in {each for each, _ in skills}:
            context = {"viewer": viewer, "name": person[1], "subject": subject, "skills": skills}
            return page(request, "observe.html", context)
        claims = {"form": "manager-observation", "about": subject, "by": "", "skill": skill}
        claims["session"] = _session_mark(request)
        token = self._links.make(PURPOSE, claims, SESSION_LIFE_S)
        _, form, context = await self._opened(request, token)
        return page(request, "form.html", context | {"form": form, "action": f"/forms/{token}", "fault": ""})

    async def _opened(self, request: Request, token: str) -> tuple[Link, Form, dict[str, Any]]:
        """Return a link, its form, and what the page shows; raises PermanentError."""
        link = self._links.read(PURPOSE, token)
        form = FORMS.get(link.claims.get("form", ""))
        viewer = self.sessions.session_of(request)
        if form is None:
            raise PermanentError(_GONE)
        if "session" in link.claims and (viewer is None or link.claims["session"] != _session_mark(request)):
            raise PermanentError(_SIGNED_OUT)
        person = await ask(self._people.person, link.claims["about"])
        skill = await ask(self._people.skill, link.claims["skill"])
        if person is None or skill is None:
            raise PermanentError(_GONE)
        question = form.question.format(name=person[1])
        return link, form, {
            "viewer": viewer, "employee": person[0], "name": person[1], "skill": skill, "question": question,
        }  # fmt: skip

    async def _store(
        self, request: Request, event: dict[str, Any], link: Link, context: dict[str, Any]
    ) -> Response:
        by = link.claims["by"] or f"viewer:{context['viewer']}"
        try:
            receipt = await self._intake.submit_events([admit_document(event)], f"form:{by}")
        except PermanentError as refused:
            if refused.problem.status != 409:
                raise
            known = True
        else:
            known = receipt.known[0]
        title = "This was answered before" if known else "Thank you"
        text = (
            "The first answer counts; this one changed nothing. Whoever sent the link can send a new one."
            if known
            else f"Your answer about “{context['skill']}” is stored."
        )
        return page(request, "answered.html", {"title": title, "text": text, "viewer": context["viewer"]})

    def _refused(self, request: Request, problem: Problem) -> Response:
        viewer = self.sessions.session_of(request)
        text = (
            f"{problem.detail[:1].upper()}{problem.detail[1:]}. {problem.fix[:1].upper()}{problem.fix[1:]}."
        )
        context = {"title": problem.title, "text": text, "viewer": viewer}
        return page(request, "answered.html", context, problem.status)

    def _time(self) -> str:
        moment = dt.datetime.fromtimestamp(self._now_ms() / 1000, tz=dt.UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _answer_of(request: Request) -> str:
    """Return the one answer in a posted form, "" when there is none; raises PermanentError 413."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise PermanentError(_TOO_LONG)
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10, keep_blank_values=True)
    return fields.get("answer", [""])[0]


def _session_mark(request: Request) -> str:
    secret = request.cookies.get(cookie_name(request), "")
    return sha256(b"form\x1f" + secret.encode()).hexdigest()[:32]


_GONE = Problem(
    code="link-invalid",
    status=404,
    title="This link does not work any more",
    detail="the person or the skill that it is about is no longer known here",
    where="link",
    rule="a form is about a person of the roster and a skill of the program map",
    fix="ask whoever sent it for a new one",
)
_SIGNED_OUT = Problem(
    code="form-session-ended",
    status=403,
    title="Sign in again",
    detail="this form belongs to somebody who has signed in, in the browser in which it was opened",
    where="session",
    rule="a form that was opened without a link is answered in the same session",
    fix="sign in and open it again from the page of the person",
)
_TOO_LONG = Problem(
    code="body-too-large",
    status=413,
    title="The answer is too long",
    detail="more was sent than the form asks for",
    where="body",
    rule=f"Limit BODY_BYTES_MAX = {BODY_BYTES_MAX}",
    fix="answer in the form itself",
)
