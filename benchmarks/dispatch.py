"""`make bench-dispatch`: deliveries to a local webhook, and what a hanging adapter costs the others.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import structlog
from measuring.figures import Table, core_speed, load_average, machine, percentile
from measuring.servers import Server, fresh_folder, stop_servers_when_told

from carrythrough.dispatch.dispatcher import Dispatcher
from carrythrough.dispatch.events import Delivered, DispatchEvent
from carrythrough.dispatch.registry import build_adapters
from carrythrough.embedded.clock import SystemClock
from carrythrough.embedded.database import connect
from carrythrough.embedded.outbox import SqliteOutbox
from carrythrough.embedded.schema import OUTBOX, SCHEMA
from carrythrough.pipeline.effects import ActionRequested
from carrythrough.ports import Recipient
from carrythrough.telemetry.metrics import Telemetry

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="  # noqa: S105 - of a receiver that checks nothing
DAY_MS = 86_400_000
WAIT_S_MAX = 600.0


class Scale(msgspec.Struct, frozen=True):
    """deliveries: in one burst. rounds: of each part. steady: deliveries a second beside the hanging adapter."""

    deliveries: int
    rounds: int
    steady: int
    seconds: float
    hanging: int


FULL = Scale(deliveries=20_000, rounds=3, steady=200, seconds=10.0, hanging=5_000)
QUICK = Scale(deliveries=2_000, rounds=1, steady=100, seconds=1.0, hanging=100)


class State:
    """What `SqliteOutbox` needs of the state file, without the fold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.connection = connect(path)
        self.connection.execute(SCHEMA)
        self._put = 0
        self.committed_s: dict[str, float] = {}

    def put(self, adapters: dict[str, int]) -> None:
        """Commit so many fresh actions for each adapter, due now, as the fold would."""
        now_ms = int(time.time() * 1000)
        flat: list[object] = []
        ids: list[str] = []
        for adapter, number in adapters.items():
            for _ in range(number):
                self._put += 1
                one = action(self._put, now_ms)
                ids.append(one.id)
                body = msgspec.json.encode(one)
                flat += (one.id, adapter, one.recipient, body, "pending", 0, now_ms, "", "", now_ms, 0)
        # Column order of the table: adapter comes before action.
        rows = [flat[i : i + 11] for i in range(0, len(flat), 11)]
        values = [v for r in rows for v in (r[1], r[0], *r[2:])]
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            OUTBOX.run(self.connection, values)
            self.connection.execute("COMMIT")
        self.committed_s |= dict.fromkeys(ids, time.perf_counter())

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


class Known:
    """A directory that knows everybody."""

    def recipient(self, pseudonym: str) -> Recipient | None:
        """Return how to reach a person."""
        return Recipient(pseudonym=pseudonym, email="somebody@example.com")

    def recipients(self, pseudonyms: Any) -> dict[str, Recipient]:
        """Return all of them."""
        return {p: Recipient(pseudonym=p) for p in pseudonyms}


class Watch:
    """Telemetry as in the server, and beside it when each delivery was on disk."""

    def __init__(self) -> None:
        self._telemetry = Telemetry()
        self.settled_s: dict[str, dict[str, float]] = {}

    def emit(self, event: DispatchEvent) -> None:
        """Take an event."""
        self._telemetry.emit(event)
        if isinstance(event, Delivered):
            self.settled_s.setdefault(event.adapter, {})[event.action] = time.perf_counter()

    def count(self, adapter: str) -> int:
        """Return deliveries so far."""
        return len(self.settled_s.get(adapter, ()))


def action(number: int, now_ms: int) -> ActionRequested:
    """Return an action of the size that real ones have."""
    return ActionRequested(
        id=f"{number:032x}",
        subject=f"p{number % 5000:031x}",
        recipient=f"p{number % 5000:031x}",
        to="employee",
        skill="de-escalation",
        skill_name="De-escalation",
        action="nudge",
        rule="unapplied-nudge",
        stage="unapplied",
        score=0.61,
        as_of_ms=now_ms,
        expires_ms=now_ms + 3 * DAY_MS,
        title="Try it on your next call",
        body="You have practised de-escalation three times this month, and no call has used it yet. " * 3,
        link="https://learn.example.com/de-escalation",
        why="practised, not yet applied",
    )


def dispatcher(state: State, url: str, watch: Watch, names: dict[str, str]) -> Dispatcher:
    """Return a dispatcher as the server builds it. names: adapter to path of the receiver."""
    adapters = build_adapters(
        {
            name: {"adapter": "webhook", "url": url + path, "secrets": [SECRET], "timeout_s": 20.0}
            for name, path in names.items()
        }
    )
    return Dispatcher(
        # The outbox needs path and lock of a state file, and none of the fold that a real one opens with.
        SqliteOutbox(state),  # type: ignore[arg-type]
        adapters,
        Known(),
        SystemClock(),
        lambda *_: None,
        watch,
    )


def burst(parent: Path, deliveries: int) -> tuple[float, float, int]:
    """Return (deliveries a second, CPU µs a delivery of our process, repeats seen by the receiver)."""
    folder, watch = fresh_folder(parent), Watch()
    with Server("receiver", parent) as receiver:
        state = State(folder / "state.sqlite")
        state.put({"good": deliveries})
        runner = dispatcher(state, receiver.info["url"], watch, {"good": "/take"})
        began, cpu = time.perf_counter(), time.process_time()
        runner.start()
        while watch.count("good") < deliveries:
            time.sleep(0.01)
            if time.perf_counter() - began > WAIT_S_MAX:
                raise RuntimeError(f"only {watch.count('good')} of {deliveries} were delivered")
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        counts = httpx.get(receiver.info["url"] + "/counts", timeout=10, trust_env=False).json()
        runner.stop()
        state.close()
    return deliveries / took, cpu / deliveries * 1e6, counts["posts"] - counts["ids"]


def steady(parent: Path, scale: Scale, hanging: int) -> list[float]:
    """Return the ages (ms) of steady deliveries, while `hanging` actions wait for an adapter that hangs."""
    folder, watch = fresh_folder(parent), Watch()
    with Server("receiver", parent) as receiver:
        state = State(folder / "state.sqlite")
        names = {"good": "/take", "hanging": "/hang"}
        state.put({"hanging": hanging})
        runner = dispatcher(state, receiver.info["url"], watch, names)
        runner.start()
        time.sleep(0.5)
        began, put, total = time.perf_counter(), 0, int(scale.steady * scale.seconds)
        while put < total:
            ready = min(total, int((time.perf_counter() - began) * scale.steady))
            if ready > put:
                state.put({"good": ready - put})
                runner.notify()
                put = ready
            time.sleep(0.002)
        while watch.count("good") < total and time.perf_counter() - began < WAIT_S_MAX:
            time.sleep(0.01)
        runner.stop(grace_s=0.1)
        state.close()
    # What is sent before `put` has noted its time was sent at once.
    settled = watch.settled_s["good"]
    return [max(0.0, at - state.committed_s[one]) * 1000.0 for one, at in settled.items()]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small share, to see that it runs")
    parser.add_argument("--data-dir", type=Path, default=Path("build/bench"), help="a folder on a real disk")
    arguments = parser.parse_args()
    scale = QUICK if arguments.quick else FULL
    stop_servers_when_told()
    # As in a server: what goes well is told at debug, and counted.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    table = Table()
    table.title("Machine")
    table.add("where", machine())
    table.add("speed", core_speed())
    table.add("load average at the start", load_average())

    bursts = [burst(arguments.data_dir, scale.deliveries) for _ in range(scale.rounds)]
    rate = statistics.median(found[0] for found in bursts)
    table.title(f"{scale.deliveries:,} actions to one webhook on this machine, {scale.rounds} rounds")
    table.add(
        "deliveries/s, median (all rounds)", f"{rate:,.0f} ({', '.join(f'{b[0]:,.0f}' for b in bursts)})"
    )
    table.add("CPU of the sender a delivery", f"{statistics.median(b[1] for b in bursts):.0f} µs")
    table.add("posts under an id that had come before", str(sum(b[2] for b in bursts)))

    alone, beside = [], []
    for _ in range(scale.rounds):  # in turn, so that a slow minute of the machine falls on both
        alone.append(steady(arguments.data_dir, scale, 0))
        beside.append(steady(arguments.data_dir, scale, scale.hanging))
    p99_alone = statistics.median(percentile(ages, 0.99) for ages in alone)
    p99_beside = statistics.median(percentile(ages, 0.99) for ages in beside)
    growth = p99_beside / max(p99_alone, 1.0) - 1.0
    table.title(f"{scale.steady} deliveries/s, from the commit of the action to the receipt")
    table.add("p99 with no other work", f"{p99_alone:.1f} ms")
    table.add(
        f"p99 beside an adapter that hangs, {scale.hanging:,} actions waiting for it", f"{p99_beside:.1f} ms"
    )
    table.add("growth", f"{growth:+.1%}")
    table.print()
    print(json.dumps({"deliveries_per_s": round(rate), "hang_p99_growth": round(growth, 4)}))


if __name__ == "__main__":
    main()
