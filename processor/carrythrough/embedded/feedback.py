"""Program feedback: modules that are followed by weak transfer, found in the ledger, and told to their owners.

The owner is who answers for the learning program of the cohort, else for the map; as a roster id or an address they
are told, at most once a week, by the adapters that are configured. A message is about modules, never about a person, so
it is made beside the log and not decided in it: what was sent is in the outbox, and that is what a week is counted by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import apsw
import msgspec

from carrythrough.embedded.database import connect, select
from carrythrough.embedded.pair_histories import read_histories
from carrythrough.embedded.schema import OUTBOX
from carrythrough.embedded.store import StateFile
from carrythrough.embedded.terms import Terms
from carrythrough.evidence.types import Y_ONE, Channel
from carrythrough.identity.directory import RosterIndex
from carrythrough.impact.feedback import RECENT_MS, Meeting, WeakTransfer, weak_transfer
from carrythrough.impact.outcomes import DAY_MS
from carrythrough.pipeline.effects import ActionRequested, effect_id
from carrythrough.pipeline.plan import InForce
from carrythrough.program.cohorts import Cohorts
from carrythrough.reinforcement.addressee import person_of
from carrythrough.reinforcement.guards import next_open

RULE = "program-feedback"
"""Stands where actions name the rule that asked."""
EVERY_MS = 7 * DAY_MS
TOLD_MAX = 5
"""Warnings in one message; the page has them all."""
_MEETINGS = (
    "SELECT rule, skill, employee, min(t_ms), sum(CASE WHEN w > 0 THEN y END), sum(w > 0) FROM ledger"
    f" WHERE voided = 0 AND channel IN ({int(Channel.LEARN)}, {int(Channel.PRACTICE)}, {int(Channel.EXPOSURE)})"
    " GROUP BY rule, skill, employee HAVING min(t_ms) >= ?"
)


class Owned(NamedTuple):
    """A warning and who answers for it: as the map writes it, "" where it does not."""

    found: WeakTransfer
    owner: str


def read_warnings(connection: apsw.Connection, in_force: InForce, now_ms: int) -> list[Owned]:
    """Return the warnings as of a time; raises apsw.Error."""
    terms = Terms(connection)
    names = dict(select(connection, "SELECT id, subject FROM employee"))
    skills, known = in_force.program.skills, {a.id for a in in_force.program.map.activities}
    meetings = [
        Meeting(terms.text(rule), terms.text(skill), names[employee], first_ms, _mean(total, count))
        for rule, skill, employee, first_ms, total, count in select(
            connection, _MEETINGS, (now_ms - RECENT_MS,)
        )
        if employee in names
    ]
    meetings = [meeting for meeting in meetings if meeting.module in known]
    program_of, cohort_of = _cohorts(in_force, {meeting.subject for meeting in meetings})
    targets = {skill.id: skill.target for skill in skills.values() if not skill.in_dip(now_ms)}
    found = weak_transfer(
        meetings,
        read_histories(connection, terms, cohort_of),
        cohort_of,
        targets,
        now_ms,
        in_force.program.policy.minimum_group,
    )
    owners = {program.id: program.owner for program in in_force.program.map.programs}
    return [
        Owned(warning, owners.get(program_of[warning.cohort], "") or in_force.program.map.owner)
        for warning in found
    ]


def _mean(total: int | None, count: int) -> tuple[float, ...]:
    return (total / count / Y_ONE,) if total is not None and count else ()


def _cohorts(in_force: InForce, subjects: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the program of each cohort, and the cohort of each person; who is for comparison has none."""
    if not in_force.program.map.programs:
        return {"": ""}, dict.fromkeys(subjects, "")
    cohorts = Cohorts(in_force.program.map.programs)
    program_of: dict[str, str] = {}
    cohort_of: dict[str, str] = {}
    for subject in subjects:
        person = in_force.directory.person(subject)
        takings = () if person is None else cohorts.of(person.id, person.role, person.team, person.site)
        for taking in takings:
            if not taking.comparison:
                name = f"{taking.program}/{taking.cohort}" if taking.cohort else taking.program
                cohort_of[subject], program_of[name] = name, taking.program
                break
    return program_of, cohort_of


def shown(owned: Owned, in_force: InForce) -> dict[str, Any]:
    """Return a warning ready for JSON, with the names of the map."""
    activities = {activity.id: activity.name for activity in in_force.program.map.activities}
    skill = in_force.program.skills[owned.found.skill]
    rounded = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in msgspec.structs.asdict(owned.found).items()
    }
    return {
        **rounded,
        "module_name": activities.get(owned.found.module, owned.found.module),
        "skill_name": skill.name,
        "owner": owned.owner,
        "words": words(owned.found, activities.get(owned.found.module, owned.found.module), skill.name),
    }


def words(found: WeakTransfer, module: str, skill: str) -> str:
    """Return the warning with its evidence in words."""
    said = (
        f"After “{module}” the job outcomes for {skill} of {found.people} people average {_points(found.mean)} of 100 "
        f"({_points(found.low)}–{_points(found.high)}), below the target of {_points(found.target)}."
    )
    if found.in_module is not None:
        said += f" In the module itself they reached {_points(found.in_module)}."
    if found.before is not None:
        said += f" Before it they were at {_points(found.before)}."
    return said


def _points(share: float) -> str:
    return str(round(100 * share))


class Messenger:
    """Tells owners what was found, at most once a week each."""

    def __init__(
        self,
        state: StateFile,
        in_force: Callable[[], InForce],
        adapters: Callable[[], tuple[str, ...]],
        now_ms: Callable[[], int],
    ) -> None:
        self._state = state
        self._in_force = in_force
        self._adapters = adapters
        self._now_ms = now_ms

    def tell(self) -> int:
        """Put messages into the outbox for owners who are on the roster; return to how many. Raises apsw.Error."""
        now_ms, in_force = self._now_ms(), self._in_force()
        with closing(connect(self._state.path, readonly=True)) as connection:
            found = read_warnings(connection, in_force, now_ms)
        of_owner: dict[str, list[Owned]] = {}
        for owned in found:
            if subject := owner_subject(in_force.directory, owned.owner):
                of_owner.setdefault(subject, []).append(owned)
        told = 0
        for subject, mine in of_owner.items():
            due_ms = next_open(person_of(in_force.directory, in_force.program.policy, subject), now_ms)
            if due_ms:
                told += self._put(_message(in_force, subject, mine, now_ms), due_ms)
        return told

    def _put(self, action: ActionRequested, due_ms: int) -> bool:
        """Write one message for every adapter, unless its owner had one within the week."""
        body = msgspec.json.encode(action)
        flat: list[object] = []
        for adapter in self._adapters():
            flat += (
                adapter,
                action.id,
                action.subject,
                body,
                "pending",
                0,
                due_ms,
                "",
                "",
                action.as_of_ms,
                0,
            )
        with self._state.lock, closing(connect(self._state.path)) as connection, connection:
            lately = connection.execute(
                "SELECT 1 FROM outbox WHERE subject=? AND created_ms > ?"
                " AND json_extract(CAST(body AS TEXT), '$.rule')=? LIMIT 1",
                (action.subject, action.as_of_ms - EVERY_MS, RULE),
            ).fetchone()
            if lately is not None:
                return False
            OUTBOX.run(connection, flat)
        return bool(flat)


def owner_subject(directory: RosterIndex, owner: str) -> str | None:
    """Return the pseudonym of an owner who is written as a roster id or an address of the roster, else None."""
    if not owner:
        return None
    if directory.person_of_id(owner) is not None:
        return directory.own_subject(owner)
    if "@" not in owner:
        return None
    people: Mapping[str, Any] = directory.people
    return next((s for s, person in people.items() if person.email.lower() == owner.lower()), None)


def _message(in_force: InForce, subject: str, mine: list[Owned], now_ms: int) -> ActionRequested:
    told = [shown(owned, in_force) for owned in mine]
    first = told[0]
    more = len(told) - TOLD_MAX
    body = " ".join(entry["words"] for entry in told[:TOLD_MAX])
    if more > 0:
        body += f" And {more} more."
    return ActionRequested(
        id=effect_id("program-feedback", in_force.tenant, subject, now_ms),
        subject=subject,
        recipient=subject,
        to="owner",
        skill=first["skill"],
        skill_name=first["skill_name"],
        action="program-feedback",
        rule=RULE,
        stage="",
        score=None,
        as_of_ms=now_ms,
        expires_ms=now_ms + EVERY_MS,
        title=f"Weak transfer after {first['module_name']}",
        body=body,
        link="",
        why="You answer for this program. That the module is the cause is not said.",
    )
