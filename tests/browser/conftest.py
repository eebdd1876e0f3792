"""What the browser tests share: a real server process, real statements over HTTP, a real Chromium."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

LAUNCH = """
import json, sys
from carrythrough.embedded.serve import serve
from carrythrough.settings import load_settings
settings = json.loads(sys.argv[1])
serve(load_settings(None, {}, **settings), on_ready=lambda info: print(json.dumps(info), flush=True))
"""

EVIL = "<img src=x onerror=document.title=1><script>document.title='owned'</script>"
"""A name that would change the title of the page if anything showed it as markup."""

PROGRAM = f"""
map: service
version: 1
name: "Service {EVIL}"
goals:
  - id: loyalty
    name: "Customers stay {EVIL}"
    kpis: [{{id: csat, name: Customer satisfaction, unit: "%", target: 78}}]
  - id: repeats
    name: Fewer repeat calls
    kpis: [{{id: repeats, name: Repeat calls, direction: down, target: 0.12}}]
skills:
  - {{id: listening, name: Listening, kpis: [csat], frameworks: ["https://f.example/1", "javascript:alert(1)"]}}
  - {{id: summing-up, name: "Summing up {EVIL}", kpis: [repeats], target: 0.75}}
objectives: [{{id: hear, skill: listening, statement: "Lets callers finish {EVIL}", activities: listening-quiz}}]
programs: [{{id: spring, name: "Spring {EVIL}", owner: Maya, start: 2026-01-12}}]
activities:
  - id: listening-quiz
    name: "Quiz {EVIL}"
    match: {{activity_prefix: "https://lms.example/listening"}}
    evidence: [{{skill: listening, channel: learn, outcome: success}}]
  - id: listening-video
    name: Video
    match: {{activity_prefix: "https://lms.example/video"}}
    evidence: [{{skill: listening, channel: exposure}}]
  - id: summing-up-quiz
    name: Quiz
    match: {{activity_prefix: "https://lms.example/summing-up"}}
    evidence: [{{skill: summing-up, channel: learn, outcome: success}}]
items:
  - {{id: first, skill: summing-up, question: "What comes first? {EVIL}", right: [The reason for the call],
     choices: [The reason for the call, "Your name {EVIL}", A greeting], explanation: The caller then knows it.}}
  - {{id: word, skill: summing-up, question: What do you ask for at the end?, right: [agreement]}}
events:
  - id: call-quality
    match: {{kind: qa-result}}
    evidence: [{{skill: listening, channel: job}}]
reinforcement:
  - id: try-it
    when: {{stage: unpractised}}
    action: nudge
    title: "Try it {EVIL}"
    body: Try it today.
    adapters: [quiet]
  - id: try-again
    when: {{stage: not-yet-learnt}}
    action: spaced-review
    title: Five questions
    body: They take three minutes.
    adapters: [quiet]
policy:
  quiet: {{from: "00:00", to: "00:00"}}
  days_off: []
  holdout: 0
  per_day: 10
  per_week: 50
  cooldown_h: 0
"""

NAMES = "Ben Okri, Chimamanda Adichie, Dag Solstad, Elif Shafak, Fernando Pessoa, Gabriela Mistral, Han Kang"
PEOPLE = ("Ada Lovelace", EVIL, *NAMES.split(", "), "Isabel Allende")


def roster() -> str:
    """Return the roster: e-000, e-001, ... with the names of `PEOPLE`, in two teams."""
    return json.dumps(
        {
            "people": [
                {
                    "id": f"e-{i:03}",
                    "name": name,
                    "email": f"e-{i:03}@example.org",
                    "team": ["North", "South"][i % 2],
                }
                for i, name in enumerate(PEOPLE)
            ]
        }
    )


class Server:
    """One server process on a data folder; `post` and `event` speak to it as an LMS and a work system do."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "program.yaml").write_text(PROGRAM)
        (folder / "roster.json").write_text(roster())
        settings = {
            "data_dir": str(folder / "data"),
            "program": str(folder / "program.yaml"),
            "roster": str(folder / "roster.json"),
            "port": port,
            "metrics_port": 0,
            "adapters": {"quiet": {"adapter": "file", "path": str(folder / "actions.jsonl")}},
        }
        self._errors = (folder / "stderr.txt").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, json.dumps(settings)], stdout=subprocess.PIPE, stderr=self._errors
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the server did not start: {(folder / 'stderr.txt').read_text()[-2000:]}"
        self.info = json.loads(line)
        self.url: str = self.info["url"]
        self.port = int(self.url.rsplit(":", 1)[1])
        secrets = folder / "secrets.json"  # printed at the first start only
        if self.info["credentials"]:
            secrets.write_text(json.dumps(self.info["credentials"]))
        self._keys = {
            entry["name"]: f"{entry['key']}:{entry['secret']}" for entry in json.loads(secrets.read_text())
        }

    def stop(self) -> None:
        """End the process and wait for it; safe to call twice."""
        self._process.terminate()
        self._process.wait(timeout=20)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def answers(self, answers: list[tuple[int, str, bool, float]]) -> None:
        """Post answered questions: (person, activity, good, hours ago)."""
        self._send("/xapi/statements", "lms", [_statement(*each) for each in answers])

    def watched(self, person: int) -> None:
        """Post one statement without a result."""
        statement = _statement(person, "video", good=True, hours_ago=1.0)
        del statement["result"]
        self._send("/xapi/statements", "lms", [statement])

    def event(self, person: int, *, good: bool) -> None:
        """Post one quality result from work."""
        event = {
            "id": str(uuid.uuid4()), "source": "qa", "kind": "qa-result", "employee": f"e-{person:03}",
            "time": _time(0.0), "outcome": {"met": good},
        }  # fmt: skip
        self._send("/v1/performance-events", "business", event)

    def scores(self, person: int) -> dict[str, Any]:
        """Return what REST says about a person."""
        found: dict[str, Any] = json.loads(self._call(f"/v1/employees/e-{person:03}/scores", "reader"))
        return found

    def _send(self, path: str, key: str, value: Any) -> None:
        self._call(path, key, json.dumps(value).encode())

    def _call(self, path: str, key: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, body)
        request.add_header("Authorization", "Basic " + base64.b64encode(self._keys[key].encode()).decode())
        request.add_header("Content-Type", "application/json")
        request.add_header("X-Experience-API-Version", "1.0.3")
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
        return content


def _time(hours_ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600 * hours_ago))


def _statement(person: int, activity: str, good: bool, hours_ago: float) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "actor": {"objectType": "Agent", "name": EVIL, "mbox": f"mailto:e-{person:03}@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": EVIL}},
        "object": {
            "objectType": "Activity",
            "id": f"https://lms.example/{activity}/{uuid.uuid4().hex[:6]}",
            "definition": {"name": {"en": EVIL}},
        },
        "result": {"success": good},
        "timestamp": _time(hours_ago),
    }


class CuttableProxy:
    """A TCP relay in front of the server whose connections a test can cut, as a bad network does."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.refusing = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection and refuse new ones until `mend`."""
        self.refusing = True
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self.refusing = False

    def close(self) -> None:
        """Stop for good."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.refusing:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target_port))
                self._open += (near, far)
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._relay, args=(a, b), daemon=True).start()

    @staticmethod
    def _relay(source: socket.socket, sink: socket.socket) -> None:
        with closing(sink), suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Give `start_server(folder=None, port=0)`: a new empty server, or one on a folder used before."""
    with ExitStack() as running:

        def start(folder: Path | None = None, port: int = 0) -> Server:
            server = Server(folder or tmp_path_factory.mktemp("server"), port)
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def server(start_server: Callable[..., Server]) -> Server:
    """Give the server with people, scores and evidence that most tests share.

    Person 0 knows the skill, 1 (the evil name) does not, 2 has too little evidence, 3 has only
    watched; 4 to 9 have mixed results.
    """
    server = start_server()
    answers = [(0, "listening", True, 9.0 - i) for i in range(8)]
    answers += [(1, "listening", i % 4 == 0, 9.0 - i) for i in range(8)]
    answers += [(1, "summing-up", True, 9.0 - i) for i in range(6)]
    answers += [(2, "listening", True, 3.0 - i) for i in range(3)]
    answers += [(p, "listening", (p + i) % 3 > 0, 9.0 - i) for p in range(4, 10) for i in range(8)]
    server.answers(answers)
    server.watched(3)
    deadline = time.monotonic() + 20
    while not server.scores(9)["skills"] or not server.scores(3)["skills"]:
        assert time.monotonic() < deadline, "the shared server did not score what it was sent"
        time.sleep(0.05)
    return server


@pytest.fixture
def proxy(server: Server) -> Iterator[CuttableProxy]:
    """Give a relay to the shared server whose connections can be cut."""
    relay = CuttableProxy(server.port)
    yield relay
    relay.close()


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Give one Chromium for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(CHROMIUM_ARGUMENTS))
        yield browser
        browser.close()


class Complaints:
    """What the browser complained about: console errors, uncaught errors, refused by the content policy."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.expected: list[str] = []

    def watch(self, page: Page) -> None:
        """Listen to a page from now on."""
        page.on(
            "console",
            lambda message: self._note(message.text) if message.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: self._note(str(error)))

    def _note(self, text: str) -> None:
        if not any(words in text for words in self.expected):
            self.found.append(text)


@pytest.fixture
def complaints() -> Complaints:
    """Give the complaints of this test's pages; append to `expected` what a test provokes itself."""
    return Complaints()


@pytest.fixture
def open_context(browser: Browser, complaints: Complaints) -> Iterator[Callable[..., BrowserContext]]:
    """Give `open_context(**options)`: a fresh profile; after the test no page may have complained."""
    with ExitStack() as contexts:

        def start(**options: Any) -> BrowserContext:
            context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))
            context.set_default_timeout(10_000)
            context.on("page", complaints.watch)
            contexts.callback(context.close)
            return context

        yield start
        assert complaints.found == []


@pytest.fixture(scope="session")
def cookies(server: Server, browser: Browser) -> list[Any]:
    """Give the session cookies of the one sign-in to the shared server."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.info["signin_url"])
    page.wait_for_url(server.url + "/")
    found = context.cookies()
    context.close()
    return found


@pytest.fixture
def open_page(open_context: Callable[..., BrowserContext], cookies: list[Any]) -> Callable[..., Page]:
    """Give `open_page(url, **context options)`: a signed-in page that is live."""

    def start(url: str, **options: Any) -> Page:
        context = open_context(**options)
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(url)
        page.locator('#connection[data-state="live"]').wait_for()
        return page

    return start


@pytest.fixture(scope="session")
def evil() -> str:
    """Give the name that must always be shown as text."""
    return EVIL
