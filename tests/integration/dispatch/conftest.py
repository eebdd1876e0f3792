"""Fixtures for what leaves the house: real receivers in processes of their own, and a clock that is set."""

from __future__ import annotations

import email
import email.policy
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import trustme

from carrythrough.dispatch import (
    AdapterLimits,
    BuiltAdapter,
    Dispatcher,
    DispatchEvent,
    Schedule,
    build_adapters,
    find_spec,
    let_pass,
)
from carrythrough.dispatch.redaction import Redaction
from carrythrough.plugin import ActionRequested, Recipient, TransientError, delivery_problem
from carrythrough.testing.adapters import sample_recipient
from carrythrough.testing.outbox import MemoryOutbox

PLACES = Path(__file__).parent / "places"
START_S = 20
"""How long a receiver may take to say its port on a busy machine."""
SECRETS = (
    "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI=",
    "whsec_b2xkIHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIsIDMyIGI=",
)
NOW = 1_700_000_000_000


class Place:
    """A process that prints its port and ends when its standard input is closed."""

    def __init__(self, script: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PLACES / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(START_S, self.process.kill)
        watchdog.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line:
            pytest.fail(f"{script} did not start within {START_S} s")
        self.port = int(line)

    def end(self) -> None:
        try:
            self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


class Receiver(Place):
    """A webhook receiver; see places/webhook_receiver.py."""

    def __init__(self, certificate: str = "") -> None:
        super().__init__("webhook_receiver.py", ",".join(SECRETS), *([certificate] if certificate else []))
        self.origin = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/hook"

    def answer(self, mode: str, **more: Any) -> None:
        """Set how the next posts are answered."""
        self._ask("PUT", "/control", {"mode": mode, **more})

    def seen(self) -> list[dict[str, Any]]:
        """Return every post that came."""
        found = self._ask("GET", "/seen")
        assert isinstance(found, list)
        return found

    def ids(self) -> list[str]:
        return [post["id"] for post in self.seen()]

    def table(self, **more: Any) -> dict[str, Any]:
        """Return the configuration of the adapter `webhook` for this receiver."""
        return {"adapter": "webhook", "url": self.url, "secrets": [SECRETS[0]], "timeout_s": 5.0, **more}

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.origin + path, data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as reply:
            return json.load(reply)


class Postbox(Place):
    """An SMTP server; see places/smtp_receiver.py."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        super().__init__("smtp_receiver.py", str(folder), *arguments)

    def messages(self) -> list[EmailMessage]:
        """Return what was accepted, in order."""
        paths = sorted(self.folder.glob("*.eml"), key=lambda path: int(path.stem))
        policy = email.policy.default
        return [email.message_from_bytes(path.read_bytes(), policy=policy) for path in paths]

    def table(self, **more: Any) -> dict[str, Any]:
        """Return the configuration of the adapter `email` for this server."""
        return {
            "adapter": "email",
            "host": "127.0.0.1",
            "port": self.port,
            "security": "plain",
            "sender": "Learning team <learning@example.com>",
            "timeout_s": 5.0,
            **more,
        }


class Vendor(Place):
    """Slack and Teams as their documentation has them; see places/vendor_server.py."""

    script = "vendor_server.py"

    def __init__(self) -> None:
        super().__init__(self.script)
        self.origin = f"http://127.0.0.1:{self.port}"

    def answer(self, status: int, body: object = "", **more: Any) -> None:
        """Set how the next request is answered (times, headers)."""
        self._ask("PUT", "/control", {"status": status, "body": body, **more})

    def seen(self) -> list[dict[str, Any]]:
        """Return every request that came."""
        found = self._ask("GET", "/seen")
        assert isinstance(found, list)
        return found

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages that were taken."""
        taken = [one for one in self.seen() if one["status"] < 300 and one["message"]]
        return [one["message"] for one in taken if one["answer"] in ("", "ok") or one["answer"].get("ok")]

    def slack(self, **more: Any) -> dict[str, Any]:
        """Return the configuration of the adapter `slack` for this server."""
        return {"token": "xoxb-of-the-robot", "api": f"{self.origin}/api", "timeout_s": 5.0, **more}

    def teams(self, **more: Any) -> dict[str, Any]:
        """Return the configuration of the adapter `teams` for this server."""
        return {"url": f"{self.origin}/workflows/0/triggers/manual/paths/invoke", "timeout_s": 5.0, **more}

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.origin + path, data=data, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as reply:
            return json.load(reply)


class Learning(Vendor):
    """Moodle, Open edX and a Learning Record Store; see places/learning_server.py."""

    script = "learning_server.py"

    def took(self, name: str) -> list[dict[str, Any]]:
        """Return the requests to one path or function that were answered with a success."""
        return [one for one in self.seen() if one["name"] == name and one["status"] < 300]

    def moodle(self, **more: Any) -> dict[str, Any]:
        """Return the configuration of the adapter `moodle` for this server."""
        token = "0123456789abcdef-of-the-robot"
        own = {"url": f"{self.origin}/moodle", "token": token, "courses": {"de-escalation": 12}}
        return {**own, "timeout_s": 5.0, **more}

    def openedx(self, **more: Any) -> dict[str, Any]:
        """Return the configuration of the adapter `openedx` for this server."""
        own = {"url": self.origin, "client_id": "carrythrough", "client_secret": "secret-of-the-client"}
        courses = {"de-escalation": "course-v1:Example+DE101+2026"}
        return {**own, "courses": courses, "timeout_s": 5.0, **more}

    def rest(self, **more: Any) -> dict[str, Any]:
        """Return a configuration of the adapter `rest` for this server."""
        own = {"url": f"{self.origin}/rest", "body": {"text": "{body}"}}
        return {**own, "headers": {"x-api-key": "key-of-the-robot"}, "timeout_s": 5.0, **more}

    def lrs(self, **more: Any) -> dict[str, Any]:
        """Return the configuration of the adapter `lrs` for this server."""
        own = {"endpoint": f"{self.origin}/xapi", "user": "robot", "password": "pass-of-the-robot"}
        return {**own, "home": "https://carrythrough.example", "timeout_s": 5.0, **more}


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.t_ms = NOW

    def now_ms(self) -> int:
        return self.t_ms

    def forward(self, seconds: float) -> None:
        self.t_ms += round(seconds * 1000)


class People:
    """A directory in a dictionary; everybody in it can be reached."""

    def __init__(self) -> None:
        self.known: dict[str, Recipient] = {"a" * 26: sample_recipient()}

    def recipient(self, pseudonym: str) -> Recipient | None:
        return self.known.get(pseudonym)

    def recipients(self, pseudonyms: Any) -> dict[str, Recipient]:
        return {name: self.known[name] for name in pseudonyms if name in self.known}


class Doer:
    """An adapter in this process that does what the test says; `act` gets the key."""

    def __init__(self, act: Callable[[str], object] = lambda _key: None) -> None:
        self.keys: list[str] = []
        self.recipients: list[Recipient | None] = []
        self.closed = 0
        self.act = act

    def check(self) -> str:
        return "fine"

    def send(self, action: ActionRequested, recipient: Recipient | None, idempotency_key: str) -> str:
        assert action.id == idempotency_key
        self.keys.append(idempotency_key)
        self.recipients.append(recipient)
        self.act(idempotency_key)
        return "taken"

    def close(self) -> None:
        self.closed += 1

    def under(self, name: str, **limits: Any) -> dict[str, BuiltAdapter]:
        """Return this adapter under limits of its own, as the registry would."""
        made = BuiltAdapter(name, find_spec("console"), self, AdapterLimits(**limits), Redaction([]))
        return {name: made}


class House:
    """A dispatcher over an in-memory outbox, with everything around it within a test's reach."""

    def __init__(self) -> None:
        self.outbox = MemoryOutbox()
        self.clock = SetClock()
        self.people = People()
        self.events: list[DispatchEvent] = []
        self.started: list[Dispatcher] = []

    def emit(self, event: DispatchEvent) -> None:
        self.events.append(event)

    def open(self, tables: dict[str, Any] | None = None, **more: Any) -> Dispatcher:
        """Start a dispatcher. tables: adapters as in the settings; adapters: ready ones instead."""
        adapters = more.pop("adapters", {})
        dispatcher = Dispatcher(
            more.pop("outbox", self.outbox),
            {**build_adapters(tables or {}), **adapters},
            more.pop("directory", self.people),
            self.clock,
            more.pop("guards", let_pass),
            more.pop("telemetry", self),
            schedule=more.pop("schedule", Schedule(jitter=0.0)),
            poll_s=more.pop("poll_s", 0.02),
        )
        assert not more, f"unknown: {more}"
        self.started.append(dispatcher)
        dispatcher.start()
        return dispatcher

    def of(self, kind: type) -> list[Any]:
        """Return the events of one type."""
        return [event for event in list(self.events) if isinstance(event, kind)]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a proxy of the developer's machine out of the way of 127.0.0.1."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """Give a server that speaks as Slack and Teams do."""
    place = Vendor()
    yield place
    place.end()


@pytest.fixture
def learning() -> Iterator[Learning]:
    """Give a server that speaks as learning systems do."""
    place = Learning()
    yield place
    place.end()


@pytest.fixture
def doer() -> type[Doer]:
    """Give the class of adapters that do what the test says: `doer(act)`."""
    return Doer


@pytest.fixture
def failing() -> Callable[[int], Callable[[str], None]]:
    """Give `failing(n)`: an act that fails n times and then works."""

    def make(times: int) -> Callable[[str], None]:
        left = [times]

        def act(_key: str) -> None:
            left[0] -= 1
            if left[0] >= 0:
                raise TransientError(delivery_problem("delivery-failed", "not now"))

        return act

    return make


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    for dispatcher in made.started:
        dispatcher.stop(0.5)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the paths of a private authority's certificate and of a server certificate by it."""
    folder = tmp_path_factory.mktemp("authority")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    return {"ca": str(folder / "ca.pem"), "server": str(folder / "server.pem")}


@pytest.fixture
def open_receiver() -> Iterator[Callable[..., Receiver]]:
    """Give a function that starts a further webhook receiver."""
    made: list[Receiver] = []

    def start(certificate: str = "") -> Receiver:
        made.append(Receiver(certificate))
        return made[-1]

    yield start
    for receiver in made:
        receiver.end()


@pytest.fixture(scope="session")
def shared_receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.end()


@pytest.fixture
def receiver(shared_receiver: Receiver) -> Receiver:
    """Give a webhook receiver that has seen nothing and takes everything."""
    shared_receiver.answer("ok", forget=True)
    return shared_receiver


@pytest.fixture
def open_postbox(tmp_path: Path) -> Iterator[Callable[..., Postbox]]:
    """Give a function that starts an SMTP server with the given arguments."""
    made: list[Postbox] = []

    def start(*arguments: str) -> Postbox:
        folder = tmp_path / f"postbox-{len(made)}"
        folder.mkdir()
        made.append(Postbox(folder, *arguments))
        return made[-1]

    yield start
    for postbox in made:
        postbox.end()
