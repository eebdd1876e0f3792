"""Fixtures that all tests share, and the rule for what is missing on a machine.

A browser or a server that a test needs and the machine lacks is a failure under CI=true, and
elsewhere a skip that names the command which fixes it. Tests do not import each other; what two
files need stands here.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

from carrythrough.testing.kafka_server import KafkaServer, libraries

STAGES = ("unit", "property", "contract", "integration", "e2e", "browser", "chaos")
"""Folders of tests, quickest answer first; a folder not named here runs last."""

CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

ROOT = Path(__file__).resolve().parent.parent

# Some tests run a process with a full disk or a limit on file sizes. Python writes a compiled module
# without noticing that it was cut off, and every later process that reads it dies: so they write none.
os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")

# Shared two-core machines stall for reasons of their own: a deadline per example proves nothing there.
hypothesis.settings.register_profile("default", deadline=None, print_blob=True)
hypothesis.settings.register_profile("thorough", deadline=None, print_blob=True, max_examples=1_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def in_ci() -> bool:
    """Say whether this run may skip nothing."""
    return os.environ.get("CI") == "true"


def missing(what: str, fix: str) -> NoReturn:
    """Fail (CI) or skip (elsewhere) because `what` is not on this machine; `fix` is a command."""
    words = f"{what} is missing; fix: {fix}"
    if in_ci():
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--section PREFIX`: only tests of requirements whose section begins so, as in "Data 2.4.5"."""
    parser.addoption("--section", metavar="PREFIX", help="only tests of requirements that begin with PREFIX")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the folders in the order of `STAGES`; inside one the random order stays."""
    prefix = config.getoption("--section")
    if prefix:
        items[:] = [item for item in items if _proves(item, prefix)]
    items.sort(key=lambda item: _stage_rank(item.path))


def _proves(item: pytest.Item, prefix: str) -> bool:
    return any(mark.args[1].startswith(prefix) for mark in item.iter_markers("requirement"))


def _stage_name(path: Path) -> str:
    folders = Path(os.path.relpath(path, ROOT / "tests")).parts
    return folders[0] if len(folders) > 1 else "other"


def _stage_rank(path: Path) -> int:
    name = _stage_name(path)
    return STAGES.index(name) if name in STAGES else len(STAGES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line a folder: how many tests, and how long they took."""
    seconds: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if not isinstance(report, pytest.TestReport):
                continue
            name = _stage_name(ROOT / report.nodeid.split("::")[0])
            seconds[name] += report.duration
            counts[name] += report.when == "call" or report.skipped
    if not counts:
        return
    terminalreporter.section("folders", sep="-")
    for name in sorted(counts, key=lambda name: STAGES.index(name) if name in STAGES else len(STAGES)):
        terminalreporter.line(f"{name:<12} {counts[name]:>6} tests {seconds[name]:>8.1f} s")


@pytest.fixture
def require() -> Callable[[object, str, str], None]:
    """Give `require(found, what, fix)`: goes on when `found` is truthy, else fails or skips as above."""

    def check(found: object, what: str, fix: str) -> None:
        if not found:
            missing(what, fix)

    return check


@pytest.fixture(scope="session")
def repository() -> Path:
    """Give the root folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Give the path of a Chromium or Chrome to drive (CARRYTHROUGH_CHROMIUM overrides the search)."""
    _require_driver()
    chosen = os.environ.get("CARRYTHROUGH_CHROMIUM")
    for name in (chosen,) if chosen else CHROMIUM_NAMES:
        path = shutil.which(name)
        if path:
            return path
    missing("a Chromium browser", "sudo apt-get install chromium (or set CARRYTHROUGH_CHROMIUM)")


def _require_driver() -> None:
    """Go on only when Playwright's own Node.js can start; it needs a library that bare machines lack."""
    from playwright._impl._driver import compute_driver_executable

    executable = compute_driver_executable()[0]
    done = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"a library of Playwright ({done.stderr.strip()})", "sudo apt-get install libatomic1")


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], KafkaServer]]:
    """Give a function that starts a Kafka broker of one's own, which is stopped at the end of the session."""
    started: list[KafkaServer] = []

    def start() -> KafkaServer:
        libs = libraries(ROOT / "tools" / "kafka_server" / "pom.xml")
        if libs is None or shutil.which("java") is None:
            missing(
                "a Kafka server",
                "sudo apt-get install default-jre-headless maven && tools/kafka_server/fetch.sh",
            )
        server = KafkaServer(tmp_path_factory.mktemp("kafka"), libs)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_server: Callable[[], KafkaServer]) -> str:
    """Give the address of a running broker that tests share: KAFKA_BOOTSTRAP, or one that is started here."""
    return os.environ.get("KAFKA_BOOTSTRAP") or kafka_server().bootstrap


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Give a function that returns a port of 127.0.0.1 which was free a moment ago.

    Prefer port 0 and asking the server where it listens; this is for programs that cannot say.
    """

    def pick() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        assert isinstance(port, int)
        return port

    return pick


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Give `wait_until(condition, timeout_s=10.0, what="...")`: polls, and fails with `what` in words."""

    def wait(condition: Callable[[], object], timeout_s: float = 10.0, what: str = "the condition") -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not come true within {timeout_s} s")
            time.sleep(0.01)

    return wait
