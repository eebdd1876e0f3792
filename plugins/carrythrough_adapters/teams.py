"""Adapter `teams`: an Adaptive Card to a workflow of Microsoft Teams ("When a Teams webhook request is received").

Request and answer as Microsoft documents them (learn.microsoft.com: "Create incoming webhooks with
Workflows for Microsoft Teams", "Send Adaptive Cards", "Rate limiting for connectors"): an envelope of type
`message` with one attachment; at most 28 KB; a workflow answers 202. What a status means: `posting`.

A workflow posts where its owner set it up to post. To let it write to the person, switch `include_contact`
on: the envelope then carries the address in `carrythrough.email`, which the workflow can use.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Recipient,
    Secret,
    answer_choices,
    delivery_problem,
    for_a_group,
    one_line,
)
from carrythrough_adapters.posting import Poster, check_url

BYTES_MAX = 28_000
"""Of a message ("Create and send messages", size limit 28 KB)."""
TITLE_MAX = 200
TEXT_MAX = 5_000
"""Characters of the body that are sent: some of them take four bytes, and the envelope needs room too."""
CARD = "application/vnd.microsoft.card.adaptive"


class TeamsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `teams`."""

    url: Annotated[
        Secret, Meta(description="address that the workflow shows; who knows it can post, so a secret")
    ]
    mention: Annotated[
        bool, Meta(description="mention the recipient in the card, by their e-mail (Teams notifies them)")
    ] = False
    include_contact: Annotated[
        bool,
        Meta(description="send name and e-mail of the recipient, so that the workflow can write to them"),
    ] = False
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="seconds for connecting, and for each wait for the workflow")
    ] = 20.0

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        check_url("url", self.url.reveal(), plain=False)


class TeamsAdapter:
    """Posts Adaptive Cards to one workflow."""

    def __init__(self, config: TeamsConfig) -> None:
        self._config = config
        self._poster = Poster(config.url.reveal(), config.timeout_s)

    def check(self) -> str:
        """Say whether the host answers; a workflow cannot be asked without starting it."""
        return self._poster.reach()

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Post the card; raises PermanentError where a mention is wanted and the roster has no e-mail."""
        if self._config.mention and (recipient is None or not recipient.email):
            detail = "the roster has no e-mail for the recipient, by which Teams would mention them"
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        content = msgspec.json.encode(self._envelope(action, recipient, idempotency_key))
        if len(content) > BYTES_MAX:
            detail = f"the message has {len(content)} bytes, and Teams takes {BYTES_MAX}"
            raise PermanentError(
                delivery_problem("delivery-refused", detail, fix="shorten the body in the map")
            )
        answer = self._poster.post(self._config.url.reveal(), content, {"content-type": "application/json"})
        if not answer.ok:
            self._poster.refuse(answer)
        return f"HTTP {answer.status} from {self._poster.origin}"

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def _envelope(self, action: ActionRequested, recipient: Recipient | None, key: str) -> dict[str, Any]:
        mentioned = recipient if self._config.mention else None
        about: dict[str, str] = {"id": key, "action": action.action, "skill": action.skill}
        if self._config.include_contact and recipient is not None:
            about |= {"name": recipient.name, "email": recipient.email}
        # Without the contact a workflow cannot write to the person, so it posts where others read.
        shown = action if self._config.include_contact else for_a_group(action)
        attachment = {"contentType": CARD, "contentUrl": None, "content": card(shown, mentioned)}
        return {"type": "message", "attachments": [attachment], "carrythrough": about}


def card(action: ActionRequested, mentioned: Recipient | None) -> dict[str, Any]:
    """Return the Adaptive Card (schema 1.4, the newest that Teams shows everywhere)."""
    blocks = [
        _text(one_line(action.title, TITLE_MAX) or "A hint for your work", size="medium", weight="bolder")
    ]
    entities = []
    if mentioned is not None:
        name = _plain(one_line(mentioned.name, TITLE_MAX)) or mentioned.email
        blocks.append(_text(f"<at>{name}</at>"))
        person = {"id": mentioned.email, "name": name}
        entities.append({"type": "mention", "text": f"<at>{name}</at>", "mentioned": person})
    if action.body.strip():
        blocks.append(_text(_plain(action.body[:TEXT_MAX])))
    if action.why:
        blocks.append(_text(_plain(one_line(f"Why: {action.why}", TITLE_MAX)), size="small", isSubtle=True))
    made: dict[str, Any] = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": blocks,
        "msteams": {"width": "Full", "entities": entities},
    }
    links = [("Open", action.link)] if action.link.startswith(("https://", "http://")) else []
    # Six actions are what a card shows ("Designing Adaptive Cards"): one to open and five answers.
    offered = [
        {"type": "Action.OpenUrl", "title": words, "url": link}
        for words, link in (*links, *answer_choices(action))
    ]
    if offered:
        made["actions"] = offered
    return made


def _text(text: str, **more: object) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def _plain(text: str) -> str:
    """Return text that a card shows as it is: no markup of Markdown, and no mention but ours."""
    for mark in "\\`*_[]#":
        text = text.replace(mark, "\\" + mark)
    return text.replace("<", "‹").replace(">", "›")


SPEC = AdapterSpec(
    name="teams",
    kind="chat",
    summary="Posts an Adaptive Card to a workflow of Microsoft Teams.",
    stability="beta",
    config=TeamsConfig,
    example={
        "url": "https://prod-00.westeurope.logic.azure.com/workflows/EXAMPLE/triggers/manual/paths/invoke"
    },
    factory=TeamsAdapter,
)
