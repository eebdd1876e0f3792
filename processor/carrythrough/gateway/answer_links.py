"""The links that an action gets just before it leaves: where its recipient answers, learns, or asks for no more.

They are signed, so they are in no log and no outbox; each is for one purpose, one person and one action, and
ends with the action (the one to opt out some weeks later, since mail is read late). The same action gets the
same links at every try, so that what a receiver sees twice is the same.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from carrythrough.gateway.badges.book import BADGE
from carrythrough.gateway.pages.forms import PURPOSE as FORM
from carrythrough.gateway.signed_links import Link, SignedLinks
from carrythrough.pipeline.effects import ActionRequested

ANSWER = "answer"
UNSUBSCRIBE = "unsubscribe"
REVIEW = "review"
UNSUBSCRIBE_LIFE_S = 60 * 24 * 3600
"""How long after the decision somebody can opt out by a link: beyond the 30 days that mail laws ask for."""


class AnswerLinks:
    """Puts links on actions; safe to call from any thread."""

    def __init__(self, links: SignedLinks, public_url: str, has_items: Callable[[str], bool]) -> None:
        """public_url: address under which people reach this server. has_items: whether a skill has questions."""
        self._links = links
        self._base = public_url.rstrip("/")
        self._has_items = has_items

    def dressed(self, action: ActionRequested, adapter: str) -> ActionRequested:
        """Return the action as `adapter` sends it."""
        claims = {"action": action.id, "by": action.recipient, "skill": action.skill, "rule": action.rule}
        if action.subject != action.recipient:
            claims["about"] = action.subject
        ends_s = action.expires_ms // 1000
        # An owner who hears of a module is asked nothing about themselves.
        answer = "" if action.to == "owner" else self._url(ANSWER, Link(action.id, claims, ends_s))
        stop = {"action": action.id, "by": action.recipient, "skill": action.skill, "topic": adapter}
        stop_s = action.as_of_ms // 1000 + UNSUBSCRIBE_LIFE_S
        unsubscribe = self._url(UNSUBSCRIBE, Link(f"{action.id}/{adapter}", stop, stop_s))
        link = action.link
        if not link and action.action == "spaced-review" and self._has_items(action.skill):
            due = claims | {"at": str(action.as_of_ms)}
            link = self._url(REVIEW, Link(action.id, due, ends_s))
        if not link and action.action == "feedback-request":
            link = f"{self._base}/forms/{self._links.sign(FORM, Link(action.id, _form(action), ends_s))}"
        if not link and action.action == "recognition" and action.to == "employee":
            link = self._url(BADGE, Link(f"{action.id}/badge", claims, stop_s))
        return msgspec.structs.replace(action, answer_link=answer, unsubscribe_link=unsubscribe, link=link)

    def _url(self, purpose: str, link: Link) -> str:
        return f"{self._base}/{purpose}/{self._links.sign(purpose, link)}"


def _form(action: ActionRequested) -> dict[str, str]:
    """Return the claims of the form in which feedback is given (`gateway.pages.form_links`)."""
    form = "manager-observation" if action.to == "manager" else "peer-observation"
    return {"form": form, "about": action.subject, "by": action.recipient, "skill": action.skill}


def public_address(public_url: str, authority_home: str) -> str:
    """Return the address that links begin with: the setting, else the home page of the authority."""
    home = authority_home if authority_home.startswith(("https://", "http://")) else "http://localhost:8080"
    return public_url or home
