"""An enriched statement as a value: the CloudEvents envelope that other services read, and what is in it.

Every member is always there; what is not known is null or an empty list. Times are RFC 3339 in UTC.
The published schema (`schemas/enriched-statement.schema.json`) is made from these types.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring.schema import DIALECT
from carrythrough.program.types import ChannelName, ModalityName, StageName

TypeName = Literal["io.carrythrough.statement.enriched"]
SchemaName = Literal["urn:carrythrough:schema:enriched-statement"]
TYPE: TypeName = "io.carrythrough.statement.enriched"
SCHEMA_ID: SchemaName = "urn:carrythrough:schema:enriched-statement"

Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
OpportunityState = Literal["not-seen", "recent", "expected", "overdue"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part: frozen, keyword-only."""


class Employee(_Part, frozen=True, kw_only=True):
    """Whom the statement is about, as the roster in force then knew them; never a name or an address.

    pseudonym: null for a group or an agent that cannot be identified. on_roster: whether the roster
    knew them. role, team, site: "" when it did not say. manager: pseudonym.
    """

    pseudonym: str | None
    on_roster: bool
    role: str
    team: str
    site: str
    manager: str | None


class MapActivity(_Part, frozen=True, kw_only=True):
    """An activity of the program map that the statement is of."""

    id: str
    name: str
    modality: ModalityName


class MapObjective(_Part, frozen=True, kw_only=True):
    """A learning objective that these activities serve; statement: what the person will do."""

    id: str
    skill: str
    statement: str


class Program(_Part, frozen=True, kw_only=True):
    """A learning program of the map that the person takes part in.

    cohort: "" where the program has none. comparison: this cohort does not get the program, others are
    compared with it. start: first day of the cohort (UTC), null when none is declared.
    """

    id: str
    cohort: str
    comparison: bool
    start: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")] | None


class Said(_Part, frozen=True, kw_only=True):
    """What the statement itself says, by ids alone. withheld: members that named a person and are left out.

    id: of the statement. position: its place in the log. verb, activity, parent, grouping, category:
    IRIs. voids: id of the statement that it takes back.
    """

    id: str
    position: Annotated[int, Meta(ge=1)]
    stored: Time
    verb: str | None
    activity: str | None
    parent: list[str]
    grouping: list[str]
    category: list[str]
    registration: str | None
    voids: str | None
    withheld: list[Literal["verb", "activity", "parent", "grouping", "category"]]


class Opportunity(_Part, frozen=True, kw_only=True):
    """Chances to use the skill on the job. last: the newest that was seen, with an outcome or without.

    state: "not-seen"; "recent" within expected_every_days after the last; "expected" within twice
    that; then "overdue". next_expected: last plus expected_every_days.
    """

    last: Time | None
    expected_every_days: Annotated[int, Meta(ge=1)]
    next_expected: Time | None
    state: OpportunityState
    without_outcome: Annotated[int, Meta(ge=0)]


class JobOutcome(_Part, frozen=True, kw_only=True):
    """One result on the job. outcome: 0..1, how far the standard was met. evidence: hex id to ask `explain` about.

    kind, kpi, value, target, unit: of the performance event behind it, null where it was a statement
    or says nothing of the sort.
    """

    time: Time
    outcome: Share
    evidence: str
    channel: Literal["job", "observed"]
    kind: str | None
    kpi: str | None
    value: float | None
    target: float | None
    unit: str | None


class Performance(_Part, frozen=True, kw_only=True):
    """How the person stood right after this statement; score: null under the minimum evidence.

    score, low, high: 0..1, the 80 % interval. outcomes: undecayed count. last_outcomes: newest first.
    """

    score: Share | None
    low: Share | None
    high: Share | None
    target: Share
    stage: StageName
    outcomes: Annotated[int, Meta(ge=0)]
    model: str
    last_outcomes: list[JobOutcome]


class SkillContext(_Part, frozen=True, kw_only=True):
    """One skill that the statement is evidence of. outcome, weight: null where it has no outcome.

    rule: the activity of the map that said so. withheld: the outcome of a practice is for the learner alone.
    """

    skill: str
    name: str
    channel: ChannelName
    rule: str
    outcome: Share | None
    weight: float | None
    withheld: bool
    objectives: list[str]
    opportunity: Opportunity
    performance: Performance


class EnrichedStatement(_Part, frozen=True, kw_only=True):
    """A statement with its context. map, map_version: the program map in force then.

    cohorts: ids of the cohorts that the person belongs to, by the map or the roster, sorted.
    """

    map: str
    map_version: int
    statement: Said
    employee: Employee
    activities: list[MapActivity]
    objectives: list[MapObjective]
    programs: list[Program]
    cohorts: list[str]
    skills: list[SkillContext]


class EnrichedEvent(_Part, frozen=True, kw_only=True):
    """The CloudEvents 1.0 envelope (JSON format). id: the same whenever it is derived.

    time: when it happened, by the statement. sequence: its place in the log as decimal digits, rising
    (CloudEvents extension "sequence"). subject: the pseudonym, null when there is none.
    """

    specversion: Literal["1.0"]
    id: str
    source: str
    type: TypeName
    subject: str | None
    time: Time
    datacontenttype: Literal["application/json"]
    dataschema: SchemaName
    sequence: Annotated[str, Meta(pattern=r"^\d+$")]
    data: EnrichedStatement


def enriched_statement_schema() -> dict[str, Any]:
    """Return the draft 2020-12 schema of the envelope with its data."""
    (reference,), definitions = msgspec.json.schema_components([EnrichedEvent])
    root = definitions.pop(reference["$ref"].rsplit("/", 1)[-1])
    parts = {key: _tidy(value) for key, value in sorted(definitions.items())}
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_ID,
        "title": "Enriched statement",
        **_tidy({key: value for key, value in root.items() if key != "title"}),
        "$defs": parts,
    }


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    return schema | {"description": cleandoc(schema["description"])} if "description" in schema else schema
