"""Adapter `slack`: a message to the person (bot token), or to one channel (bot token or incoming webhook).

Requests and answers as Slack documents them (docs.slack.dev): `chat.postMessage`, `users.lookupByEmail`,
"Sending messages using incoming webhooks", "Rate limits", "Block Kit". The Web API answers 200 with
`ok: false` and a word for what is wrong. What such a word means: about this message or this person it is
final; about our token it is tried again, since a revoked token must not send every waiting action to the
dead letters; about Slack itself it is tried again.

A message carries the action's id in its metadata (`event_payload.id`): Slack itself ignores no repeat.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    GoneError,
    PermanentError,
    Recipient,
    Secret,
    SettingError,
    ThrottledError,
    TransientError,
    answer_choices,
    delivery_problem,
    for_a_group,
    one_line,
)
from carrythrough_adapters.posting import THROTTLE_S_DEFAULT, Answer, Poster, check_url, failed

API = "https://slack.com/api"
EVENT_TYPE = "carrythrough_action"
HEADER_MAX = 150
"""Characters of a header block (Block Kit, Header block: 150)."""
SECTION_MAX = 3_000
"""Characters of the text of a section block (Block Kit, Section block: 3,000)."""
CONTEXT_MAX = 2_000
LINK_MAX = 3_000
"""Characters of the url of a button (Block Kit, Button element: 3,000)."""
PEOPLE_MAX = 50_000
"""Slack ids remembered, by e-mail; a lookup each time would meet its limit of 50 a minute (Tier 3)."""

_OURS = frozenset(
    {
        "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
        "no_permission", "not_allowed_token_type", "access_denied", "org_login_required", "ekm_access_denied",
        "team_access_not_granted", "two_factor_setup_required",
    }
)  # fmt: skip
"""What is wrong with our token or the workspace: a person mends it, and then every action is good."""
_THEIRS = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
_THROTTLED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


class SlackConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `slack`: a token, or the address of an incoming webhook."""

    token: Annotated[
        Secret,
        Meta(description="bot token (xoxb-…) with chat:write, and users:read.email to write to people"),
    ] = Secret("")
    channel: Annotated[
        str,
        Meta(
            max_length=80,
            description="id of a channel (C…) for every message; without, each goes to its person",
        ),
    ] = ""
    webhook: Annotated[
        Secret, Meta(description="address of an incoming webhook, in place of token and channel")
    ] = Secret("")
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="seconds for connecting, and for each wait for Slack")
    ] = 15.0
    api: Annotated[
        str, Meta(description="address of the Web API; another one for GovSlack or a gateway of your own")
    ] = API

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        if bool(self.token) == bool(self.webhook):
            raise SettingError(
                "", "`token` or `webhook` must be given, and not both", "give the bot token; see docs"
            )
        if self.webhook and self.channel:
            raise SettingError("channel", "is fixed by the webhook", "remove channel, or use a token")
        check_url("api", self.api, plain=False)
        if self.webhook:
            check_url("webhook", self.webhook.reveal(), plain=False)


class SlackAdapter:
    """Posts Block Kit messages."""

    def __init__(self, config: SlackConfig) -> None:
        self._config = config
        self._poster = Poster(config.webhook.reveal() or config.api, config.timeout_s)
        self._ids: dict[str, str] = {}

    def check(self) -> str:
        """Ask Slack who the token is (`auth.test`); of a webhook, whether the host answers."""
        if self._config.webhook:
            return self._poster.reach()
        said = self._call("auth.test", {})
        return one_line(f"signed in to {said.get('team', '?')} as {said.get('user', '?')}")

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Post the message; raises PermanentError where Slack knows nobody by the recipient's e-mail."""
        if self._config.webhook:
            return self._send_to_webhook(action, idempotency_key)
        channel = self._config.channel or self._person(recipient)
        # In a channel everybody could answer for the person: the links of the person are for them alone.
        sent = for_a_group(action) if self._config.channel else action
        message = {"channel": channel, "unfurl_links": False, **body(sent, idempotency_key)}
        said = self._call("chat.postMessage", message)
        return one_line(f"posted as {said.get('ts', '?')} in {said.get('channel', channel)}")

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def _send_to_webhook(self, action: ActionRequested, key: str) -> str:
        content = msgspec.json.encode(body(for_a_group(action), key))
        url = self._config.webhook.reveal()
        answer = self._poster.post(url, content, {"content-type": "application/json"})
        if not answer.ok:
            # 400, 403 and 404 are about the payload, the workspace's rules and the channel; 410 an archived
            # channel ("Improving error conditions for Incoming Webhooks"): the statuses mean what they say.
            self._poster.refuse(answer)
        return f"HTTP {answer.status} from {self._poster.origin}"

    def _person(self, recipient: Recipient | None) -> str:
        if recipient is None or not recipient.email:
            detail = "the roster has no e-mail for the recipient, by which Slack would know them"
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        known = self._ids.get(recipient.email)
        if known is None:
            said = self._call("users.lookupByEmail", {}, query={"email": recipient.email})
            known = str(said["user"]["id"])
            if len(self._ids) >= PEOPLE_MAX:
                self._ids.clear()
            self._ids[recipient.email] = known
        return known

    def _call(
        self, method: str, message: dict[str, Any], query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        url = f"{self._config.api}/{method}"
        headers = {
            "authorization": f"Bearer {self._config.token.reveal()}",
            "content-type": "application/json; charset=utf-8",
        }
        if query is not None:
            answer = self._poster.get(f"{url}?{urlencode(query)}", headers)
        else:
            answer = self._poster.post(url, msgspec.json.encode(message), headers)
        if not answer.ok:
            self._poster.refuse(answer)
        said = _read(answer)
        if said.get("ok") is not True:
            self._refuse(method, str(said.get("error", "no word")), answer)
        return said

    def _refuse(self, method: str, word: str, answer: Answer) -> NoReturn:
        """Raise what a word of the Web API means (each method's page, "Errors")."""
        detail = one_line(f"Slack refused {method}: {word}")
        if word in _THROTTLED:
            wait = answer.headers.get("retry-after", "")
            pause_s = (
                float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else THROTTLE_S_DEFAULT
            )
            raise ThrottledError(delivery_problem("delivery-throttled", detail), pause_s)
        if word in _OURS:
            problem = msgspec.structs.replace(
                failed(detail), fix="mend the token and its scopes in Slack's settings"
            )
            raise TransientError(problem)
        if word in _THEIRS:
            raise TransientError(failed(detail))
        if word == "users_not_found":
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        if word in ("is_archived", "channel_not_found", "not_in_channel") and self._config.channel:
            fix = "invite the bot to the channel (or name another one), then restart and replay the dead letters"
            raise GoneError(delivery_problem("receiver-gone", detail, fix=fix))
        raise PermanentError(delivery_problem("delivery-refused", detail))


def body(action: ActionRequested, key: str) -> dict[str, Any]:
    """Return the message: blocks, a plain text for notifications, and the id where programs look for it."""
    title = one_line(action.title, HEADER_MAX) or "A hint for your work"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}
    ]
    if action.body.strip():
        # plain_text: what comes from a program map must not be read as mrkdwn, where <!channel> calls everybody.
        text = action.body if len(action.body) <= SECTION_MAX else action.body[: SECTION_MAX - 1] + "…"
        blocks.append({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}})
    links = [("Open", action.link)] if action.link.startswith(("https://", "http://")) else []
    buttons = [
        {"type": "button", "text": {"type": "plain_text", "text": words}, "url": link}
        for words, link in (*links, *answer_choices(action))
        if len(link) <= LINK_MAX
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    if action.why:
        why = one_line(f"Why: {action.why}", CONTEXT_MAX)
        blocks.append({"type": "context", "elements": [{"type": "plain_text", "text": why, "emoji": False}]})
    return {
        "text": title,
        "blocks": blocks,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"id": key, "action": action.action}},
    }


def _read(answer: Answer) -> dict[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise TransientError(failed(f"an answer that is no JSON object: {answer.shown()}"))
    return found


SPEC = AdapterSpec(
    name="slack",
    kind="chat",
    summary="Writes to people or a channel in Slack.",
    stability="beta",
    config=SlackConfig,
    example={"token": "xoxb-0000000000-0000000000-EXAMPLE"},
    factory=SlackAdapter,
)
