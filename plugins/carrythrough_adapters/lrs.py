"""Adapter `lrs`: each action as a statement in a Learning Record Store, for a system that acts on what it reads there.

The statement follows our xAPI profile (schemas/xapi-profile.jsonld, template `was-sent`) and is made with
`tincan`. It is stored by PUT under an id made from the idempotency key (xAPI 1.0.3, Part 3, 2.1.1; IEEE 9274.1.1,
4.1.6.1), so that a repeat is the same statement: 204. A 409 says that another statement has that id: it is
read, and where it is about this very action (written under other settings) the action counts as delivered.
What is wrong with our credential is tried again; what a status means otherwise: `posting`.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID, uuid5

import httpx
import msgspec
from msgspec import Meta

from carrythrough.plugin import (
    ActionRequested,
    AdapterSpec,
    PermanentError,
    Recipient,
    Secret,
    SettingError,
    TransientError,
    delivery_problem,
    one_line,
)
from carrythrough_adapters.email_config import mail_address
from carrythrough_adapters.posting import Answer, Poster, check_url, failed

NAMESPACE = UUID("0c8f7c1a-53de-5f7b-8a0e-6b3f5a9d2e71")
"""Of the ids of these statements (RFC 9562, 5.5); never change it: a store would count everything twice."""
PROFILE = "urn:carrythrough:xapi-profile"
WAS_SENT = f"{PROFILE}:verb:was-sent"
ACTION = f"{PROFILE}:activity-type:action"
SKILL = f"{PROFILE}:activity-type:skill"
ACTION_EXTENSION = f"{PROFILE}:context-extension:action"
PROFILE_TYPE = "http://adlnet.gov/expapi/activities/profile"
NEVER_STORED = "00000000-0000-5000-8000-000000000000"
"""The id that `check` asks for: 404 says that the credential may read and nothing else."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LrsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `lrs`."""

    endpoint: Annotated[
        str, Meta(description="address of the store up to and without /statements, with https")
    ]
    user: Annotated[str, Meta(min_length=1, description="user name or key for HTTP Basic")]
    password: Annotated[Secret, Meta(description="password or secret for HTTP Basic")]
    home: Annotated[
        str, Meta(description="address of this installation: the home page of the accounts of pseudonyms")
    ]
    identified: Annotated[
        bool, Meta(description="name people by e-mail and name as the roster has them; off: by pseudonym")
    ] = False
    tenant: Annotated[
        str, Meta(min_length=1, max_length=100, description="name of the organisation, in the ids of skills")
    ] = "default"
    version: Annotated[Literal["1.0.3", "2.0.0"], Meta(description="version of xAPI to speak")] = "1.0.3"
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="seconds for connecting, and for each wait for the store")
    ] = 20.0
    ca_file: Annotated[
        str, Meta(description="PEM file with the authority that signed the store's certificate, if private")
    ] = ""

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        check_url("endpoint", self.endpoint, plain=False)
        if ":" in self.user or not self.user.isprintable():
            raise SettingError("user", "must be printable and hold no colon (RFC 7617, 2)")
        if not self.password:
            raise SettingError("password", "is empty")
        if urlsplit(self.home).scheme not in ("http", "https") or not urlsplit(self.home).netloc:
            raise SettingError("home", "must be an address", 'write "https://carrythrough.example.com"')


class LrsAdapter:
    """Writes to one store."""

    def __init__(self, config: LrsConfig) -> None:
        self._config = config
        self._poster = Poster(config.endpoint, config.timeout_s, config.ca_file)
        pair = f"{config.user}:{config.password.reveal()}".encode()
        self._basic = Secret(base64.b64encode(pair).decode())

    def check(self) -> str:
        """Ask the store for a statement that nobody wrote, by which it shows whether it knows us."""
        answer = self._poster.get(self._where(NEVER_STORED), self._headers())
        if answer.status == httpx.codes.UNAUTHORIZED:
            self._refuse(answer)
        if answer.status == httpx.codes.FORBIDDEN:
            return f"{self._poster.origin} answers {self._config.user}, who may not read there"
        if answer.status != httpx.codes.NOT_FOUND:
            raise TransientError(
                failed(f"{self._poster.origin} answered HTTP {answer.status} as no store does")
            )
        return one_line(f"signed in to {self._poster.origin} as {self._config.user}")

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Store the statement; raises PermanentError where people are to be named and the roster cannot."""
        id_ = str(uuid5(NAMESPACE, idempotency_key))
        content = statement(action, self._actor(action, recipient), self._config.tenant, id_)
        answer = self._poster.ask("PUT", self._where(id_), self._headers(), content)
        if answer.status == httpx.codes.CONFLICT:
            self._compare(id_, action)
            return f"{self._poster.origin} has statement {id_} already"
        if not answer.ok:
            self._refuse(answer)
        return f"{self._poster.origin} stored statement {id_}"

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def _actor(self, action: ActionRequested, recipient: Recipient | None) -> dict[str, Any]:
        if not self._config.identified:
            return {"account": {"home_page": self._config.home, "name": action.recipient}}
        if recipient is None or mail_address("", recipient.email) is None:
            detail = "the roster has no e-mail for the recipient, by which the statement would name them"
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        named = {"name": one_line(recipient.name)} if one_line(recipient.name) else {}
        return {**named, "mbox": f"mailto:{recipient.email}"}

    def _compare(self, id_: str, action: ActionRequested) -> None:
        """Return when the statement that the store has is about this action; raises PermanentError if not."""
        answer = self._poster.get(self._where(id_), self._headers())
        if not answer.ok:
            self._refuse(answer)
        found = answer.json()
        for member in ("context", "extensions", ACTION_EXTENSION, "action"):
            found = found.get(member) if isinstance(found, dict) else None
        if found != action.id:
            detail = f"the store has another statement by the id {id_}"
            raise PermanentError(delivery_problem("delivery-refused", detail))

    def _where(self, id_: str) -> str:
        return f"{self._config.endpoint.rstrip('/')}/statements?{urlencode({'statementId': id_})}"

    def _headers(self) -> dict[str, str]:
        return {
            "authorization": f"Basic {self._basic.reveal()}",
            "content-type": "application/json",
            "x-experience-api-version": self._config.version,
        }

    def _refuse(self, answer: Answer) -> NoReturn:
        if answer.status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            problem = failed(f"{self._poster.origin} answered HTTP {answer.status}")
            fix = "mend the credential, and let it write statements"
            raise TransientError(msgspec.structs.replace(problem, fix=fix))
        # Name and password together in base64 are no setting: nobody else would take them out of an echo.
        self._poster.refuse(answer, answer.shown(self._basic.reveal()))


def statement(action: ActionRequested, actor: dict[str, Any], tenant: str, id_: str) -> bytes:
    """Return the statement in JSON: the same bytes for the same action. actor: as tincan names its members."""
    import tincan  # noqa: PLC0415 - a server without this adapter needs none of it

    skill = f"urn:carrythrough:skill:{quote(tenant, safe='')}:{quote(action.skill, safe='')}"
    kind = f"urn:carrythrough:action:{quote(action.action, safe='')}"
    said = {"kind": action.action, "rule": action.rule, "to": action.to, "action": action.id}

    def activity(iri: str, type_: str, name: str) -> Any:
        names = {"name": tincan.LanguageMap({"en": name})} if name else {}
        return tincan.Activity(id=iri, definition=tincan.ActivityDefinition(type=type_, **names))

    activities = tincan.ContextActivities(
        category=[activity(f"{PROFILE}:v1", PROFILE_TYPE, "")],
        other=[activity(skill, SKILL, one_line(action.skill_name or action.skill))],
    )
    made = tincan.Statement(
        id=id_,
        actor=tincan.Agent(actor),
        verb=tincan.Verb(id=WAS_SENT, display=tincan.LanguageMap({"en": "was sent"})),
        object=activity(kind, ACTION, action.action.replace("-", " ")),
        context=tincan.Context(
            platform="Carrythrough",
            context_activities=activities,
            extensions=tincan.Extensions({ACTION_EXTENSION: said}),
        ),
        timestamp=_EPOCH + timedelta(milliseconds=action.as_of_ms),
    )
    members = msgspec.json.decode(made.to_json(tincan.Version.latest))
    # Without a version the statement is good for a store of either version (xAPI 1.0.3, Part 2, 2.4.10).
    members.pop("version", None)
    return msgspec.json.encode(members, order="sorted")


SPEC = AdapterSpec(
    name="lrs",
    kind="xapi",
    summary="Writes each action to a Learning Record Store as a statement.",
    stability="beta",
    config=LrsConfig,
    example={
        "endpoint": "https://lrs.example.com/xapi",
        "user": "carrythrough",
        "password": "pass-word-of-the-store",
        "home": "https://carrythrough.example.com",
    },
    factory=LrsAdapter,
)
