"""`make bench-roster`: a roster of 100,000 people into force, changes of single people, merges.

What is measured, how, and what the figures do not say: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
import os
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from measuring.figures import Table, core_speed, load_average, machine

from carrythrough.embedded.runtime import Embedded
from carrythrough.identity.changes import PutPerson, after_changes
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.person import Identifier, Person, Roster, RosterAccount
from carrythrough.identity.roster import load_roster
from carrythrough.settings import Settings
from carrythrough.xapi.admission import Limits, admit

MAP = """
map: bench
version: 1
name: Bench
goals: [{id: g, name: G, kpis: [{id: k, name: K, target: 10}]}]
skills: [{id: calm, name: Calm, kpis: [k]}]
activities:
  - {id: quiz, name: Quiz, match: {activity_prefix: "https://x.example/q/"}, evidence: [{skill: calm, channel: learn, outcome: score}]}
"""  # noqa: E501
HOME = "https://lms.x.example"
STATEMENTS_EACH = 5
"""Statements of each stranger who becomes known."""
CHANGES = 200
"""Changes of single people, one request each."""


class Scale(msgspec.Struct, frozen=True):
    """How large a run is."""

    people: int
    strangers: int


FULL = Scale(100_000, 5_000)
QUICK = Scale(10_000, 500)


def people_of(count: int) -> tuple[Person, ...]:
    """Return people with an address, an account, a manager and a place each."""
    return tuple(
        Person(
            id=f"e-{n}",
            name=f"Person {n}",
            email=f"p{n}@x.example",
            identifiers=(Identifier(account=RosterAccount(home_page=HOME, name=f"user-{n}")),),
            manager=f"e-{n // 12}" if n else "",
            team=f"team-{n // 12}",
            role=f"role-{n % 9}",
            site=f"site-{n % 40}",
            time_zone="Europe/Zurich",
        )
        for n in range(count)
    )


def as_csv(people: tuple[Person, ...]) -> str:
    """Return the people as an HR system exports them."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            "id",
            "name",
            "email",
            "account_home_page",
            "account_name",
            "manager",
            "team",
            "role",
            "site",
            "time_zone",
        ]
    )
    for n, p in enumerate(people):
        writer.writerow(
            [p.id, p.name, p.email, HOME, f"user-{n}", p.manager, p.team, p.role, p.site, p.time_zone]
        )
    return text.getvalue()


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    """Return (seconds, result)."""
    started = time.perf_counter()
    result = act()
    return time.perf_counter() - started, result


def statements_of(strangers: int) -> list[bytes]:
    """Return posts of statements of people whom no roster knows yet, half by address and half by account."""
    bodies: list[dict[str, Any]] = []
    for number in range(strangers * STATEMENTS_EACH):
        who = number % strangers
        account = {"account": {"homePage": HOME, "name": f"User-{who}"}}
        bodies.append(
            {
                "id": str(uuid.UUID(int=number + 1)),
                "actor": account if who % 2 else {"mbox": f"mailto:p{who}@x.example"},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
                "object": {"id": f"https://x.example/q/{number % 50}"},
                "result": {"score": {"scaled": number % 7 / 6}},
            }
        )
    return [json.dumps(bodies[at : at + 500]).encode() for at in range(0, len(bodies), 500)]


class Installation:
    """A server without its HTTP side in a folder of its own."""

    def __init__(self, folder: Path, roster: str = "") -> None:
        (folder / "map.yaml").write_text(MAP)
        settings = Settings(data_dir=str(folder / "data"), program=str(folder / "map.yaml"), roster=roster)
        self.running = Embedded(settings)
        self.running.start(deliver=False)

    def caught_up(self) -> None:
        """Wait until everything acknowledged is folded."""
        if not self.running.caught_up(600):
            raise SystemExit("the fold did not catch up in ten minutes")

    def change(self, person: Person) -> None:
        """Put one person, and return when it is on disk."""
        asyncio.run(self.running.submit_roster_changes([PutPerson(person)], "bench"))


def opened(folder: Path, roster: str) -> Installation:
    """Start with a roster file and return when it is in force."""
    installation = Installation(folder, roster)
    installation.caught_up()
    return installation


def run(scale: Scale, folder: Path) -> dict[str, Any]:
    """Measure one scale and return the figures."""
    table = Table()
    figures: dict[str, Any] = {"people": scale.people, "strangers": scale.strangers}

    def note(name: str, words: str, value: float, unit: str) -> None:
        figures[name] = round(value, 2 if unit == "s" else 1)
        table.add(words, f"{value:>10.2f} {unit}")

    people = people_of(scale.people)
    whole = msgspec.json.encode(Roster(people=people)).decode()
    (folder / "roster.json").write_text(whole)
    (folder / "roster.csv").write_text(as_csv(people))
    table.title(f"a roster of {scale.people:,} people: {machine()}")
    read_s, roster = timed(lambda: load_roster((folder / "roster.json").read_text(), "roster.json"))
    csv_s, _ = timed(lambda: load_roster((folder / "roster.csv").read_text(), "roster.csv"))
    index_s, index = timed(lambda: RosterIndex(roster, bytes(32)))
    note("roster_read_json_s", "read and check, JSON", read_s, "s")
    note("roster_read_csv_s", "read and check, CSV", csv_s, "s")
    note("roster_index_s", "index", index_s, "s")
    note("roster_load_s", "JSON read, checked and indexed", read_s + index_s, "s")
    note("roster_load_csv_s", "CSV read, checked and indexed", csv_s + index_s, "s")
    note("roster_change_us", "one change, in memory", _change_us(index, people), "us")

    with_strangers = Installation(_made(folder / "used"))
    for body in statements_of(scale.strangers):
        asyncio.run(with_strangers.running.submit_statements(admit(body, Limits(), "1.0.3"), "bench"))
    with_strangers.caught_up()
    with_strangers.running.stop()
    empty_s, empty = timed(lambda: opened(_made(folder / "empty"), str(folder / "roster.json")))
    note("roster_start_s", "a server starts with it, nobody to merge", empty_s, "s")
    changes_ms = [_change_ms(empty, people[n]) for n in range(CHANGES)]
    note("roster_change_ms", "one change on disk and in force (median)", statistics.median(changes_ms), "ms")
    empty.running.stop()
    again_s, again = timed(lambda: opened(folder / "empty", str(folder / "roster.json")))
    note("roster_restart_s", f"the server starts again, {CHANGES} changes later", again_s, "s")
    again.running.stop()
    used_s, used = timed(lambda: opened(folder / "used", str(folder / "roster.json")))
    note(
        "roster_merge_s", f"a server starts with it, {scale.strangers:,} strangers become known", used_s, "s"
    )
    note("merge_ms", "each of them", max(used_s - empty_s, 0) * 1_000 / scale.strangers, "ms")
    used.running.stop()
    table.print()
    return figures | {"core_speed": core_speed(), "load_average": load_average()}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _change_us(index: RosterIndex, people: tuple[Person, ...]) -> float:
    """Return what one change costs, as the mean over many in a row (now and then one puts layers together)."""
    count = len(people) // 10

    def change() -> None:
        now = index
        for n in range(count):
            moved = msgspec.structs.replace(people[n], email=f"new{n}@x.example")
            now = after_changes(now, [PutPerson(moved)])

    return timed(change)[0] * 1e6 / count


def _change_ms(installation: Installation, person: Person) -> float:
    def change() -> None:
        installation.change(msgspec.structs.replace(person, email=person.email.replace("@", "@new.")))
        installation.caught_up()

    return timed(change)[0] * 1_000


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="make bench-roster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run for development")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="carrythrough-roster-", dir=os.environ.get("TMPDIR")))
    try:
        print(json.dumps(run(QUICK if arguments.quick else FULL, folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
