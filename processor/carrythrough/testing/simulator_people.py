"""The sample organisation of the demo: its program map, its people, and what each is cast to live through.

Forty people are written out in `demo_organisation/roster.yaml`; more are made from
the same names, one team of ten after the other, so that 1 to 100,000 can be asked for.
"""

from __future__ import annotations

import enum
from importlib import resources
from typing import Any

import msgspec
import yaml

PEOPLE_MAX = 100_000
"""More would need a roster on disk instead of in memory; the cluster has its own generator for that."""
TEAM_SIZE = 10
SITES = 5
"""Teams written out in the roster, whose people stand in it by turns."""
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ORGANISATION_NAME = "Larkfield Service"


class Part(enum.Enum):
    """What a person is cast as, for one focus skill or for all of them (see `simulator_lives`)."""

    STEADY = "steady"
    LAPSED = "lapsed"
    UNUSED = "unused"
    LEANING = "leaning"
    NEWCOMER = "newcomer"
    STRUGGLING = "struggling"
    NO_SHOW = "no-show"


_CODES = {
    "s": Part.STEADY,
    "f": Part.LAPSED,
    "u": Part.UNUSED,
    "a": Part.LEANING,
    "n": Part.NEWCOMER,
    "w": Part.STRUGGLING,
    "x": Part.NO_SHOW,
}
# One letter a person, in the order of the roster. Each part is spread over teams, time zones and
# days off, so that whatever the day and the hour, somebody of each part is at work.
_CAST = "sfuas aufsf uafuf ffanu nfsfa sunaf awufn wfxsu"
CAST = tuple(_CODES[letter] for letter in _CAST.replace(" ", ""))

FOCUS: dict[str, dict[Part, str]] = {
    "agent": {
        Part.LAPSED: "de-escalation",
        Part.UNUSED: "guided-diagnosis",
        Part.LEANING: "clear-handover",
    },
    "technician": {
        Part.LAPSED: "safe-isolation",
        Part.UNUSED: "de-escalation",
        Part.LEANING: "guided-diagnosis",
    },
    "lead": {
        Part.LAPSED: "needs-discovery",
        Part.UNUSED: "coaching-conversation",
        Part.LEANING: "de-escalation",
    },
}
"""Role → part → the one skill in which the part shows; the person is steady in the others."""


class Employee(msgspec.Struct, frozen=True, kw_only=True):
    """One person of the sample organisation, as the simulator needs them.

    shift: start and end in minutes after local midnight. days_off: weekdays, Monday is 0.
    manager: roster id, "" for the head. parts: focus skill → part; the key "" holds for all others.
    """

    index: int
    id: str
    name: str
    email: str
    moodle_user: str
    badge: str
    manager: str
    team: str
    role: str
    time_zone: str
    shift: tuple[int, int]
    days_off: frozenset[int]
    parts: dict[str, Part]

    def part(self, skill: str) -> Part:
        """Return what this person is cast as for `skill`."""
        return self.parts.get(skill) or self.parts[""]


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """People and program map of the demo. rows: roster entries as written in the roster file."""

    program_text: str
    rows: tuple[dict[str, Any], ...]
    people: tuple[Employee, ...]

    def roster_json(self) -> str:
        """Return the roster as JSON text (YAML takes minutes for 100,000 people)."""
        return msgspec.json.encode({"roster": ORGANISATION_NAME, "people": self.rows}).decode()


def load_organisation(employees: int = 40) -> Organisation:
    """Return the sample organisation with `employees` people, 1..PEOPLE_MAX; ValueError outside."""
    if not 1 <= employees <= PEOPLE_MAX:
        raise ValueError(f"employees must be from 1 to {PEOPLE_MAX}, not {employees}")
    folder = resources.files(__package__).joinpath("demo_organisation")
    written: list[dict[str, Any]] = yaml.safe_load(folder.joinpath("roster.yaml").read_text("utf-8"))[
        "people"
    ]
    rows = written[:employees]
    known = {row["id"] for row in rows}
    rows = [_without_absent_manager(row, known) for row in rows]
    rows += [_made_row(index, written) for index in range(len(written), employees)]
    people = tuple(_employee(index, row, employees) for index, row in enumerate(rows))
    program_text = folder.joinpath("program.yaml").read_text("utf-8")
    return Organisation(program_text=program_text, rows=tuple(rows), people=people)


def _without_absent_manager(row: dict[str, Any], known: set[str]) -> dict[str, Any]:
    if row.get("manager") in known or "manager" not in row:
        return row
    return {**row, "manager": "e-001"}


def _made_row(index: int, written: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a roster entry beyond those written out: new names on the pattern of an existing entry."""
    count = len(written)
    team, place = divmod(index, TEAM_SIZE)
    # The roster goes round the five teams: the same column is the same site, hours and time zone.
    pattern = written[(team + SITES * place) % count]
    given = written[index % count]["name"].split(" ", 1)[0]
    family = written[(index * 7 + index // count) % count]["name"].split(" ", 1)[1]
    identity = f"e-{index + 1:03d}"
    leads = place == 0
    mail = f"{identity}@larkfield.example"
    return {
        **pattern,
        "id": identity,
        "name": f"{given} {family}",
        "email": mail,
        "identifiers": [
            {"account": {"homePage": "https://moodle.larkfield.example", "name": str(2001 + index)}},
            {"account": {"homePage": "https://sim.larkfield.example", "name": f"badge-{index + 1:03d}"}},
        ],
        "manager": "e-001" if leads else f"e-{team * TEAM_SIZE + 1:03d}",
        "team": f"team-{team + 1:04d}",
        "role": "lead" if leads else "technician" if team % SITES >= 3 else "agent",
    }


def _employee(index: int, row: dict[str, Any], employees: int) -> Employee:
    accounts = {i["account"]["homePage"]: i["account"]["name"] for i in row["identifiers"] if "account" in i}
    opens, closes = row["work_hours"].split("-")
    return Employee(
        index=index,
        id=row["id"],
        name=row["name"],
        email=row["email"],
        moodle_user=accounts["https://moodle.larkfield.example"],
        badge=accounts["https://sim.larkfield.example"],
        manager=row.get("manager", ""),
        team=row["team"],
        role=row["role"],
        time_zone=row["time_zone"],
        shift=(_minutes(opens), _minutes(closes)),
        days_off=frozenset(DAY_NAMES.index(day) for day in row["days_off"]),
        parts=_parts(index, row["role"], employees),
    )


def _parts(index: int, role: str, employees: int) -> dict[str, Part]:
    focus = FOCUS[role]
    if employees < len(_FIRST_PARTS) and index == 0:
        # Too few people for one part each: the first one lives through all three.
        return {"": Part.STEADY, **{skill: part for part, skill in focus.items()}}
    part = CAST[index % len(CAST)]
    if part in focus:
        return {"": Part.STEADY, focus[part]: part}
    return {"": part}


_FIRST_PARTS = CAST[:4]
"""The first four people show the three rules; with fewer than four, the first shows them alone."""


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
