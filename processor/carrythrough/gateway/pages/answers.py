"""The small pages behind the links of a message: what became of an action, and no more of these.

Looking at a page changes nothing, since programs that scan mail look at every link; a link may only bring an
answer that is chosen already, and one button sends it. Whom an answer is from and to which action it is stands
in what was signed, so a link cannot be turned to anybody else, and the first answer to an action counts.
Opting out also works by the bare POST that mail programs send for their own button (RFC 8058, section 3.2).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from carrythrough.errors import CarrythroughError, PermanentError, Problem
from carrythrough.events.admission import admit_document
from carrythrough.events.replies import TEXT_CHARACTERS_MAX
from carrythrough.events.types import OWN_SOURCES
from carrythrough.gateway.answer_links import ANSWER, UNSUBSCRIBE
from carrythrough.gateway.pages.answer_words import Words, words_for
from carrythrough.gateway.pages.queries import ask
from carrythrough.gateway.pages.render import page
from carrythrough.gateway.pages.signin import asked_by_our_page
from carrythrough.gateway.signed_links import Link, SignedLinks
from carrythrough.ports import Intake

SOURCE = OWN_SOURCES + "answers"
"""Source of every event that an answer gives."""
BODY_BYTES_MAX = 16_384
"""The longest answer: a text of TEXT_CHARACTERS_MAX characters, each percent-encoded from four bytes."""
SCALE_MAX = 4
"""How applying it went, 0 to SCALE_MAX."""


class Reader(msgspec.Struct, frozen=True):
    """Who reads a page. subject: pseudonym. employee: roster id. locale: language tag."""

    subject: str
    employee: str
    locale: str


class AnswerPeople(Protocol):
    """What answers ask about people and skills; safe to call from any thread."""

    def reader(self, subject: str) -> Reader | None:
        """Return who is behind a pseudonym, None when the roster does not know them."""
        ...

    def skill(self, skill: str) -> str | None:
        """Return the name of a skill, None when the program map does not have it."""
        ...


class Opened(msgspec.Struct, frozen=True):
    """A link that was read: who reads it, in which words, and the name of the skill."""

    link: Link
    reader: Reader
    words: Words
    skill: str


class AnswerPages:
    """`/answer/{token}` and `/unsubscribe/{token}`."""

    def __init__(
        self, people: AnswerPeople, intake: Intake, links: SignedLinks, now_ms: Callable[[], int]
    ) -> None:
        self._people = people
        self._intake = intake
        self._links = links
        self._now_ms = now_ms

    def routes(self) -> list[BaseRoute]:
        """Return the routes of both pages."""
        return [
            Route("/answer/{token}", self.show, methods=["GET"]),
            Route("/answer/{token}", self.submit, methods=["POST"]),
            Route("/unsubscribe/{token}", self.show_stop, methods=["GET"]),
            Route("/unsubscribe/{token}", self.stop, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Return the page of an answer link, with the answer of `?a=` chosen; changes nothing."""
        try:
            opened = await self._opened(request, ANSWER)
        except PermanentError as refused:
            return refused_page(request, refused.problem)
        return _form(request, opened, request.query_params.get("a", ""))

    async def submit(self, request: Request) -> Response:
        """Store the answer to an action, once."""
        try:
            if not asked_by_our_page(request):
                raise PermanentError(ELSEWHERE)
            opened = await self._opened(request, ANSWER)
            fields = await fields_of(request)
            event = self._event(opened, fields, await self._about(opened))
            if event is None:
                return _form(request, opened, fields.get("answer", ""), fault=True)
            known = await self._store(event, opened)
        except CarrythroughError as refused:
            return refused_page(request, refused.problem)
        w = opened.words
        title = w["again"] if known else w["thanks"]
        text = w["again_text"] if known else w["stored"].format(skill=opened.skill)
        return said_page(request, w, title, text)

    async def show_stop(self, request: Request) -> Response:
        """Return the page that asks for one more click before opting somebody out; changes nothing."""
        try:
            opened = await self._opened(request, UNSUBSCRIBE)
        except PermanentError as refused:
            return refused_page(request, refused.problem)
        return page(
            request, "stop.html", {"w": opened.words, "topic": opened.link.claims["topic"], "viewer": None}
        )

    async def stop(self, request: Request) -> Response:
        """Opt somebody out; by our page, or by the one-click POST of a mail program, which has no page."""
        try:
            opened = await self._opened(request, UNSUBSCRIBE)
            topic = opened.link.claims["topic"]
            reply = {"action": opened.link.claims["action"], "answer": "unsubscribe", "topic": topic}
            await self._store(self._document(opened, reply), opened)
        except CarrythroughError as refused:
            return refused_page(request, refused.problem)
        w = opened.words
        return said_page(request, w, w["stopped"], w["stopped_text"].format(topic=topic))

    async def _opened(self, request: Request, purpose: str) -> Opened:
        """Return what a link opens; raises PermanentError for one that is forged, over, or about nobody."""
        link = self._links.read(purpose, request.path_params["token"])
        return await opened_by(self._people, link)

    async def _about(self, opened: Opened) -> str:
        """Return the roster id of whom an action was about where that is not who answers, else ""."""
        subject = opened.link.claims.get("about", "")
        if not subject:
            return ""
        about = await ask(self._people.reader, subject)
        if about is None:
            raise PermanentError(_GONE)
        employee: str = about.employee
        return employee

    def _event(self, opened: Opened, fields: dict[str, str], about: str) -> dict[str, Any] | None:
        """Return the event of a posted form, None for one that has no answer of ours."""
        answer, claims = fields.get("answer", ""), opened.link.claims
        if answer not in opened.words["answers"]:
            return None
        reply: dict[str, Any] = {"action": claims["action"], "answer": answer, "rule": claims["rule"]}
        if about:
            reply["about"] = about
        if text := fields.get("text", "").replace("\r\n", "\n").strip()[:TEXT_CHARACTERS_MAX]:
            reply["text"] = text
        event = self._document(opened, reply)
        if answer == "not-now":
            days = fields.get("days", "7")
            reply["days"] = int(days) if days in map(str, opened.words["day_choices"]) else 7
        went = fields.get("went", "")
        if answer == "applied" and went in map(str, range(SCALE_MAX + 1)):
            event["outcome"] = {"score": int(went) / SCALE_MAX}
        return event

    def _document(self, opened: Opened, reply: dict[str, Any]) -> dict[str, Any]:
        moment = dt.datetime.fromtimestamp(self._now_ms() / 1000, tz=dt.UTC)
        # What is disagreed with is looked at by a person; it does not take the place of an answer.
        apart = reply["answer"] if reply["answer"] in ("disagree", "unsubscribe") else "answer"
        return {
            "id": f"{opened.link.id}/{apart}", "source": SOURCE, "kind": "action-answer",
            "employee": opened.reader.employee, "skill": opened.link.claims["skill"], "reply": reply,
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }  # fmt: skip

    async def _store(self, event: dict[str, Any], opened: Opened) -> bool:
        """Store an event durably; say whether this was answered before."""
        try:
            receipt = await self._intake.submit_events(
                [admit_document(event)], f"answer:{opened.reader.subject}"
            )
        except PermanentError as refused:
            if refused.problem.status != 409:
                raise
            return True
        return bool(receipt.known[0])


async def opened_by(people: AnswerPeople, link: Link) -> Opened:
    """Return what a read link opens; raises PermanentError "link-invalid" where person or skill are gone."""
    reader = await ask(people.reader, link.claims["by"])
    skill = await ask(people.skill, link.claims["skill"])
    if reader is None or skill is None:
        raise PermanentError(_GONE)
    return Opened(link, reader, words_for(reader.locale), skill)


async def values_of(request: Request) -> dict[str, list[str]]:
    """Return the values of each field in a posted form; raises PermanentError 413."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise PermanentError(_TOO_LONG)
    try:
        found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20, keep_blank_values=True)
    except ValueError:
        raise PermanentError(_TOO_LONG) from None
    return {name: [_clean(value) for value in values] for name, values in found.items()}


async def fields_of(request: Request) -> dict[str, str]:
    """Return the first value of each field in a posted form; raises PermanentError 413."""
    return {name: values[0] for name, values in (await values_of(request)).items()}


def _clean(text: str) -> str:
    return "".join(c for c in text if c == "\n" or c.isprintable())


def said_page(request: Request, words: Words, title: str, text: str, status: int = 200) -> Response:
    """Return a page that says one thing."""
    return page(request, "said.html", {"w": words, "title": title, "text": text, "viewer": None}, status)


def refused_page(request: Request, problem: Problem) -> Response:
    """Return the page of a link or an answer that was refused; nothing was stored."""
    text = f"{problem.detail[:1].upper()}{problem.detail[1:]}. {problem.fix[:1].upper()}{problem.fix[1:]}."
    return said_page(request, words_for("en"), problem.title, text, problem.status)


def _form(request: Request, opened: Opened, chosen: str, *, fault: bool = False) -> Response:
    context = {
        "w": opened.words, "skill": opened.skill, "chosen": chosen if chosen in opened.words["answers"] else "",
        "fault": fault, "characters": TEXT_CHARACTERS_MAX, "viewer": None, "action": request.url.path,
    }  # fmt: skip
    return page(request, "answer.html", context, 422 if fault else 200)


_GONE = Problem(
    code="link-invalid",
    status=404,
    title="This link does not work any more",
    detail="the person or the skill that it is about is no longer known here",
    where="link",
    rule="an answer is from a person of the roster about a skill of the program map",
    fix="ask whoever sent it",
)
ELSEWHERE = Problem(
    code="answer-elsewhere",
    status=403,
    title="Not stored",
    detail="this answer did not come from the page of the link itself",
    where="origin",
    rule="an answer is sent by the page that its link opens",
    fix="open the link again and answer there",
)
_TOO_LONG = Problem(
    code="body-too-large",
    status=413,
    title="The answer is too long",
    detail="more was sent than the page asks for",
    where="body",
    rule=f"Limit BODY_BYTES_MAX = {BODY_BYTES_MAX}",
    fix="answer on the page itself",
)
