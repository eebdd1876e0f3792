"""The process that plays the sample organisation against a running server.

It is a process of its own, so that making thousands of statements never takes
computing time away from the server that is being shown. It is told what to do by one
JSON line on standard input (`FeedOrder`), then by the lines "start" (let time run) and
"stop"; the end of standard input also means stop, so it never outlives its parent.
It reports by JSON lines on standard output (`Report`).
"""

from __future__ import annotations

import queue
import signal
import sys
import threading
import time
from collections import Counter
from typing import IO, Any

import httpx
import msgspec

from carrythrough.identity.actor import pseudonym
from carrythrough.testing.clock import ScaledClock
from carrythrough.testing.simulator import DAY_MS, Simulator
from carrythrough.testing.simulator_people import load_organisation
from carrythrough.testing.simulator_reactions import ActionReader
from carrythrough.testing.simulator_senders import Sender, SenderStoppedError, Sent

LIVE_PAUSE_S = 0.1
"""Real seconds between two looks at the clock in live time."""
REPORT_EVERY_S = 0.5
CATCH_UP_MS = 6 * 3_600_000
"""Simulated time played at most between two looks at what else there is to do, when the feed is behind."""
REACTIONS_MAX = 200
"""Actions taken from the queue at one look."""


class FeedOrder(msgspec.Struct, kw_only=True):
    """What the parent asks for.

    statements, events, reader: (key, secret) of Basic credentials. tenant_key: hexadecimal; with it
    the simulated people recognise the actions that are meant for them. anchor_ms, speed, lapse_ms,
    lapse_s: of the server's clock (see `ScaledClock`); what lies before its time lapse is posted as
    history. history_days: all that is played before the anchor.
    """

    url: str
    statements: tuple[str, str]
    events: tuple[str, str]
    reader: tuple[str, str]
    tenant_key: str
    employees: int
    seed: int
    anchor_ms: int
    history_days: float
    speed: float
    lapse_ms: int
    lapse_s: float


class Command(msgspec.Struct, kw_only=True):
    """A line from the parent. do: "start" (with started_ns of the server's clock) or "stop"."""

    do: str
    started_ns: int = 0


class FirstAction(msgspec.Struct, kw_only=True):
    """An action in words: who got what about which skill, and why."""

    action: str
    name: str
    skill: str
    why: str


class Report(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line to the parent. event: "history" (under way), "history-done", "live", "failed" or "stopped".

    now_ms: simulated time up to which everything is posted. share: part of the history that is
    posted, 0..1. behind_s: real seconds by which the senders run behind the clock. actions: how many
    were requested, by rule of the program map. taken_up: how many of them a simulated person acted
    on. firsts: the first action of each rule, each told once.
    """

    event: str
    sent: Sent
    now_ms: int = 0
    share: float = 0.0
    behind_s: float = 0.0
    actions: dict[str, int] = {}
    taken_up: int = 0
    firsts: list[FirstAction] = []
    detail: str = ""


class Feed:
    """Plays history, waits for the start, then keeps up with the clock until it is told to stop."""

    def __init__(self, order: FeedOrder, commands: IO[bytes], reports: IO[bytes]) -> None:
        self._order = order
        self._reports = reports
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._actions: Counter[str] = Counter()
        self._taken_up = 0
        self._firsts: list[FirstAction] = []
        self._reported_s = 0.0
        organisation = load_organisation(order.employees)
        self._start_ms = order.anchor_ms - int(order.history_days * DAY_MS)
        self._simulator = Simulator(organisation, order.seed, self._start_ms, order.history_days)
        logins = {"statement": order.statements, "event": order.events}
        self._sender = Sender(order.url, logins, self._stop.is_set)
        self._reader = ActionReader(order.url, order.reader, self._heard.put)
        tenant_key = bytes.fromhex(order.tenant_key)
        self._people = {pseudonym(tenant_key, f"roster:{p.id}"): p for p in organisation.people}
        threading.Thread(target=self._listen, args=(commands,), name="commands", daemon=True).start()

    def run(self) -> int:
        """Play until stopped; return the exit code, 1 when the server could not be reached."""
        self._reader.start()
        try:
            self._play_history()
            clock = self._wait_for_start()
            while clock is not None and not self._stop.is_set():
                self._keep_up(clock)
        except SenderStoppedError:
            pass
        except httpx.TransportError as error:
            if not self._stop.is_set():
                self._report("failed", detail=f"the server cannot be reached: {error}")
                return 1
        finally:
            self._reader.stop()
            self._sender.close()
        self._report("stopped")
        return 0

    def _listen(self, commands: IO[bytes]) -> None:
        for line in commands:
            command = msgspec.json.decode(line, type=Command)
            if command.do == "stop":
                break
            self._commands.put(command)
        self._stop.set()
        self._commands.put(Command(do="stop"))

    def _play_history(self) -> None:
        end_ms = self._order.anchor_ms - self._order.lapse_ms
        while self._simulator.now_ms < end_ms and not self._stop.is_set():
            until_ms = min(end_ms, self._simulator.now_ms + DAY_MS)
            self._sender.send(self._simulator.advance(until_ms))
            share = (until_ms - self._start_ms) / (end_ms - self._start_ms)
            self._report("history", share=share, at_most_every_s=REPORT_EVERY_S)
        if not self._stop.is_set():
            self._report("history-done", share=1.0)

    def _wait_for_start(self) -> ScaledClock | None:
        command = self._commands.get()
        if command.do != "start":
            return None
        order = self._order
        return ScaledClock(
            order.anchor_ms,
            order.speed,
            lapse_ms=order.lapse_ms,
            lapse_s=order.lapse_s,
            started_ns=command.started_ns,
        )

    def _keep_up(self, clock: ScaledClock) -> None:
        """Post what arrives up to the clock's present, then let people act on what reached them."""
        now_ms = clock.now_ms()
        until_ms = min(now_ms, self._simulator.now_ms + CATCH_UP_MS)
        self._sender.send(self._simulator.advance(until_ms))
        self._react()
        behind_s = (clock.now_ms() - self._simulator.now_ms) / 1000.0 / self._order.speed
        self._report("live", behind_s=behind_s, at_most_every_s=REPORT_EVERY_S)
        if until_ms == now_ms:
            self._stop.wait(LIVE_PAUSE_S)

    def _react(self) -> None:
        for _ in range(REACTIONS_MAX):
            try:
                action = self._heard.get_nowait()
            except queue.Empty:
                return
            person = self._people.get(action["recipient"])
            if person is not None:
                self._note_first(action, person.name)
            self._actions[action["rule"]] += 1
            if person is not None and action["recipient"] == action["subject"]:
                self._taken_up += self._simulator.prompt(person.id, action["skill"], action["action"])

    def _note_first(self, action: dict[str, Any], name: str) -> None:
        if action["rule"] not in self._actions:
            words = {"action": action["action"], "skill": action["skill_name"], "why": action["why"]}
            self._firsts.append(FirstAction(name=name, **words))

    def _report(
        self,
        event: str,
        *,
        share: float = 0.0,
        behind_s: float = 0.0,
        detail: str = "",
        at_most_every_s: float = 0.0,
    ) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s < at_most_every_s:
            return
        self._reported_s = now_s
        report = Report(
            event=event,
            sent=self._sender.sent,
            now_ms=self._simulator.now_ms,
            share=round(share, 4),
            behind_s=round(behind_s, 2),
            actions=dict(self._actions),
            taken_up=self._taken_up,
            firsts=self._firsts,
            detail=detail,
        )
        self._firsts = []
        try:
            self._reports.write(msgspec.json.encode(report) + b"\n")
            self._reports.flush()
        except BrokenPipeError:
            self._stop.set()  # nobody listens any more


def main() -> int:
    """Run the feed on standard input and output; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=FeedOrder)
    return Feed(order, sys.stdin.buffer, sys.stdout.buffer).run()


if __name__ == "__main__":
    sys.exit(main())
