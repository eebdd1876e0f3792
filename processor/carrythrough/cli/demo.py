"""`carrythrough demo`: a whole sample organisation on one command, live.

The embedded server runs in this process with a clock that is faster than the real one;
the simulated senders run in a process of their own and know nothing but HTTP, real
credentials and the stream of actions. First weeks of history are posted while the clock
stands still, then simulated time begins.
"""

from __future__ import annotations

import json as jsonlib
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from carrythrough.cli.demo_tour import Tour, first_words, tour_words
from carrythrough.cli.demo_watch import Ending, measure
from carrythrough.errors import PermanentError, Problem
from carrythrough.settings import Settings
from carrythrough.testing.clock import SPEED_MAX, ScaledClock
from carrythrough.testing.simulator import HISTORY_DAYS
from carrythrough.testing.simulator_feed import FeedOrder, Report
from carrythrough.testing.simulator_people import PEOPLE_MAX, Organisation, load_organisation
from carrythrough.testing.simulator_process import FeedProcess

SPEED_DEFAULT = 3600.0
"""One simulated hour a second: two minutes show five days."""
PORT_DEFAULT = 8080
METRICS_PORT_DEFAULT = 9464
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  how to reach such a server from here
EXIT_STOPPED, EXIT_FAILED = 0, 1


def run_demo(
    *,
    employees: int = 40,
    speed: float = SPEED_DEFAULT,
    seed: int = 1,
    for_seconds: float | None = None,
    headless: bool = False,
    host: str = "127.0.0.1",
    port: int | None = None,
    data_dir: Path | None = None,
    json: bool = False,
) -> int:
    """Run the demo until Ctrl-C, or for `for_seconds` of live time; return the exit code.

    speed: simulated seconds a real second. headless: say little, end with one line of JSON on standard
    output (`json` does only the latter). port: None takes 8080, or a free one where that is taken.
    data_dir: None takes a temporary folder that is removed at the end. Raises PermanentError for
    options that cannot work, for a port that is taken and for a folder that is in use.
    """
    _check_options(employees, speed, for_seconds)
    folder = _folder(data_dir)
    try:
        organisation = load_organisation(employees)
        settings = _settings(folder, organisation, host, port, headless=headless)
        demo = _Demo(
            organisation, settings, speed, seed, for_seconds, quiet=headless, as_json=headless or json
        )
        return demo.run()
    except KeyboardInterrupt:
        return EXIT_STOPPED
    except PermanentError as error:
        if error.problem.code == "port-in-use" and port is not None:
            fix = "stop the other program, or give another --port; without --port the demo finds a free one"
            raise PermanentError(msgspec.structs.replace(error.problem, where="--port", fix=fix)) from error
        raise
    finally:
        if data_dir is None:
            shutil.rmtree(folder, ignore_errors=True)


class _Demo:
    """One run: the server on the main thread, and a director that starts and follows the simulator."""

    def __init__(
        self,
        organisation: Organisation,
        settings: Settings,
        speed: float,
        seed: int,
        for_seconds: float | None,
        *,
        quiet: bool,
        as_json: bool,
    ) -> None:
        self._organisation = organisation
        self._settings = settings
        self._seed = seed
        self._for_seconds = for_seconds
        self._quiet = quiet
        self._as_json = as_json
        self._clock = ScaledClock(time.time_ns() // 1_000_000, speed)
        self._began_s = time.monotonic()
        self._stopping = threading.Event()
        self._stop_server: Callable[[], None] = lambda: None
        self._director: threading.Thread | None = None
        self._ending = Ending()
        self._failure = ""

    def run(self) -> int:
        """Serve until something ends the run; return the exit code."""
        from carrythrough.embedded.serve import serve

        try:
            serve(self._settings, clock=self._clock, on_ready=self._ready)
        except KeyboardInterrupt:
            pass  # how the server reports that it stopped because of a signal
        finally:
            self._stopping.set()
            if self._director is not None:
                self._director.join()
        self._say_goodbye()
        return EXIT_FAILED if self._failure else EXIT_STOPPED

    def _ready(self, info: dict[str, Any]) -> None:
        """Take over the signals, so that the last figures are read before the server stops."""
        servers_own = signal.getsignal(signal.SIGINT)
        if not callable(servers_own):
            raise TypeError("the server has no handler for SIGINT while it runs")
        self._stop_server = lambda: servers_own(signal.SIGINT, None)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        self._director = threading.Thread(target=self._direct, args=(info,), name="director")
        self._director.start()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            self._stop_server()  # a second Ctrl-C does not wait for the figures
        self._stopping.set()

    def _direct(self, info: dict[str, Any]) -> None:
        try:
            self._play(info)
        except Exception as error:  # noqa: BLE001  whatever it is, the server must not go on alone
            self._failure = self._failure or f"{type(error).__name__}: {error}"
        finally:
            self._stop_server()

    def _play(self, info: dict[str, Any]) -> None:
        logins = {entry["name"]: (entry["key"], entry["secret"]) for entry in info["credentials"]}
        host = self._settings.host
        tour = Tour(
            url=_reachable(info["url"], host),
            signin_url=_reachable(info["signin_url"], host),
            metrics_url=_reachable(info["metrics_url"], host),
            logins=logins,
            speed=self._clock.speed,
        )
        self._say(first_words(tour, self._organisation))
        feed = FeedProcess(self._order(tour))
        follower = threading.Thread(target=self._follow, args=(feed, tour), name="reports", daemon=True)
        follower.start()
        try:
            while not self._stopping.wait(0.1):
                if self._time_is_up():
                    break
            self._ending.read_at_end(tour)
        finally:
            self._stopping.set()
            feed.ask_to_stop()
            code = feed.wait()
            follower.join(1.0)
        if code != 0 and not self._failure:
            self._failure = f"the simulator ended with code {code}"

    def _order(self, tour: Tour) -> FeedOrder:
        tenant_key = (Path(self._settings.data_dir) / "tenant.key").read_text("ascii").strip()
        return FeedOrder(
            url=tour.url,
            statements=tour.logins["lms"],
            events=tour.logins["business"],
            reader=tour.logins["reader"],
            tenant_key=tenant_key,
            employees=len(self._organisation.people),
            seed=self._seed,
            anchor_ms=self._clock.anchor_ms,
            history_days=HISTORY_DAYS,
            speed=self._clock.speed,
        )

    def _time_is_up(self) -> bool:
        started_ns = self._clock.started_ns
        if self._for_seconds is None or started_ns is None:
            return False
        return time.monotonic_ns() - started_ns >= self._for_seconds * 1e9

    def _follow(self, feed: FeedProcess, tour: Tour) -> None:
        """Read the simulator's reports until it ends."""
        warned = False
        for report in feed.reports():
            self._ending.report = report
            if report.sent.refused and not warned:
                warned = True
                self._failure = f"the server refused statements or events: {report.sent.first_refusal}"
                self._say(f"\n{self._failure}\n")
            if report.event == "history":
                self._say_progress(report)
            elif report.event == "history-done":
                self._begin_live(feed, tour, report)
            elif report.event == "failed":
                self._failure = report.detail
                self._stopping.set()
        if not self._stopping.is_set():
            self._failure = self._failure or "the simulator ended by itself"
            self._stopping.set()

    def _begin_live(self, feed: FeedProcess, tour: Tour, report: Report) -> None:
        self._ending.read_at_start(tour)
        feed.start_live(self._clock.start())
        took_s = time.monotonic() - self._began_s
        self._say(
            f"  Posted {HISTORY_DAYS:.0f} days of history: {report.sent.statements:,} statements and "
            f"{report.sent.events:,} events, {took_s:.1f} s after the start.\n"
        )
        self._say(tour_words(tour, self._organisation))

    def _say_progress(self, report: Report) -> None:
        if len(self._organisation.people) > 400 and report.share < 1.0:
            self._say(
                f"  history: {report.share:4.0%}, {report.sent.statements + report.sent.events:,} posted"
            )

    def _say(self, words: str) -> None:
        """Speak on standard output, or on standard error where the output belongs to a script."""
        if not self._quiet:
            print(words, file=sys.stderr if self._as_json else sys.stdout, flush=True)

    def _say_goodbye(self) -> None:
        figures = measure(self._ending, self._clock, self._failure)
        if self._as_json:
            print(jsonlib.dumps(figures), flush=True)
        if self._failure:
            print(f"The demo failed: {self._failure}", file=sys.stderr, flush=True)
        elif not self._quiet:
            self._say(self._ending.words(figures))


def _check_options(employees: int, speed: float, for_seconds: float | None) -> None:
    checks = (
        ("--employees", employees, 1 <= employees <= PEOPLE_MAX, f"a whole number from 1 to {PEOPLE_MAX:,}"),
        (
            "--speed",
            speed,
            0 < speed <= SPEED_MAX,
            f"simulated seconds a second, above 0, at most {SPEED_MAX:,.0f}",
        ),
        ("--for", for_seconds, for_seconds is None or for_seconds > 0, "seconds of live time, above 0"),
    )
    for name, value, good, rule in checks:
        if not good:
            raise PermanentError(
                Problem(
                    code="option-invalid",
                    status=400,
                    title="An option cannot work",
                    detail=f"{name} {value}",
                    where=name,
                    rule=rule,
                    fix=f"choose another value, or leave {name} out",
                )
            )


def _folder(data_dir: Path | None) -> Path:
    """Return a folder that no server has used before."""
    if data_dir is None:
        return Path(tempfile.mkdtemp(prefix="carrythrough-demo-"))
    if data_dir.exists() and any(data_dir.iterdir()):
        raise PermanentError(
            Problem(
                code="demo-folder-not-empty",
                status=400,
                title="The demo needs a folder of its own",
                detail=f"{data_dir} is not empty",
                where="--data-dir",
                rule="simulated people never mix with real data, and simulated time starts anew each time",
                fix="name a new folder, or leave --data-dir out to use a temporary one",
            )
        )
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return data_dir


def _settings(
    folder: Path, organisation: Organisation, host: str, port: int | None, *, headless: bool
) -> Settings:
    """Write map, roster and settings into the folder; return the settings."""
    program, roster = folder / "program.yaml", folder / "roster.json"
    program.write_text(organisation.program_text, encoding="utf-8")
    roster.write_text(organisation.roster_json(), encoding="utf-8")
    console: dict[str, Any] = {"adapter": "console", "names": True}
    if headless:
        console = {"adapter": "file", "path": str(folder / "actions.jsonl")}
    values: dict[str, Any] = {
        "data_dir": str(folder),
        "host": host,
        "port": _free_port(host, PORT_DEFAULT) if port is None else port,
        "metrics_port": _free_port(host, METRICS_PORT_DEFAULT),
        "program": str(program),
        "roster": str(roster),
        "tenant": "larkfield",
        "log_level": "warning",
        "adapters": {"console": console},
    }
    lines = [f"{key} = {jsonlib.dumps(value)}" for key, value in values.items() if key != "adapters"]
    lines += [
        "",
        "[adapters.console]",
        *(f"{key} = {jsonlib.dumps(value)}" for key, value in console.items()),
    ]
    (folder / "carrythrough.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return msgspec.convert(values, Settings)


def _reachable(address: str, host: str) -> str:
    """Return the address with a host that can be opened: a server may listen on every address."""
    return address.replace(f"//{host}:", f"//{EVERYWHERE.get(host, host)}:")


def _free_port(host: str, wanted: int) -> int:
    """Return `wanted`, or 0 (any free one) where something listens on it already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return 0
    return wanted
