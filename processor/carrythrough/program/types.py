"""The program map as values: what learning and development wrote, after reading and before compiling.

The field names here are the key names of the file, and the limits in the annotations are
what both the loader and `schemas/program-map.schema.json` enforce, so the three cannot drift.
The parts stand in modules of their own; this one names them all.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from carrythrough.authoring.action_names import ActionName, AudienceName
from carrythrough.program.activities import (
    DIFFICULTY_DEFAULT,
    Activity,
    ActivityEvidence,
    EventEvidence,
    EventMatch,
    EventRule,
    Exclusion,
    Extension,
    ExtensionMatch,
    ExtensionValue,
    Match,
    ModalityName,
    OutcomeName,
)
from carrythrough.program.cohorts import Cohort, LearningProgram, RolloutName
from carrythrough.program.examples import Expect, ExpectedEvidence, Given, MapTest
from carrythrough.program.goals import BaselineWindow, Goal, Kpi, KpiTarget
from carrythrough.program.items import ITEMS_MAX, Item
from carrythrough.program.part import (
    DAY_MS,
    WEIGHT_MAX,
    ChannelName,
    Date,
    Id,
    Iri,
    OptionalName,
    Part,
    Share,
    StageName,
    Strings,
    Text,
    Weight,
)
from carrythrough.program.rules import (
    Clock,
    DayName,
    Kill,
    Needs,
    Policy,
    Quiet,
    Reinforcement,
    Seen,
    Unseen,
    When,
    Wording,
)
from carrythrough.program.skills import Dip, Objective, Skill

__all__ = [
    "DAY_MS",
    "DIFFICULTY_DEFAULT",
    "WEIGHT_MAX",
    "ActionName",
    "Activity",
    "ActivityEvidence",
    "AudienceName",
    "BaselineWindow",
    "ChannelName",
    "Clock",
    "Cohort",
    "Date",
    "DayName",
    "Dip",
    "EventEvidence",
    "EventMatch",
    "EventRule",
    "Exclusion",
    "Expect",
    "ExpectedEvidence",
    "Extension",
    "ExtensionMatch",
    "ExtensionValue",
    "Given",
    "Goal",
    "Id",
    "Iri",
    "Item",
    "Kill",
    "Kpi",
    "KpiTarget",
    "LearningProgram",
    "MapTest",
    "Match",
    "ModalityName",
    "Needs",
    "Objective",
    "OutcomeName",
    "Part",
    "Policy",
    "ProgramMap",
    "Quiet",
    "Reinforcement",
    "RolloutName",
    "Seen",
    "Share",
    "Skill",
    "StageName",
    "Strings",
    "Text",
    "Unseen",
    "Weight",
    "When",
    "Wording",
]


class ProgramMap(Part, frozen=True, kw_only=True, rename={"id": "map", "schema": "$schema"}):
    """A whole program map, version by version.

    map: its id, the same in every version. version: raise it by one with each change. name: what people call it.
    owner: who answers for it. goals: what the business wants, and how it is measured. skills: what people need to
    be able to do. objectives: what they will do. activities: what they learn and practise with, and what its
    statements say. events: what the work itself says. reinforcement: what happens when a skill does not carry
    through. programs: who takes part, from when, and how it is rolled out. needs: how a needs survey becomes
    priorities. items: questions that are asked again when they are due. policy: the guards that hold whatever the
    rules say. tests: examples that the map must get right.
    $schema: for editors only: where the JSON Schema of this file is.
    """

    id: Id
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    name: Text
    owner: OptionalName = ""
    goals: tuple[Goal, ...] = ()
    skills: Annotated[tuple[Skill, ...], Meta(min_length=1)]
    objectives: tuple[Objective, ...] = ()
    activities: tuple[Activity, ...] = ()
    events: tuple[EventRule, ...] = ()
    reinforcement: tuple[Reinforcement, ...] = ()
    programs: Annotated[tuple[LearningProgram, ...], Meta(max_length=1000)] = ()
    needs: Needs = Needs()
    items: Annotated[tuple[Item, ...], Meta(max_length=ITEMS_MAX)] = ()
    policy: Policy = Policy()
    tests: Annotated[tuple[MapTest, ...], Meta(max_length=10_000)] = ()
    schema: Annotated[str, Meta(max_length=2000)] = ""
