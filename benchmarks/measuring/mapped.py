"""Program maps of any size and statements about them for bench-match: every way to be recognised, and none.

A map has activities named one by one and general rules of ten kinds in turn. A statement is dressed as one
kind would know it, and carries beside that what real ones carry: a registration, a course, a profile, a score.
`popular` draws what it is about as people do (by Zipf's law); `fresh` repeats nothing but what the map names.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

ADL = "http://adlnet.gov/expapi/verbs/"
LMS, SIM = "https://lms.bench.example", "https://sim.bench.example"
CMI5 = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
QUESTION = "http://adlnet.gov/expapi/activities/cmi.interaction"
LAUNCH = f"{SIM}/extensions/launch"
SESSION = "https://w3id.org/xapi/cmi5/context/extensions/sessionid"
SKILLS = 50
PEOPLE = 5_000
VERBS = ("answered", "completed", "passed", "failed", "experienced", "attempted")
NAMED = 36
"""Statements of a hundred about an activity that the map names one by one."""
UNMATCHED = 12
"""... and about what no matcher knows. The rest meets a general rule, by the shares of KINDS."""

Document = dict[str, Any]


class Kind:
    """One kind of general rule. share: of a hundred statements. match: of rule n. dress: a statement for it."""

    def __init__(
        self, share: int, match: Callable[[int], Document], dress: Callable[[Document, int, str], None]
    ) -> None:
        self.share = share
        self.match = match
        self.dress = dress


def _object(prefix: str) -> Callable[[Document, int, str], None]:
    def dress(st: Document, n: int, unique: str) -> None:
        st["object"]["id"] = f"{prefix}/{n}/{unique}"

    return dress


def _around(member: str, prefix: str, suffix: str = "") -> Callable[[Document, int, str], None]:
    def dress(st: Document, n: int, _: str) -> None:
        st["context"]["contextActivities"][member].append({"id": f"{prefix}/{n}{suffix}"})

    return dress


def _typed(st: Document, n: int, _: str) -> None:
    st["object"]["definition"]["type"] = f"{LMS}/types/{n}"
    st["verb"]["id"] = ADL + "answered"


def _grouped(st: Document, n: int, unique: str) -> None:
    _around("grouping", f"{LMS}/program")(st, n, unique)
    st["object"]["definition"]["type"] = QUESTION


def _verb(st: Document, n: int, _: str) -> None:
    st["verb"]["id"] = f"{LMS}/verbs/{n}"


def _bank(st: Document, n: int, unique: str) -> None:
    _object(f"{LMS}/bank")(st, n, unique)
    st["verb"]["id"] = ADL + "answered"


def _mode(st: Document, n: int, _: str) -> None:
    st["context"]["extensions"] |= {LAUNCH: {"mode": f"scenario-{n}", "attempt": 1}}


def _enrolled(st: Document, n: int, _: str) -> None:
    st["context"]["registration"] = enrolment(n)


def enrolment(n: int) -> str:
    """Return the registration that rule n names."""
    return f"aaaaaaaa-0000-4000-8000-{n:012x}"


ANSWERED = {"verb": ADL + "answered"}
KINDS = (
    Kind(11, lambda n: {"activity_prefix": f"{SIM}/scenario/{n}/"}, _object(f"{SIM}/scenario")),
    Kind(6, lambda n: {"activity_prefix": f"{LMS}/bank/{n}/"} | ANSWERED, _bank),
    Kind(4, lambda n: {"activity_type": f"{LMS}/types/{n}"} | ANSWERED, _typed),
    Kind(4, lambda n: {"category": f"{LMS}/category/{n}"}, _around("category", f"{LMS}/category")),
    Kind(5, lambda n: {"profile": f"{LMS}/profile/{n}"}, _around("category", f"{LMS}/profile", "/v1.0")),
    Kind(
        9,
        lambda n: {"parent": f"{LMS}/module/{n}", "except": {"verb": ADL + "experienced"}},
        _around("parent", f"{LMS}/module"),
    ),
    Kind(5, lambda n: {"grouping": f"{LMS}/program/{n}", "activity_type": QUESTION}, _grouped),
    Kind(3, lambda n: {"verb": f"{LMS}/verbs/{n}"}, _verb),
    Kind(3, lambda n: {"extension": [{"iri": LAUNCH, "path": ["mode"], "equals": f"scenario-{n}"}]}, _mode),
    Kind(2, lambda n: {"registration": enrolment(n)}, _enrolled),
)


def program_map(activities: int, rules: int) -> str:
    """Return the text (JSON) of a map with so many activities named one by one and so many general rules."""
    parts = [_part(f"activity-{n}", {"activity": named(n)}, n, "learn") for n in range(activities)]
    parts += [_part(f"rule-{n}", KINDS[n % len(KINDS)].match(n), n, "practice") for n in range(rules)]
    skills = [{"id": f"skill-{n}", "name": f"Skill {n}"} for n in range(SKILLS)]
    return json.dumps({"map": "bench", "version": 1, "name": "Bench", "skills": skills, "activities": parts})


def _part(name: str, match: Document, n: int, channel: str) -> Document:
    evidence = [{"skill": f"skill-{n % SKILLS}", "channel": channel, "outcome": "score", "item": "activity"}]
    if n % 8 == 0:
        evidence.append({"skill": f"skill-{(n + 1) % SKILLS}", "channel": channel, "outcome": "success"})
    return {"id": name, "name": name, "match": match, "evidence": evidence}


def named(n: int) -> str:
    """Return the id of the activity that the map names as its n-th."""
    return f"{LMS}/course/{n % 97}/item/{n}"


class Draw:
    """Draws numbers below a bound: evenly, or by Zipf's law."""

    def __init__(self, chance: random.Random, bound: int, *, even: bool) -> None:
        self._chance = chance
        self._all = range(bound)
        self._weights = None if even else list(accumulate(1.0 / (n + 1) for n in range(bound)))

    def one(self) -> int:
        """Return the next number."""
        return self._chance.choices(self._all, cum_weights=self._weights)[0]


def statements(activities: int, rules: int, count: int, *, fresh: bool, seed: int = 7) -> Iterator[bytes]:
    """Yield the texts of `count` statements for the map of that size."""
    chance = random.Random(seed)
    which = Draw(chance, activities, even=fresh)
    of_kind = [Draw(chance, len(range(k, rules, len(KINDS))), even=fresh) for k in range(len(KINDS))]
    shares = [kind.share for kind in KINDS]
    general = 100 - NAMED - UNMATCHED
    for number in range(count):
        who = number if fresh else chance.randrange(PEOPLE)
        st = _statement(chance, number, who, fresh=fresh)
        place = chance.randrange(100)
        if place < NAMED:
            st["object"]["id"] = named(which.one())
        elif place < NAMED + general:
            k = chance.choices(range(len(KINDS)), shares)[0]
            unique = str(number) if fresh else str(chance.randrange(40))
            KINDS[k].dress(st, k + len(KINDS) * of_kind[k].one(), unique)
        yield json.dumps(st, separators=(",", ":")).encode()


def _statement(chance: random.Random, number: int, who: int, *, fresh: bool) -> Document:
    """Return a statement that no rule matches: as it stands it is about something the map has not heard of."""
    what = number if fresh else chance.randrange(2_000)
    course = number if fresh else what % 97
    raw = chance.randrange(41)
    around = {
        "parent": [{"id": f"{LMS}/section/{course}", "objectType": "Activity"}],
        "grouping": [{"id": f"{LMS}/course/{course}", "definition": {"type": f"{LMS}/types/course"}}],
        "category": [{"id": CMI5}],
    }
    return {
        "id": f"{number:08x}-0000-4000-8000-{chance.getrandbits(48):012x}",
        "actor": {"account": {"homePage": LMS, "name": f"person{who}"}},
        "verb": {"id": ADL + chance.choice(VERBS), "display": {"en": "did"}},
        "object": {
            "id": f"{LMS}/elsewhere/{what}",
            "definition": {"type": f"{LMS}/types/lesson", "name": {"en": f"Something {what}"}},
        },
        "result": {"score": {"scaled": raw / 40, "raw": raw, "min": 0, "max": 40}, "success": raw > 20},
        "context": {
            "registration": f"{who:08x}-0000-4000-8000-{course:012x}",
            "platform": "Bench LMS 4.5",
            "extensions": {SESSION: f"session-{number}"},
            "contextActivities": around,
        },
        "timestamp": f"2026-03-{1 + number % 28:02}T12:00:{number % 60:02}Z",
    }
