"""`carrythrough demo`: a whole sample organisation on one command, live.

The embedded server runs in this process with a clock that is faster than the real one;
the simulated senders run in a process of their own and know nothing but HTTP, real
credentials and the stream of actions. First weeks of history are posted while the clock
stands still, then simulated time begins.
"""

from __future__ import annotations

import json as jsonlib
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.cli.demo_screen import Screen
from carrythrough.cli.demo_tour import (
    Tour,
    action_words,
    ending_words,
    first_words,
    status_words,
    tour_words,
)
from carrythrough.cli.demo_watch import Ending, measure
from carrythrough.errors import PermanentError, Problem
from carrythrough.settings import Settings
from carrythrough.testing.clock import SPEED_MAX, ScaledClock
from carrythrough.testing.simulator import DAY_MS, HISTORY_DAYS
from carrythrough.testing.simulator_feed import FeedOrder, FirstAction, Report
from carrythrough.testing.simulator_people import PEOPLE_MAX, Organisation, load_organisation
from carrythrough.testing.simulator_process import FeedProcess

SPEED_DEFAULT = 3600.0
"""One simulated hour a second: two minutes show five days."""
PORT_DEFAULT = 8080
METRICS_PORT_DEFAULT = 9464
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  how to reach such a server from here
EXIT_STOPPED, EXIT_FAILED = 0, 1
LOOK_EVERY_S = 2.0
"""Real seconds between two looks at the server's summary."""
HISTORY_PERSON_DAYS_MAX = 14_000
"""A larger organisation gets a shorter past, so that it is posted in a minute: about four things a person-day."""
LAPSE_DAYS_MAX = 14.0
LAPSE_SHARE = 0.2
LAPSE_PERSON_DAYS_PER_S = 280.0
"""How fast the last days before the anchor are played; a few ticks of the server fall into them."""


class Past(msgspec.Struct, frozen=True):
    """What lies behind the anchor: days in all, and the last of them that pass in lapse_s real seconds."""

    days: float
    lapse_days: float
    lapse_s: float


def past_of(employees: int) -> Past:
    """Return the past of an organisation of this size."""
    days = min(HISTORY_DAYS, HISTORY_PERSON_DAYS_MAX / employees)
    lapse_days = min(LAPSE_DAYS_MAX, LAPSE_SHARE * days)
    return Past(days, lapse_days, max(2.0, employees * lapse_days / LAPSE_PERSON_DAYS_PER_S))


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

    speed: simulated seconds a real second. headless: say nothing but one line of JSON on standard
    output at the end; json: end with that line, with the words on standard error. port: None takes
    8080, or a free one where that is taken. data_dir: None takes a temporary folder that is removed
    at the end. Raises PermanentError for options that cannot work, for a port that is taken and for
    a folder that is not empty.
    """
    _check_options(employees, speed, for_seconds)
    folder = _folder(data_dir)
    try:
        organisation = load_organisation(employees)
        settings = _settings(folder, organisation, host, port)
        screen = Screen(quiet=headless, as_json=headless or json)
        return _Demo(organisation, settings, speed, seed, for_seconds, screen).run()
    except KeyboardInterrupt:
        return EXIT_STOPPED  # before the server took over the signals
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
        screen: Screen,
    ) -> None:
        self._organisation = organisation
        self._settings = settings
        self._seed = seed
        self._for_seconds = for_seconds
        self._screen = screen
        self._past = past_of(len(organisation.people))
        lapse_ms = int(self._past.lapse_days * DAY_MS)
        now_ms = time.time_ns() // 1_000_000
        self._clock = ScaledClock(now_ms, speed, lapse_ms=lapse_ms, lapse_s=self._past.lapse_s)
        self._began_s = time.monotonic()
        self._stopping = threading.Event()
        self._director: threading.Thread | None = None
        self._ending = Ending()
        self._failure = ""

    def run(self) -> int:
        """Serve until something ends the run; return the exit code."""
        from carrythrough.embedded.serve import serve

        try:
            serve(self._settings, clock=self._clock, on_ready=self._ready)
        finally:
            self._stopping.set()
            if self._director is not None:
                self._director.join()
        figures = measure(self._ending, self._clock, self._failure)
        self._screen.close(figures, ending_words(figures), self._failure)
        return EXIT_FAILED if self._failure else EXIT_STOPPED

    def _ready(self, info: dict[str, Any]) -> None:
        self._director = threading.Thread(target=self._direct, args=(info,), name="director")
        self._director.start()

    def _direct(self, info: dict[str, Any]) -> None:
        try:
            self._play(self._tour(info))
        except Exception as error:  # noqa: BLE001  whatever it is, the server must not go on alone
            self._fail(f"{type(error).__name__}: {error}")
        finally:
            if not self._stopping.is_set():
                os.kill(os.getpid(), signal.SIGINT)  # the server's own way to be stopped

    def _tour(self, info: dict[str, Any]) -> Tour:
        host = self._settings.host
        return Tour(
            url=_reachable(info["url"], host),
            signin_url=_reachable(info["signin_url"], host),
            metrics_url=_reachable(info["metrics_url"], host),
            logins={entry["name"]: (entry["key"], entry["secret"]) for entry in info["credentials"]},
            speed=self._clock.speed,
        )

    def _play(self, tour: Tour) -> None:
        """Start the simulator, and look after the run until something ends it."""
        self._screen.say(first_words(tour, self._organisation))
        feed = FeedProcess(self._order(tour))
        follower = threading.Thread(target=self._follow, args=(feed, tour), name="reports", daemon=True)
        follower.start()
        try:
            self._watch(tour)
        finally:
            feed.ask_to_stop()
            code = feed.wait()
            follower.join(1.0)
        if code != 0:
            self._fail(f"the simulator ended with code {code}")

    def _watch(self, tour: Tour) -> None:
        looked_s = 0.0
        while not self._stopping.wait(0.1) and not self._failure:
            if self._for_seconds is not None and self._clock.live_s() >= self._for_seconds:
                self._ending.read_at_end(tour)
                return
            if self._clock.live_s() > 0 and time.monotonic() - looked_s > LOOK_EVERY_S:
                looked_s = time.monotonic()
                self._ending.look(tour)
                self._screen.status(
                    status_words(measure(self._ending, self._clock, ""), self._clock.now_ms())
                )

    def _order(self, tour: Tour) -> FeedOrder:
        return FeedOrder(
            url=tour.url,
            statements=tour.logins["lms"],
            events=tour.logins["business"],
            reader=tour.logins["reader"],
            tenant_key=(Path(self._settings.data_dir) / "tenant.key").read_text("ascii").strip(),
            employees=len(self._organisation.people),
            seed=self._seed,
            anchor_ms=self._clock.anchor_ms,
            history_days=self._past.days,
            speed=self._clock.speed,
            lapse_ms=self._clock.lapse_ms,
            lapse_s=self._clock.lapse_s,
        )

    def _follow(self, feed: FeedProcess, tour: Tour) -> None:
        """Read the simulator's reports until it ends; the tour begins when the past is behind us."""
        touring = False
        untold: list[FirstAction] = []
        for report in feed.reports():
            self._ending.report = report
            untold += report.firsts
            if report.sent.refused:
                self._fail(f"the server refused statements or events: {report.sent.first_refusal}")
            if report.event == "history":
                self._screen.status(f"  posting the past: {report.share:.0%}")
            elif report.event == "history-done":
                feed.start_live(self._clock.start())
            elif report.event == "failed":
                self._fail(report.detail)
            elif report.event == "live" and report.now_ms >= self._clock.anchor_ms:
                if not touring:
                    touring = True
                    self._begin_tour(tour, report)
                for action in untold:
                    self._screen.say(action_words(action))
                untold = []

    def _begin_tour(self, tour: Tour, report: Report) -> None:
        self._ending.read_at_start(tour)
        took_s = time.monotonic() - self._began_s
        self._screen.say(
            f"  The past {self._past.days:.0f} days are in: {report.sent.statements:,} statements and "
            f"{report.sent.events:,} events, {took_s:.0f} s after the start.\n"
        )
        self._screen.say(tour_words(tour, self._organisation))

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or reason


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


def _settings(folder: Path, organisation: Organisation, host: str, port: int | None) -> Settings:
    """Write map, roster and settings into the folder; return the settings."""
    program, roster = folder / "program.yaml", folder / "roster.json"
    program.write_text(organisation.program_text, encoding="utf-8")
    roster.write_text(organisation.roster_json(), encoding="utf-8")
    # The map sends actions to "console". Here that is a file, so that the terminal stays readable.
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
