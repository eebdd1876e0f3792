"""Adapter `openedx`: enrols the person into a course of an Open edX site.

Requests and answers as Open edX documents them (docs.openedx.org: "How to use the REST API": client
credentials at /oauth2/access_token with token_type=jwt, and `Authorization: JWT …`; edx-platform:
lms/djangoapps/bulk_enroll, the docstring of BulkEnrollView; RFC 6749, 4.4 and 5.2). What is wrong with our
client is tried again, since a secret that was changed must not send every waiting action to the dead letters.

Enrolling somebody who is enrolled changes nothing, so a repeat is harmless; Open edX sends its own e-mail
only where `email_students` says so, and then at a repeat too.
"""

from __future__ import annotations

import re
import threading
import time
from typing import Annotated, Any, NoReturn
from urllib.parse import unquote, urlencode

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
from carrythrough_adapters.posting import Answer, Poster, check_url, failed
from carrythrough_adapters.site_links import within

TOKEN_PATH = "/oauth2/access_token"  # noqa: S105 - a path
ENROL_PATH = "/api/bulk_enroll/v1/bulk_enroll/"
COURSE_KEY = r"^course-v1:[^/+,\s]+(\+[^/+,?&#\s]+){2}$"
"""A course key (opaque-keys, CourseLocator); never with a comma, which separates keys in a request."""
MARGIN_S = 60.0
"""A token is renewed this long before it ends, so that none ends under way."""
TOKEN_S_DEFAULT = 300.0
"""Life of a token that comes without `expires_in`."""

_TOKEN = re.compile(r"[!-~]{1,8192}")
_COURSE = re.compile(COURSE_KEY)
_COURSE_PATH = re.compile(r"^(?:/courses|/learning/course)/([^/]+)(?:/|$)")


class OpenEdxConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration of the adapter `openedx`."""

    url: Annotated[str, Meta(description="address of the LMS, such as https://learn.example.com")]
    client_id: Annotated[str, Meta(min_length=1, description="id of the OAuth application")]
    client_secret: Annotated[Secret, Meta(description="secret of the OAuth application")]
    courses: Annotated[
        dict[str, Annotated[str, Meta(pattern=COURSE_KEY)]],
        Meta(description="course key by skill; a link of the action to a course of the site goes before"),
    ] = {}
    auto_enroll: Annotated[
        bool, Meta(description="enrol people without an account as soon as they register")
    ] = True
    email_students: Annotated[bool, Meta(description="let Open edX send its own e-mail about it")] = False
    timeout_s: Annotated[
        float, Meta(gt=0, le=120, description="seconds for connecting, and for each wait for Open edX")
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
        if not self.client_secret:
            raise SettingError("client_secret", "is empty", "take it from the OAuth application")


class OpenEdxAdapter:
    """Calls the enrolment API of one site; the token is fetched at the first call and kept in memory."""

    def __init__(self, config: OpenEdxConfig) -> None:
        self._config = config
        self._poster = Poster(config.url, config.timeout_s, config.ca_file)
        self._lock = threading.Lock()
        self._token = ""
        self._token_until_s = 0.0

    def check(self) -> str:
        """Sign in and ask for no enrolment at all, which staff may do and Open edX then finds incomplete."""
        answer = self._enrolled({}, "")
        if answer.status != httpx.codes.BAD_REQUEST:
            raise TransientError(failed(f"Open edX answered HTTP {answer.status} to an empty enrolment"))
        return one_line(f"signed in to {self._poster.origin} as {self._config.client_id}, which may enrol")

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        """Enrol the recipient; raises PermanentError without an e-mail or without a course."""
        if recipient is None or not recipient.email or "," in recipient.email:
            detail = "the roster has no e-mail for the recipient that Open edX could know them by"
            raise PermanentError(delivery_problem("recipient-unreachable", detail))
        course = course_of(action, self._config)
        if not course:
            detail = f"no course for {action.skill}: neither the link nor `courses` names one"
            fix = "add the skill to `courses`, or link the action to the course"
            raise PermanentError(delivery_problem("delivery-refused", one_line(detail), fix=fix))
        wanted = {
            "action": "enroll",
            "courses": course,
            "identifiers": recipient.email,
            "auto_enroll": self._config.auto_enroll,
            "email_students": self._config.email_students,
        }
        answer = self._enrolled(wanted, idempotency_key)
        if not answer.ok:
            self._refuse(answer)
        return one_line(f"{_state(_result(answer, course))} in {course}")

    def close(self) -> None:
        """Close the connections and forget the token."""
        with self._lock:
            self._token = ""
        self._poster.close()

    def _enrolled(self, wanted: dict[str, Any], key: str) -> Answer:
        """Ask for an enrolment, with a new token when the one in memory is no longer taken."""
        answer = self._asked(wanted, key)
        if answer.status == httpx.codes.UNAUTHORIZED:
            answer = self._asked(wanted, key)
        if answer.status == httpx.codes.UNAUTHORIZED:
            self._refuse_us(answer, "the token of the client is not taken")
        if answer.status == httpx.codes.FORBIDDEN:
            self._refuse_us(answer, "the client may not enrol people")
        return answer

    def _asked(self, wanted: dict[str, Any], key: str) -> Answer:
        token = self._signed_in()
        headers = {"authorization": f"JWT {token}", "content-type": "application/json"}
        if key:
            headers["idempotency-key"] = key
        answer = self._poster.post(self._config.site + ENROL_PATH, msgspec.json.encode(wanted), headers)
        if answer.status == httpx.codes.UNAUTHORIZED:
            self._forget(token)
        return answer

    def _signed_in(self) -> str:
        with self._lock:
            if self._token and time.monotonic() < self._token_until_s:
                return self._token
        # Not under the lock: a sign-in that hangs must not make the others wait for its timeout and then theirs.
        token, life_s = self._new_token()
        with self._lock:
            self._token, self._token_until_s = token, time.monotonic() + life_s - MARGIN_S
        return token

    def _new_token(self) -> tuple[str, float]:
        """Return a token and its life in seconds."""
        fields = {
            "grant_type": "client_credentials",
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.reveal(),
            "token_type": "jwt",
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = self._poster.post(self._config.site + TOKEN_PATH, urlencode(fields).encode(), headers)
        if answer.status in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            self._refuse_us(answer, "the client is not taken")
        if not answer.ok:
            self._poster.refuse(answer)
        said = answer.json()
        token = said.get("access_token") if isinstance(said, dict) else None
        # Whatever goes into a header must be one printable word, whoever said it.
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise TransientError(failed("an answer to the sign-in that holds no token"))
        life_s = said.get("expires_in")
        return token, float(life_s) if type(life_s) in (int, float) else TOKEN_S_DEFAULT

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._token = ""

    def _refuse_us(self, answer: Answer, words: str) -> NoReturn:
        fix = "mend the OAuth application: its secret, and a user who is staff"
        problem = failed(f"{self._poster.origin} answered HTTP {answer.status}: {words}")
        raise TransientError(msgspec.structs.replace(problem, fix=fix))

    def _refuse(self, answer: Answer) -> NoReturn:
        with self._lock:
            token = self._token
        # The token is no setting, so nobody else would take it out of an answer that echoes it.
        self._poster.refuse(answer, answer.shown(token))


def course_of(action: ActionRequested, config: OpenEdxConfig) -> str:
    """Return the key of the course that the action's link names on this site, else the skill's, else ""."""
    link = within(config.site, action.link)
    found = _COURSE_PATH.match(link.path) if link is not None else None
    named = unquote(found[1]) if found else ""
    return named if _COURSE.fullmatch(named) else config.courses.get(action.skill, "")


def _result(answer: Answer, course: str) -> dict[str, Any]:
    """Return what the API says of the one person; raises TransientError when it says nothing of them."""
    said = answer.json()
    for member, kind in (("courses", dict), (course, dict), ("results", list)):
        said = said.get(member) if isinstance(said, dict) else None
        if not isinstance(said, kind):
            raise TransientError(failed("an answer that is none of Open edX's"))
    if len(said) != 1 or not isinstance(said[0], dict):
        raise TransientError(failed("an answer that is none of Open edX's"))
    found: dict[str, Any] = said[0]
    return found


def _state(result: dict[str, Any]) -> str:
    if result.get("invalidIdentifier"):
        detail = "Open edX does not take the e-mail of the roster"
        raise PermanentError(delivery_problem("recipient-unreachable", detail))
    after = result.get("after")
    if isinstance(after, dict) and after.get("enrollment") is True:
        return "enrolled"
    if isinstance(after, dict) and after.get("allowed") is True:
        return "enrolled once they register" if after.get("auto_enroll") is True else "allowed to enrol"
    # {"error": true}: something failed over there that it does not name.
    raise TransientError(failed("Open edX did not enrol the person, and does not say why"))


SPEC = AdapterSpec(
    name="openedx",
    kind="lms",
    summary="Enrols people into courses of an Open edX site.",
    stability="beta",
    config=OpenEdxConfig,
    example={
        "url": "https://learn.example.com",
        "client_id": "carrythrough",
        "client_secret": "secret-of-the-oauth-application",
        "courses": {"de-escalation": "course-v1:Example+DE101+2026"},
    },
    factory=OpenEdxAdapter,
)
