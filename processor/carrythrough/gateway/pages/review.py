"""The review player: the due questions of one person and one skill, one after the other, with an answer to each.

It is reached by a signed link, for one person and the time of the action. Looking changes nothing. An answer is
an xAPI statement through the same intake as every other, whose id comes from the action and the question: sent
twice it is one answer, and a review that was left goes on where it stopped, on whatever device.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from carrythrough.errors import CarrythroughError, PermanentError, Problem
from carrythrough.gateway.answer_links import REVIEW
from carrythrough.gateway.pages.answers import (
    ELSEWHERE,
    AnswerPeople,
    Opened,
    opened_by,
    refused_page,
    said_page,
    values_of,
)
from carrythrough.gateway.pages.queries import ask
from carrythrough.gateway.pages.render import PRIVATE, SECURITY_HEADERS, page
from carrythrough.gateway.pages.signin import asked_by_our_page
from carrythrough.gateway.signed_links import SignedLinks
from carrythrough.ports import Intake
from carrythrough.program.items import Item
from carrythrough.xapi.admission import Limits, admit

_SESSIONS = uuid.UUID("5a4fbe32-6b3d-5a05-9c59-0e6f8f1d5c4e")
"""Namespace (RFC 9562, 5.5) of the ids of answers."""
WRITTEN_CHARACTERS_MAX = 300


class Asked(msgspec.Struct, frozen=True):
    """One question of a review. activity: its activity id. right: how it was answered, None while it was not."""

    item: Item
    activity: str
    right: bool | None


class ReviewDesk(Protocol):
    """What reviews ask of the shell; all of it blocks and is safe to call from any thread."""

    def sitting(self, subject: str, skill: str, at_ms: int, action: str) -> Sequence[Asked]:
        """Return the questions of a review that was due at a time, in their order, the same at every call."""
        ...

    def agent(self, subject: str) -> dict[str, Any] | None:
        """Return a person as an xAPI agent that the roster knows, None where it has no identifier of theirs."""
        ...

    def folded(self) -> None:
        """Wait until what was acknowledged counts, or for a moment."""
        ...


def statement_id(action: str, item: str) -> str:
    """Return the id of the one answer to a question in the review of an action."""
    return str(uuid.uuid5(_SESSIONS, f"{action}/{item}"))


class ReviewPages:
    """`/review/{token}`."""

    def __init__(
        self,
        people: AnswerPeople,
        intake: Intake,
        links: SignedLinks,
        desk: ReviewDesk,
        now_ms: Callable[[], int],
    ) -> None:
        self._people = people
        self._intake = intake
        self._links = links
        self._desk = desk
        self._now_ms = now_ms

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the player."""
        return [
            Route("/review/{token}", self.show, methods=["GET"]),
            Route("/review/{token}", self.submit, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Return the next question, or that there is none; changes nothing."""
        try:
            opened, asked = await self._opened(request)
        except CarrythroughError as refused:
            return refused_page(request, refused.problem)
        following = next((one for one in asked if one.right is None), None)
        if following is None:
            return _finished(request, opened, asked)
        return _question(request, opened, asked, following)

    async def submit(self, request: Request) -> Response:
        """Store the answer to a question, and say how it was."""
        try:
            if not asked_by_our_page(request):
                raise PermanentError(ELSEWHERE)
            opened, asked = await self._opened(request)
            fields = await values_of(request)
            one = next((a for a in asked if [a.item.id] == fields.get("item", [])[:1]), None)
            if one is None or one.right is not None:
                return RedirectResponse(request.url.path, 303, headers=SECURITY_HEADERS | PRIVATE)
            given = _given(one.item, fields.get("answer", []))
            if not given:
                return _question(request, opened, asked, one, fault=True)
            if not await self._store(opened, one, given):
                return RedirectResponse(request.url.path, 303, headers=SECURITY_HEADERS | PRIVATE)
        except CarrythroughError as refused:
            return refused_page(request, refused.problem)
        context = _context(opened, asked, one) | {"given": given, "right": one.item.is_right(given)}
        return page(request, "reviewed.html", context)

    async def _opened(self, request: Request) -> tuple[Opened, Sequence[Asked]]:
        link = self._links.read(REVIEW, request.path_params["token"])
        opened = await opened_by(self._people, link)
        claims = link.claims
        asked = await ask(
            self._desk.sitting, claims["by"], claims["skill"], int(claims["at"]), claims["action"]
        )
        return opened, asked

    async def _store(self, opened: Opened, one: Asked, given: tuple[str, ...]) -> bool:
        """Store an answer durably; say whether it is the first."""
        agent = await ask(self._desk.agent, opened.reader.subject)
        if agent is None:
            raise PermanentError(_UNKNOWN)
        moment = dt.datetime.fromtimestamp(self._now_ms() / 1000, tz=dt.UTC)
        statement = _statement(opened, one, given) | {
            "actor": agent,
            "timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        admitted = admit(msgspec.json.encode(statement), Limits(), "1.0.3")
        try:
            receipt = await self._intake.submit_statements(admitted, f"review:{opened.reader.subject}")
        except PermanentError as refused:
            if refused.problem.status != 409:
                raise
            return False
        await ask(self._desk.folded)
        return not receipt.known[0]


def _given(item: Item, values: list[str]) -> tuple[str, ...]:
    """Return what was answered, () for nothing that can be an answer."""
    if item.choices:
        return tuple(choice for choice in item.choices if choice in values)
    text = " ".join(values[0].split())[:WRITTEN_CHARACTERS_MAX] if values else ""
    return (text,) if text else ()


def _statement(opened: Opened, one: Asked, given: tuple[str, ...]) -> dict[str, Any]:
    """Return the statement of an answer (xAPI 1.0.3, Data 2.4.4.1: interaction activities), without its actor."""
    item, lang = one.item, opened.words["lang"]
    right = item.is_right(given)
    definition: dict[str, Any] = {
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "name": {"und": item.question[:200]},
        "description": {"und": item.question},
    }
    if item.choices:
        number = {choice: f"c{n}" for n, choice in enumerate(item.choices, 1)}
        definition["interactionType"] = "choice"
        definition["choices"] = [{"id": number[c], "description": {"und": c}} for c in item.choices]
        definition["correctResponsesPattern"] = [
            "[,]".join(number[c] for c in item.choices if c in item.right)
        ]
        response = "[,]".join(number[c] for c in given)
    else:
        definition["interactionType"] = "fill-in"
        definition["correctResponsesPattern"] = list(item.right)
        response = given[0]
    return {
        "id": statement_id(opened.link.claims["action"], item.id),
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
        "object": {"id": one.activity, "definition": definition},
        "result": {"success": right, "score": {"scaled": 1.0 if right else 0.0}, "response": response},
        "context": {"platform": "Carrythrough review", "language": lang},
    }


def _context(opened: Opened, asked: Sequence[Asked], one: Asked) -> dict[str, Any]:
    return {
        "w": opened.words, "skill": opened.skill, "viewer": None, "one": one.item, "count": len(asked),
        "number": asked.index(one) + 1, "several": len(one.item.right) > 1, "characters": WRITTEN_CHARACTERS_MAX,
    }  # fmt: skip


def _question(
    request: Request, opened: Opened, asked: Sequence[Asked], one: Asked, *, fault: bool = False
) -> Response:
    context = _context(opened, asked, one) | {"fault": fault}
    return page(request, "review.html", context, 422 if fault else 200)


def _finished(request: Request, opened: Opened, asked: Sequence[Asked]) -> Response:
    w = opened.words
    if not asked:
        return said_page(request, w, w["nothing_due"], w["nothing_due_text"])
    text = w["finished_text"].format(count=len(asked), right=sum(one.right is True for one in asked))
    return said_page(request, w, w["finished"], text)


_UNKNOWN = Problem(
    code="review-nobody",
    status=409,
    title="The answer could not be stored",
    detail="the roster has no e-mail and no identifier of this person under which answers are stored",
    where="actor",
    rule="an xAPI statement names its actor by one identifier",
    fix="ask whoever sent the link",
)
