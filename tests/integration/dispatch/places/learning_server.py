"""The HTTP of Moodle, Open edX and a Learning Record Store, as each is documented, in a process of its own.

    learning_server.py

Prints its port. What it holds its clients to, and where that is written, stands at each function. PUT /control
{"status": …, "body": …, "headers": {…}, "times": n, "on": "…"} sets how the next n requests whose path or
function contains "on" are answered; GET /seen returns what came. It ends when its standard input is closed.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MOODLE_TOKEN = "0123456789abcdef-of-the-robot"
MOODLE_PEOPLE = [
    {"id": 7, "email": "dana@example.org", "suspended": False},
    {"id": 8, "email": "twin@example.org", "suspended": False},
    {"id": 9, "email": "twin@example.org", "suspended": False},
    {"id": 10, "email": "left@example.org", "suspended": True},
    {"id": 11, "email": "shy@example.org", "suspended": False},
]
MOODLE_COURSES = (12, 13)
MOODLE_FUNCTIONS = {
    "core_user_get_users_by_field": ("field", "values[0]"),
    "enrol_manual_enrol_users": ("enrolments[0][roleid]", "enrolments[0][userid]", "enrolments[0][courseid]"),
    "core_message_send_instant_messages": ("messages[0][touserid]", "messages[0][text]"),
    "core_webservice_get_site_info": (),
}
EDX_CLIENT = ("carrythrough", "secret-of-the-client")
EDX_TOKEN = "eyJ0eXAi.of-the-robot.c2lnbmVk"
EDX_COURSES = ("course-v1:Example+DE101+2026", "course-v1:Example+DE102+2026")
LRS_BASIC = "Basic cm9ib3Q6cGFzcy1vZi10aGUtcm9ib3Q="

_statements: dict[str, Any] = {}
_lock = threading.Lock()
_seen: list[dict[str, Any]] = []
_control: dict[str, Any] = {"times": 0}


def exception(kind: str, code: str, message: str) -> tuple[int, Any]:
    """Return an error as the REST server does: HTTP 200 ("Creating a web service client", Errors)."""
    return 200, {"exception": kind, "errorcode": code, "message": message}


def moodle(form: dict[str, str]) -> tuple[int, Any]:
    """Answer a call of /webservice/rest/server.php ("Using web services"; the site's API documentation)."""
    if form.get("moodlewsrestformat") != "json":
        return 200, '<?xml version="1.0" encoding="UTF-8" ?><RESPONSE/>'
    if form.get("wstoken") != MOODLE_TOKEN:
        return exception("moodle_exception", "invalidtoken", "Invalid token - token not found")
    function = form.get("wsfunction", "")
    if function not in MOODLE_FUNCTIONS:
        return exception("webservice_access_exception", "accessexception", "Access control exception")
    if any(name not in form for name in MOODLE_FUNCTIONS[function]):
        return exception(
            "invalid_parameter_exception", "invalidparameter", "Invalid parameter value detected"
        )
    if function == "core_user_get_users_by_field":
        return 200, [one for one in MOODLE_PEOPLE if one["email"] == form["values[0]"]]
    if function == "enrol_manual_enrol_users":
        return moodle_enrolment(form)
    if function == "core_message_send_instant_messages":
        return 200, [moodle_message(form)]
    functions = [{"name": name, "version": "2024100700"} for name in MOODLE_FUNCTIONS]
    return 200, {"sitename": "Example", "username": "carrythrough", "functions": functions}


def moodle_enrolment(form: dict[str, str]) -> tuple[int, Any]:
    """Enrol, or refuse (enrol_manual_enrol_users: the function's documentation and `wsusercannotassign`)."""
    if int(form["enrolments[0][courseid]"]) not in MOODLE_COURSES:
        return exception(
            "dml_missing_record_exception", "invalidrecord", "Can't find data record in database"
        )
    if form["enrolments[0][roleid]"] != "5":
        return exception("moodle_exception", "wsusercannotassign", "You don't have the permission to assign")
    return 200, None


def moodle_message(form: dict[str, str]) -> dict[str, Any]:
    """Send, or say why not in the result (core_message_send_instant_messages: msgid -1, errormessage)."""
    fault = ""
    if len(form["messages[0][text]"].encode()) > 4096:
        fault = "Message is too long"
    elif form["messages[0][touserid]"] == "11":
        fault = "You can't send a message to this user"
    elif not re.fullmatch(r"[A-Za-z0-9_-]*", form.get("messages[0][clientmsgid]", "")):
        fault = "PARAM_ALPHANUMEXT"
    known = {"clientmsgid": form.get("messages[0][clientmsgid]", "")}
    return (
        {**known, "msgid": -1, "errormessage": fault} if fault else {**known, "msgid": 55, "timecreated": 1}
    )


def edx_sign_in(form: dict[str, str]) -> tuple[int, Any]:
    """Answer /oauth2/access_token ("How to use the REST API"; errors: RFC 6749, 5.2)."""
    if form.get("grant_type") != "client_credentials":
        return 400, {"error": "unsupported_grant_type"}
    if (form.get("client_id"), form.get("client_secret")) != EDX_CLIENT:
        return 401, {"error": "invalid_client"}
    if form.get("token_type") != "jwt":
        return 200, {"access_token": "opaque", "expires_in": 3600, "token_type": "Bearer", "scope": "read"}
    return 200, {"access_token": EDX_TOKEN, "expires_in": 3600, "token_type": "JWT", "scope": "read write"}


def edx_enrol(authorization: str, asked: dict[str, Any]) -> tuple[int, Any]:
    """Answer /api/bulk_enroll/v1/bulk_enroll/ (BulkEnrollView and BulkEnrollmentSerializer)."""
    if authorization != f"JWT {EDX_TOKEN}":
        return 401, {"detail": "Authentication credentials were not provided."}
    missing = [name for name in ("identifiers", "courses", "action") if not asked.get(name)]
    if missing:
        return 400, {name: ["This field is required."] for name in missing}
    courses = asked["courses"].split(",")
    if not all(re.fullmatch(r"course-v1:[^/+]+\+[^/+]+\+[^/+]+", course) for course in courses):
        return 400, {"courses": ["Course key not valid: "]}
    if any(course not in EDX_COURSES for course in courses):
        return 404, {"detail": "Not found."}
    results = [edx_result(email, asked["auto_enroll"]) for email in asked["identifiers"].split(",")]
    said = {"action": "enroll", "auto_enroll": asked["auto_enroll"], "results": results}
    return 200, {**{name: asked[name] for name in ("action",)}, "courses": dict.fromkeys(courses, said)}


def edx_result(email: str, auto_enroll: bool) -> dict[str, Any]:
    """Return what became of one person (students_update_enrollment, its docstring)."""
    if "@" not in email:
        return {"identifier": email, "invalidIdentifier": True}
    none = {"user": False, "enrollment": False, "allowed": False, "auto_enroll": False}
    if email.startswith("new"):
        return {
            "identifier": email,
            "before": none,
            "after": {**none, "allowed": True, "auto_enroll": auto_enroll},
        }
    return {"identifier": email, "before": none, "after": {**none, "user": True, "enrollment": True}}


def lrs(method: str, query: dict[str, str], headers: Any, message: Any) -> tuple[int, Any]:
    """Answer /xapi/statements (xAPI 1.0.3, Part 3, 2.1.1 PUT, 2.1.3 GET, 3.3 versions, 4.0 authentication)."""
    if headers.get("authorization") != LRS_BASIC:
        return 401, "Unauthorized"
    if headers.get("x-experience-api-version") not in ("1.0.3", "2.0.0"):
        return 400, "X-Experience-API-Version is missing"
    id_ = query.get("statementId", "")
    with _lock:
        if method == "GET":
            return (200, _statements[id_]) if id_ in _statements else (404, "Not Found")
        if message.get("id", id_) != id_ or not {"actor", "verb", "object"} <= set(message):
            return 400, "not a statement by this id"
        if _statements.setdefault(id_, message) != message:
            return 409, "Conflict"
    return 204, ""


class Handler(BaseHTTPRequestHandler):
    """Routes by path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/seen":
            with _lock:
                self._reply(200, list(_seen), {})
            return
        self._vendor()

    def do_PUT(self) -> None:
        if self.path != "/control":
            self._vendor()
            return
        with _lock:
            _control.clear()
            _control.update({"times": 1, "on": "", **json.loads(self._body())})
        self._reply(200, {}, {})

    def do_POST(self) -> None:
        self._vendor()

    def do_PATCH(self) -> None:
        self._vendor()

    def log_message(self, *_: object) -> None:
        pass

    def _vendor(self) -> None:
        parts = urlsplit(self.path)
        body = self._body()
        is_form = self.headers.get("content-type", "") == "application/x-www-form-urlencoded"
        form = dict(parse_qsl(body.decode(), keep_blank_values=True)) if is_form else {}
        message = form if is_form else json.loads(body) if body else {}
        name = form.get("wsfunction", parts.path)
        headers: dict[str, str] = {}
        with _lock:
            canned = dict(_control) if _control["times"] > 0 and _control["on"] in name else None
            if canned:
                _control["times"] -= 1
        if canned:
            status, answer, headers = canned["status"], canned.get("body", ""), canned.get("headers", {})
        else:
            status, answer = self._answered(parts.path, dict(parse_qsl(parts.query)), message)
        seen = {name.lower(): value for name, value in self.headers.items()}
        with _lock:
            _seen.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "name": name,
                    "headers": seen,
                    "message": message,
                    "status": status,
                    "answer": answer,
                }
            )
        self._reply(status, answer, headers)

    def _answered(self, path: str, query: dict[str, str], message: Any) -> tuple[int, Any]:
        if path == "/moodle/webservice/rest/server.php":
            return moodle(message)
        if path == "/oauth2/access_token":
            return edx_sign_in(message)
        if path == "/api/bulk_enroll/v1/bulk_enroll/":
            return edx_enrol(self.headers.get("authorization", ""), message)
        if path == "/xapi/statements":
            return lrs(self.command, query, self.headers, message)
        if path.startswith("/rest"):
            return 201, {"id": 1}
        return 404, {"detail": "Not found."}

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    def _reply(self, status: int, answer: Any, headers: dict[str, str]) -> None:
        raw = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        if status == 204:
            raw = b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def main() -> None:
    """Serve until standard input is closed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
