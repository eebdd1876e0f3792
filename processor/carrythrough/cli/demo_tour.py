"""What the demo says on the terminal: where to look, what to paste, what is worth seeing."""

from __future__ import annotations

import json
import shlex
import textwrap
from datetime import UTC, datetime
from typing import Any

import msgspec

from carrythrough.testing.simulator_feed import FirstAction
from carrythrough.testing.simulator_people import FOCUS, ORGANISATION_NAME, Employee, Organisation, Part
from carrythrough.testing.simulator_statements import uuid_of
from carrythrough.testing.simulator_world import SKILL_BY_ID, SkillWorld

WIDTH = 100
BEHIND_SHOWN_S = 3.0
"""Real seconds by which the senders may run behind before the reader is told."""


class Tour(msgspec.Struct, frozen=True):
    """Where the server is. logins: name of the credential → (key, secret). speed: see `ScaledClock`."""

    url: str
    signin_url: str
    metrics_url: str
    logins: dict[str, tuple[str, str]]
    speed: float


def first_words(tour: Tour, organisation: Organisation) -> str:
    """Return what stands on the terminal as soon as the server answers."""
    people = len(organisation.people)
    width = max(len(name) for name in tour.logins)
    logins = "\n".join(
        f"      {name:<{width}}  {key}:{secret}" for name, (key, secret) in tour.logins.items()
    )
    return f"""
  Carrythrough demo: {ORGANISATION_NAME}, {people:,} simulated {"person" if people == 1 else "people"}, \
1 second here is {_span(tour.speed)} there.

    Open this    {tour.signin_url}
                 (the link signs you in once; the page is live)
    API          {tour.url}      metrics {tour.metrics_url}
    Credentials  (Basic, key:secret)
{logins}
"""


def tour_words(tour: Tour, organisation: Organisation) -> str:
    """Return what stands on the terminal once simulated time runs."""
    person, skill = sample_pair(organisation)
    return f"""  Send a statement yourself, from another terminal: {person.name} masters "{skill.scenario}".

{statement_command(tour, person, skill)}

  Read the scores that it moved:

{scores_command(tour, person)}

  Worth a look
    - The page: people and their skills with score, interval and stage. Click {person.name}, watch {skill.name}.
    - Whose recall fades gets a spaced review; who learnt but never gets to apply it, a nudge; who only
      succeeds with the job aid open, a hint to try without. The people act on what they get.

  Ctrl-C stops the demo.
"""


def action_words(action: FirstAction) -> str:
    """Return what the first action of a rule was, wrapped for the terminal."""
    text = f"First {action.action}: {action.name}, {action.skill}. {action.why}"
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def status_words(figures: dict[str, Any], now_ms: int) -> str:
    """Return the line that is kept up to date while the demo runs."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    behind = f" · senders {figures['behind_s']:.0f} s behind" if figures["behind_s"] > BEHIND_SHOWN_S else ""
    return (
        f"  {moment:%a %d %b %H:%M} UTC there · {figures['statements']:,} statements · "
        f"{figures['events']:,} events · {sum(figures['actions'].values()):,} actions{behind}"
    )


def ending_words(figures: dict[str, Any]) -> str:
    """Return the closing words for a reader."""
    if not figures["pairs"]:
        return "\n  Stopped before the past was in.\n"
    moved = "" if figures["moved"] is None else f", {figures['moved']} of them moved"
    return (
        f"\n  Stopped after {figures['simulated_hours']:.0f} simulated hours: {figures['statements']:,} statements, "
        f"{figures['events']:,} events,\n  {figures['pairs']:,} scores{moved}. Actions: {_actions(figures)}.\n"
    )


def _actions(figures: dict[str, Any]) -> str:
    return ", ".join(f"{count} {rule}" for rule, count in figures["actions"].items()) or "none yet"


def sample_pair(organisation: Organisation) -> tuple[Employee, SkillWorld]:
    """Return somebody whose recall has faded, and the skill, so that one good result is seen to matter."""
    for person in organisation.people:
        for skill, part in person.parts.items():
            if part is Part.LAPSED and skill:
                return person, SKILL_BY_ID[skill]
    person = organisation.people[0]
    return person, SKILL_BY_ID[FOCUS[person.role][Part.LAPSED]]


def statement_command(tour: Tour, person: Employee, skill: SkillWorld) -> str:
    """Return a curl command, ready for a POSIX shell, that sends one real statement.

    It carries an id, so that pasting it twice counts once, and no timestamp, so that it happens now.
    """
    statement = {
        "id": uuid_of("pasted", tour.logins["lms"][1]),
        "actor": {"mbox": f"mailto:{person.email}"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"},
        "object": {"id": skill.scenario_iri()},
        "result": {"success": True, "score": {"scaled": 0.95}},
    }
    key, secret = tour.logins["lms"]
    return " \\\n".join(
        (
            f"curl -sS -u {shlex.quote(f'{key}:{secret}')} -H 'X-Experience-API-Version: 1.0.3'",
            f"  -H 'Content-Type: application/json' {shlex.quote(f'{tour.url}/xapi/statements')}",
            f"  -d {shlex.quote(json.dumps(statement))}",
        )
    )


def scores_command(tour: Tour, person: Employee) -> str:
    """Return a curl command that reads one person's scores."""
    key, secret = tour.logins["reader"]
    address = f"{tour.url}/v1/employees/{person.id}/scores"
    return f"curl -sS -u {shlex.quote(f'{key}:{secret}')} {shlex.quote(address)}"


def _span(speed: float) -> str:
    """Return the simulated time of one real second in words."""
    for unit, seconds in (("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0)):
        if speed >= seconds:
            count = speed / seconds
            return f"{count:g} {unit}" if count == 1 else f"{count:.3g} {unit}s"
    return "1 second" if speed == 1 else f"{speed:g} seconds"
