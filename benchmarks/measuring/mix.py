"""The statements of bench-intake: real ones under fresh ids and actors, and scored ones by the same actors.

Real statements keep every byte but their id, the first two characters of the actor's name, and the
date, which is moved to the weeks before the run so that evidence is recent and scores are shown.
Each copy of the file is one week of one cohort of people. The cohorts take turns statement by
statement, so that no run of requests is about a few people only.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path

import msgspec

SKILLS = ("listening", "de-escalation", "diagnosis", "solutions", "follow-up")
SKILLS_PER_PERSON = 3
TURNS = (0, 0, 0, 1, 2)
"""Beyond one a week in turn, most scored statements are about the first of a person's skills."""
SCORED_EVERY = 10
"""After how many real statements of a copy its actor sends one more scored statement."""
STAGGER = 3671
"""How far apart, in lines, two cohorts are in the file at the same moment."""
_ID, _NAME, _TIME = "@@id@@", "@@name@@", "@@time@@"


class Template(msgspec.Struct, frozen=True):
    """A statement cut at what changes: head ID after_id NAME after_name TIME tail."""

    head: bytes
    after_id: bytes
    after_name: bytes
    tail: bytes


class Real(msgspec.Struct, frozen=True):
    """One real statement: its template, the actor's name, the day and the rest of its time stamp."""

    template: Template
    name: bytes
    day: str
    clock: bytes
    first_of_actor: bool


class Made(msgspec.Struct, frozen=True):
    """One statement ready to send; source: its id in hex when it is a scored one, else empty."""

    body: bytes
    source: str


def read_real(path: Path) -> list[Real]:
    """Return the statements of a .jsonl.gz file; raises OSError, ValueError for a line that is none."""
    found: list[Real] = []
    actors: set[str] = set()
    with gzip.open(path, "rb") as lines:
        for line in lines:
            statement = json.loads(line)
            name, time = statement["actor"]["account"]["name"], statement["timestamp"]
            marked = line.strip()
            for value, mark in ((statement["id"], _ID), (name, _NAME), (time, _TIME)):
                if marked.count(f'"{value}"'.encode()) != 1:
                    raise ValueError(f"{value!r} stands more than once in a statement of {path}")
                marked = marked.replace(f'"{value}"'.encode(), f'"{mark}"'.encode())
            found.append(Real(_cut(marked), name.encode(), time[:10], time[10:].encode(), name not in actors))
            actors.add(name)
    return found


def _cut(marked: bytes) -> Template:
    head, rest = marked.split(_ID.encode())
    after_id, rest = rest.split(_NAME.encode())
    after_name, tail = rest.split(_TIME.encode())
    return Template(head, after_id, after_name, tail)


def _question(skill: str, item: int, score: float) -> Template:
    """Return an answered question of an LMS's assessment, scored `score`."""
    return _template(
        "http://adlnet.gov/expapi/verbs/answered",
        "answered",
        {
            "objectType": "Activity",
            "id": f"https://lms.bench.example/quiz/{skill}/question/{item}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                "name": {"en-US": f"Question {item}: what would you say next?"},
                "interactionType": "choice",
                "correctResponsesPattern": ["b"],
                "choices": [{"id": c, "description": {"en-US": f"Answer {c.upper()}"}} for c in "abcd"],
            },
        },
        {"score": {"scaled": score}, "success": score >= 0.5, "response": "b", "duration": "PT41S"},
        f"https://lms.bench.example/quiz/{skill}",
    )


def _call(skill: str, item: int, score: float) -> Template:
    """Return a finished call in a simulation, with a raw score out of 40."""
    raw = round(40 * score)
    return _template(
        f"http://adlnet.gov/expapi/verbs/{'passed' if raw >= 20 else 'failed'}",
        "passed" if raw >= 20 else "failed",
        {
            "objectType": "Activity",
            "id": f"https://sim.bench.example/call/{skill}/{item}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/simulation",
                "name": {"en-US": f"Simulated call {item}"},
                "description": {
                    "en-US": "A caller whose order did not arrive, twice, and who is in a hurry."
                },
            },
        },
        {
            "score": {"raw": raw, "min": 0, "max": 40, "scaled": raw / 40},
            "success": raw >= 20,
            "completion": True,
            "duration": "PT6M12S",
            "extensions": {
                "https://sim.bench.example/ext/turns": 14,
                "https://sim.bench.example/ext/hints": 1,
            },
        },
        f"https://sim.bench.example/call/{skill}",
    )


def _template(
    verb: str, word: str, activity: dict[str, object], result: dict[str, object], parent: str
) -> Template:
    statement = {
        "id": _ID,
        "actor": {"objectType": "Agent", "account": {"name": _NAME, "homePage": "http://fun-mooc.fr"}},
        "verb": {"id": verb, "display": {"en-US": word}},
        "object": activity,
        "result": result,
        "context": {
            "registration": "3f2c7f5e-6a52-4f0e-9b1a-2f8f6ad0c1d4",
            "platform": "bench",
            "language": "en-US",
            "contextActivities": {"parent": [{"objectType": "Activity", "id": parent}]},
        },
        "timestamp": _TIME,
    }
    return _cut(json.dumps(statement, separators=(",", ":")).encode())


class Mix:
    """An endless stream of statements for `cohorts` sets of people over `weeks` weeks; the same for a seed.

    Beyond the last week it begins again with the first one under fresh ids.
    """

    def __init__(self, real: list[Real], cohorts: int, weeks: int, seed: int = 1) -> None:
        self._real = real
        self._cohorts = cohorts
        self._weeks = weeks
        self._random = random.Random(seed)
        scores = [s / 20 for s in range(2, 21)]
        self._scored = [
            [make(skill, self._random.randrange(20), self._random.choice(scores)) for _ in range(200)]
            for skill in SKILLS
            for make in (_question, _call)
        ]
        self._days = self._moved_days()
        self.real_made = 0

    def _moved_days(self) -> list[dict[str, bytes]]:
        days = sorted({entry.day for entry in self._real})
        yesterday = datetime.now(tz=UTC).date() - timedelta(days=1)
        shift = yesterday - date.fromisoformat(days[-1])
        return [
            {
                day: (date.fromisoformat(day) + shift - timedelta(weeks=self._weeks - 1 - week))
                .isoformat()
                .encode()
                for day in days
            }
            for week in range(self._weeks)
        ]

    def __iter__(self) -> Iterator[Made]:
        """Yield statements for ever."""
        lines = len(self._real)
        for week in cycle(range(self._weeks)):
            days = self._days[week]
            for line in range(lines):
                for cohort in range(self._cohorts):
                    at = (line + cohort * STAGGER) % lines
                    real = self._real[at]
                    name = b"%02x" % cohort + real.name[2:]
                    time = days[real.day] + real.clock
                    self.real_made += 1
                    yield Made(self._fill(real.template, name, time)[0], "")
                    if real.first_of_actor:
                        yield self._one_scored(name, time, week)
                    if at % SCORED_EVERY == 0:
                        yield self._one_scored(name, time, self._random.choice(TURNS))

    def _one_scored(self, name: bytes, time: bytes, turn: int) -> Made:
        first = int(name[-2:], 36) if name[-2:].isalnum() else 0
        skill = (first + turn % SKILLS_PER_PERSON) % len(SKILLS)
        kind = self._random.randrange(2)
        template = self._random.choice(self._scored[2 * skill + kind])
        body, source = self._fill(template, name, time)
        return Made(body, source)

    def _fill(self, template: Template, name: bytes, time: bytes) -> tuple[bytes, str]:
        bits = self._random.getrandbits(128)
        h = f"{bits:032x}"
        h = f"{h[:12]}4{h[13:16]}a{h[17:]}"
        text = f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}".encode()
        t = template
        return b"".join((t.head, text, t.after_id, name, t.after_name, time, t.tail)), h
