"""What a program map is held against when it is checked: adapters, roster and day, the same for every command."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from carrythrough.identity.person import Person
from carrythrough.program.lint_context import Surroundings

DAY_S = 86_400


def surroundings(people: Sequence[Person] | None = None, config: Path | None = None) -> Surroundings:
    """Return the adapters there are (with `config`, those of its settings as well), the roster, and the day.

    people: None where there is no roster; then roles, teams, sites and people are not looked at.
    """
    from carrythrough.cli.target import Target
    from carrythrough.dispatch.registry import discover

    adapters = set(discover().specs)
    if config is not None:
        adapters |= set(Target(config=config).settings().adapters)
    today = int(time.time() // DAY_S)
    if people is None:
        return Surroundings(adapters=adapters, today=today)
    return Surroundings(
        adapters=adapters,
        today=today,
        roles={person.role for person in people if person.role},
        teams={person.team for person in people if person.team},
        sites={person.site for person in people if person.site},
        people={person.id for person in people},
    )
