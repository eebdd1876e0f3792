"""A data folder with a million stored statements for bench-query: what a large installation holds, and the worst of it.

Most are the statements of bench-intake. Woven in, all the time: a robot with a tenth of everything,
whose verb nobody else uses; groups with members and instructors; statements about statements, before
and after those; voids; one person who did five things. The log is written as the committer writes it,
group by group, with stored times over a year; the scores of it are not computed, as no query asks for them.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from carrythrough.embedded.attachments import AttachmentFile
from carrythrough.embedded.log import LogFile
from carrythrough.embedded.statements.store import StatementStore
from carrythrough.embedded.store import StateFile
from carrythrough.telemetry.metrics import Telemetry
from measuring.mix import Made

HOME = "https://lms.bench.example"
ROBOT = {"account": {"homePage": HOME, "name": "robot"}}
AUDITOR = {"account": {"homePage": HOME, "name": "auditor"}}
RARE = {"account": {"homePage": HOME, "name": "rare"}}
COACHES = [{"mbox": f"mailto:coach{n}@bench.example"} for n in range(40)]
MEMBERS = [{"account": {"homePage": HOME, "name": f"member{n}"}} for n in range(3_000)]
POLLED = "https://bench.example/verbs/polled"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
CONFIRMED = "https://bench.example/verbs/confirmed"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
HUB = f"{HOME}/hub"
COURSE = f"{HOME}/course"
RARE_COUNT = 5
YEAR_MS = 365 * 86_400_000
GROUP = 5_000
"""Statements of one commit."""
PER_THOUSAND = {"robot": 100, "group": 30, "about": 25, "early": 3, "void": 2}


class _Head(msgspec.Struct):
    id: str


_head = msgspec.json.Decoder(_Head).decode


class Woven:
    """An endless stream of (id, text, credential); the same for a seed."""

    def __init__(self, made: Iterator[Made], count: int, seed: int = 7) -> None:
        self._made = made
        self._count = count
        self._chance = random.Random(seed)
        self._ids: list[str] = []
        self._owed: list[str] = []
        kinds = [kind for kind, share in PER_THOUSAND.items() for _ in range(share)]
        self._kinds = kinds + ["real"] * (1_000 - len(kinds))

    def __iter__(self) -> Iterator[tuple[bytes, bytes, str]]:
        """Yield `count` statements."""
        rare = set(self._chance.sample(range(self._count), RARE_COUNT))
        for number in range(self._count):
            kind = "rare" if number in rare else self._chance.choice(self._kinds)
            credential = "mobile" if self._chance.random() < 0.1 else "lms"
            if kind == "real":
                text = next(self._made).body
                id_ = _head(text).id
            else:
                id_ = self._owed.pop() if self._owed and kind == "robot" else self._uuid()
                text = json.dumps({"id": id_, **self._statement(kind)}, separators=(",", ":")).encode()
            if len(self._ids) < 200_000:
                self._ids.append(id_)
            yield uuid.UUID(id_).bytes, text, credential

    def _statement(self, kind: str) -> dict[str, Any]:
        chance = self._chance
        course = {"contextActivities": {"parent": [{"id": COURSE}], "grouping": [{"id": HUB}]}}
        if kind == "robot":
            return {"actor": ROBOT, "verb": {"id": POLLED}, "object": {"id": HUB}, "context": course}
        if kind == "group":
            members = chance.sample(MEMBERS, 8)
            context = {**course, "instructor": chance.choice(COACHES), "registration": self._uuid()}
            return {
                "actor": {"objectType": "Group", "name": "Shift", "member": members},
                "verb": {"id": COMPLETED},
                "object": {"id": f"{HOME}/drill/{chance.randrange(300)}"},
                "context": context,
            }
        if kind == "rare":
            return {"actor": RARE, "verb": {"id": COMPLETED}, "object": {"id": f"{HOME}/drill/1"}}
        target = chance.choice(self._ids) if self._ids else self._uuid()
        if kind == "early":  # its target comes later
            target = self._uuid()
            self._owed.append(target)
        verb = VOIDED if kind == "void" else CONFIRMED
        return {
            "actor": AUDITOR,
            "verb": {"id": verb},
            "object": {"objectType": "StatementRef", "id": target},
        }

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def write_log(folder: Path, made: Iterator[Made], count: int) -> float:
    """Write the log of a new data folder and return how many seconds that took."""
    began = time.perf_counter()
    log = LogFile(folder / "log.sqlite")
    last_ms = time.time_ns() // 1_000_000
    rows: list[object] = []
    ids: list[object] = []
    voiding: list[object] = []
    for number, (id_, text, credential) in enumerate(Woven(made, count), start=1):
        stored_ms = last_ms - YEAR_MS + YEAR_MS * number // (count + 1)
        rows += (number, 1, stored_ms, stored_ms, credential, id_, text, 103)
        ids += (id_, number)
        if VOIDED.encode() in text:
            voiding += (uuid.UUID(json.loads(text)["object"]["id"]).bytes, number)
        if number % GROUP == 0 or number == count:
            log.begin()
            log.append(rows, ids, number, voiding)
            log.commit()
            rows, ids, voiding = [], [], []
    _fold_nothing(folder, log)
    log.close()
    return time.perf_counter() - began


def index(folder: Path, timeout_s: float = 600.0) -> float:
    """Build the index of a data folder and return how many seconds that took."""
    began = time.perf_counter()
    log = LogFile(folder / "log.sqlite")
    attachments = AttachmentFile(folder / "attachments.sqlite")
    store = StatementStore(folder / "index.sqlite", log, attachments, lambda: 0, Telemetry(), HOME)
    store.start()
    assert store.indexer.wait_for(log.end, timeout_s), "the index does not get there"
    seconds = time.perf_counter() - began
    store.stop()
    attachments.close()
    log.close()
    return seconds


def _fold_nothing(folder: Path, log: LogFile) -> None:
    """Say in the state file that all of the log is folded."""
    state = StateFile(folder / "state.sqlite", log.reader())
    state.connection.execute("INSERT OR REPLACE INTO meta VALUES ('position', ?)", (log.end,))
    state.close()
