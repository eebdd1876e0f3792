"""What makes a simulated organisation rough: causes that no scorer is told of, off unless they are asked for.

The demo plays in calm conditions. Training and the exam play in ROUGH ones: skills of a person hang
together, teams differ, figures drift for reasons that have nothing to do with skill, and who looks poor
is sent on the course first. As what looks poor is partly bad luck, those sent improve by themselves
(regression to the mean), which no score may take for learning.
"""

from __future__ import annotations

import random

import msgspec

from carrythrough.testing.simulator_lives import NEVER_DAY, Life
from carrythrough.testing.simulator_people import Employee


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """How rough it is; 0 is calm.

    person_sd, team_sd: spread, in logits, of what all skills of a person, all people of a team share.
    figure_team_sd: spread of a team's figures that has other causes than skill, figure_drift: rise or fall
    of a figure in 90 days, both in standard deviations of its weekly noise. selection_days: by how many
    days the course comes earlier for each standard deviation by which somebody looks poorer.
    selection_noise: standard deviations of luck in that look for each of ability.
    """

    person_sd: float = 0.0
    team_sd: float = 0.0
    figure_team_sd: float = 0.0
    figure_drift: float = 0.0
    selection_days: float = 0.0
    selection_noise: float = 0.0


CALM = Conditions()
ROUGH = Conditions(
    person_sd=0.35,
    team_sd=0.25,
    figure_team_sd=0.7,
    figure_drift=1.0,
    selection_days=6.0,
    selection_noise=1.0,
)
_ABILITY_SD = 0.4
"""Spread of a pair's own ability (`simulator_lives.make_life`)."""


def impose(conditions: Conditions, person: Employee, lives: list[Life], seed: int) -> None:
    """Change the lives of one person, in place, by what the conditions add; nothing when they are calm."""
    if conditions == CALM:
        return
    own = random.Random(f"{seed}-conditions-{person.id}")
    team = random.Random(f"{seed}-team-{person.team}")
    shared = conditions.person_sd * own.gauss(0.0, 1.0) + conditions.team_sd * team.gauss(0.0, 1.0)
    for life in lives:
        figure = random.Random(f"{seed}-figure-{life.skill.id}")
        life.truth.ability += shared
        life.figure_shift = conditions.figure_team_sd * team.gauss(0.0, 1.0)
        life.figure_drift = conditions.figure_drift * figure.uniform(-1.0, 1.0)
        look = (life.truth.ability - 0.95) / _ABILITY_SD + conditions.selection_noise * own.gauss(0.0, 1.0)
        if life.start_day != NEVER_DAY:
            life.start_day = max(0.0, life.start_day + conditions.selection_days * look)
