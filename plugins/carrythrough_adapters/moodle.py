"""Adapter `moodle`: enrols the person into a course of a Moodle site, writes to them there, or both.

Requests and answers as Moodle documents them (docs.moodle.org: "Using web services", "Creating a web service
client"; moodledev.io: "External Services", "Writing a client"; the API documentation of a site: the functions
below). The REST server answers 200 with {"exception", "errorcode", "message"} for what is wrong. What such a
code means: about this person or this course it is final; about our token and the site's settings it is tried
again, since a token that lapsed must not send every waiting action to the dead letters; about the site being
down for a while it is tried again.

Enrolling somebody who is enrolled changes nothing, so a repeat is harmless. A message carries the action's id
as its `clientmsgid`: Moodle itself ignores no repeat, so the message goes out last, after everything that can
still fail.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, NoReturn
from urllib.parse import parse_qs, urlencode

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
from carrythrough_adapters.posting import Poster, check_url, failed
from carrythrough_adapters.site_links import within

ENDPOINT = "/webservice/rest/server.php"
FIND, ENROL, WRITE = (
    "core_user_get_users_by_field",
    "enrol_manual_enrol_users",
    "core_message_send_instant_messages",
)
WHO_AM_I = "core_webservice_get_site_info"
TEXT_BYTES_MAX = 4_096
"""Bytes of a message (`core_message\\api::MESSAGE_MAX_LENGTH`; longer ones are refused)."""
FORMAT_PLAIN = "2"
"""`textformat` of plain text ("External functions", text formats): what a map says is never markup."""
STUDENT_ROLE = 5
"""Id of the role Student in a site whose roles nobody changed."""

_COURSE_ID = re.compile(r"[1-9][0-9]{0,17}")

_OURS = frozenset(
    {
        "invalidtoken", "accessexception", "servicenotavailable", "enablewsdescription", "nopermissions",
        "disabled", "manualpluginnotinstalled", "sitepolicynotagreed", "forcepasswordchangenotice",
        "usernotfullysetup", "requireloginerror",
    }
)  # fmt: skip
"""What is wrong with our token or the site's settings: a person mends it, and then every action is good."""
_THEIRS = frozenset(
    {
        "sitemaintenance", "upgraderunning", "dmlreadexception", "dmlwriteexception", "dbconnectionfailed",
        "dmltransactionexception", "locktimeout", "ex_unabletolock",
    }
)  # fmt: skip
_ONE_COURSE = frozenset({"nopermissions", "requireloginerror"})
"""Of `_OURS`: when enrolling they speak of one course, and the other courses may be good."""


class MoodleConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `moodle`."""

    url: Annotated[str, Meta(description="address of the site, such as https://moodle.example.com")]
    token: Annotated[
        Secret, Meta(description="token of the external service, of a user that may enrol and write")
    ]
    enrol: Annotated[
        bool, Meta(description="enrol the recipient into the course of the action (see `courses`)")
    ] = True
    message: Annotated[bool, Meta(description="write the action to the recipient as a message")] = False
    courses: Annotated[
        dict[str, Annotated[int, Meta(ge=1)]],
        Meta(
            description="id of the course by skill; a link of the action to a course of the site goes before"
        ),
    ] = {}
    role: Annotated[
        int, Meta(ge=1, description="id of the role to enrol with (Site administration, Define roles)")
    ] = STUDENT_ROLE
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="seconds for connecting, and for each wait for Moodle")
    ] = 20.0
    ca_file: Annotated[
        str, Meta(description="PEM file with the authority that signed the site's certificate, if private")
    ] = ""

    @property
    def site(self) -> str:
        """The address without a slash at its end."""
        return self.url.rstrip("/")

    def __post_init__(self) -> None:
        """Check what types cannot say; raises SettingError."""
        check_url("url", self.url, plain=False)
        if not self.token:
            raise SettingError("token", "is empty", "make one under Site administration, Manage tokens")
        if not self.enrol and not self.message:
            raise SettingError("enrol", "and `message` are both off: nothing would be done")
        if self.courses and not self.enrol:
            raise SettingError("courses", "needs `enrol`", "switch enrol on, or remove courses")


class MoodleAdapter:
    """Calls the web services of one site."""

    def __init__(self, config: MoodleConfig) -> None:
        self._config = config
        self._poster = Poster(config.url, config.timeout_s, config.ca_file)

    def check(self) -> str:
        """Ask the site who the token is and whether it may call what `send` calls; changes nothing."""
        said = self._call(WHO_AM_I, {}, "")
        if not isinstance(said, dict) or "username" not in said:
            raise TransientError(failed("an answer that is none of Moodle's"))
        offered = said.get("functions")
        names = {str(one.get("name")) for one in offered} if isinstance(offered, list) else set()
        config = self._config
        wanted = {FIND} | ({ENROL} if config.enrol else set()) | ({WRITE} if config.message else set())
        if wanted - names:
            problem = failed(f"the service of the token lacks {', '.join(sorted(wanted - names))}")
            raise TransientError(msgspec.structs.replace(problem, fix="add the functions to the service"))
        return one_line(f"signed in to {said.get('sitename', '?')} as {said['username']}")

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Enrol and write as configured; raises PermanentError where Moodle knows nobody by the e-mail."""
        if recipient is None or not recipient.email:
            detail = "the roster has no e-mail for the recipient, by which Moodle would know them"
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        config = self._config
        course = course_of(action, config) if config.enrol else 0
        if not course and not config.message:
            detail = f"no course for {action.skill}: neither the link nor `courses` names one"
            fix = "add the skill to `courses`, or link the action to the course"
            raise PermanentError(delivery_problem("delivery-refused", one_line(detail), fix=fix))
        user = self._person(recipient.email, idempotency_key)
        done = []
        if course:
            self._enrol(user, course, idempotency_key)
            done.append(f"user {user} enrolled in course {course}")
        if config.message:
            done.append(f"message {self._write(user, action, idempotency_key)} to user {user}")
        return one_line(", ".join(done))

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def _person(self, email: str, key: str) -> int:
        # Asked each time: an id that was remembered might by then be of somebody else's address.
        found = self._call(FIND, {"field": "email", "values[0]": email}, key)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise TransientError(failed("an answer that is none of Moodle's"))
        own = [one for one in found if str(one.get("email", email)).casefold() == email.casefold()]
        active = [one for one in own if not one.get("suspended")]
        if len(active) != 1 or not isinstance(active[0].get("id"), int):
            count = "no account" if not active else f"{len(active)} accounts"
            detail = f"{count} in Moodle that can be used by the e-mail of the roster"
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        return int(active[0]["id"])

    def _enrol(self, user: int, course: int, key: str) -> None:
        one = {"roleid": self._config.role, "userid": user, "courseid": course}
        said = self._call(ENROL, {f"enrolments[0][{name}]": str(value) for name, value in one.items()}, key)
        if said is not None:
            raise TransientError(failed("an answer that is none of Moodle's"))

    def _write(self, user: int, action: ActionRequested, key: str) -> int:
        message = {
            "touserid": str(user),
            "text": text(action),
            "textformat": FORMAT_PLAIN,
            "clientmsgid": key,
        }
        said = self._call(WRITE, {f"messages[0][{name}]": value for name, value in message.items()}, key)
        one = said[0] if isinstance(said, list) and len(said) == 1 else None
        if not isinstance(one, dict) or not isinstance(one.get("msgid"), int):
            raise TransientError(failed("an answer that is none of Moodle's"))
        if one["msgid"] < 0:
            # Blocked, deleted, or too long: about this message to this person.
            detail = one_line(f"Moodle did not take the message: {one.get('errormessage', 'no word')}")
            raise PermanentError(delivery_problem("delivery-refused", detail))
        return int(one["msgid"])

    def _call(self, function: str, values: dict[str, str], key: str) -> Any:
        # The token goes into the body: an address is written into the logs of every proxy.
        fields = {
            "wstoken": self._config.token.reveal(),
            "wsfunction": function,
            "moodlewsrestformat": "json",
            **values,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if key:
            headers["idempotency-key"] = key
        answer = self._poster.post(self._config.site + ENDPOINT, urlencode(fields).encode(), headers)
        if answer.status == httpx.codes.FORBIDDEN:
            # "Enabling protocols": the REST protocol is switched off.
            fix = "enable web services and the REST protocol (Site administration, Web services)"
            raise TransientError(msgspec.structs.replace(failed("Moodle answered HTTP 403"), fix=fix))
        if not answer.ok:
            self._poster.refuse(answer)
        said = answer.json()
        if isinstance(said, dict) and "exception" in said:
            _refuse(function, said)
        return said


def course_of(action: ActionRequested, config: MoodleConfig) -> int:
    """Return the id of the course that the action's link names on this site, else the skill's, else 0."""
    link = within(config.site, action.link)
    named = ""
    if link is not None and link.path == "/course/view.php":
        named = parse_qs(link.query).get("id", [""])[0]
    return int(named) if _COURSE_ID.fullmatch(named) else config.courses.get(action.skill, 0)


def text(action: ActionRequested) -> str:
    """Return the message, cut to what Moodle takes; the links are never cut."""
    answer = f"Your answer: {action.answer_link}" if action.answer_link else ""
    link = action.link if action.link.startswith(("https://", "http://")) else ""
    why = f"Why: {one_line(action.why)}" if action.why else ""
    title = one_line(action.title) or "A hint for your work"
    room = TEXT_BYTES_MAX - len(f"{title}\n\n\n\n{link}\n\n{answer}\n\n{why}\n\n…".encode())
    body = action.body.strip().encode()
    if len(body) > room:
        body = body[: max(0, room)] + "…".encode()
    parts = (title, body.decode("utf-8", "ignore"), link, answer, why)
    return "\n\n".join(part for part in parts if part)


def _refuse(function: str, said: dict[str, Any]) -> NoReturn:
    """Raise what an error code of Moodle means."""
    code = str(said.get("errorcode", "no word"))
    detail = one_line(f"Moodle refused {function}: {code}: {said.get('message', '')}")
    if code in _OURS and not (function == ENROL and code in _ONE_COURSE):
        fix = "mend the token, its service or its user's permissions in Moodle"
        raise TransientError(msgspec.structs.replace(failed(detail), fix=fix))
    if code in _THEIRS:
        raise TransientError(failed(detail))
    fix = "" if function != ENROL else "check the course, its manual enrolment, and `role`"
    raise PermanentError(delivery_problem("delivery-refused", detail, fix=fix))


SPEC = AdapterSpec(
    name="moodle",
    kind="lms",
    summary="Enrols people into courses of a Moodle site, and writes to them there.",
    stability="beta",
    config=MoodleConfig,
    example={
        "url": "https://moodle.example.com",
        "token": "0123456789abcdef0123456789abcdef",
        "courses": {"de-escalation": 12},
    },
    factory=MoodleAdapter,
)
