"""The program map as values: what learning and development wrote, after reading and before compiling.

The field names here are the key names of the file, and the limits in the annotations are
what both the loader and `schemas/program-map.schema.json` enforce, so the three cannot drift.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns
from carrythrough.events.types import EventKind

DAY_MS = 86_400_000
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
WEIGHT_MAX = 8.0
"""The largest weight: evidence carries w in 0..8·W_ONE (`evidence.types`)."""
DIFFICULTY_DEFAULT = 0.65
"""Expected share of right answers of an item about which nothing is known."""

Id = Annotated[str, Meta(pattern=patterns.ID, max_length=64, description="Lower-case kebab-case id.")]
Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Weight = Annotated[float, Meta(ge=0.0, le=WEIGHT_MAX)]
Iri = Annotated[str, Meta(min_length=1, max_length=2000)]
Strings = tuple[Iri, ...]
"""One string or a list of strings in the file; always a tuple here."""

ChannelName = Literal["learn", "practice", "job", "observed", "exposure", "support", "voice"]
OutcomeName = Literal["score", "success", "completion", "none"]
StageName = Literal[
    "not-yet-learnt",
    "fading",
    "unpractised",
    "unapplied",
    "applied-with-support",
    "carried-through",
    "underperforming",
    "not-enough-evidence",
    "settling-in",
]
ActionName = Literal["spaced-review", "nudge", "fade-job-aid"]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every part: frozen, keyword-only, unknown keys refused."""


class Kpi(_Part, frozen=True, kw_only=True):
    """A business measure.

    target: the standard, in `unit`; without one a reading is no outcome, or only a rank among peers once
    a baseline is closed. direction: which way is
    better. noise_sd: standard deviation of one reading around the true value, in `unit`; 0: taken from
    the closed baseline, where there is one. reliability: 0..1, the weight of one reading as evidence
    about one person (0.2-0.5 is usual); left out: that of the baseline, else 0.3.
    grain "team": readings never count for individuals.
    """

    id: Id
    name: Text
    unit: Annotated[str, Meta(max_length=40)] = ""
    direction: Literal["up", "down"] = "up"
    grain: Literal["individual", "team"] = "individual"
    target: float | None = None
    source: Annotated[str, Meta(max_length=200)] = ""
    noise_sd: Annotated[float, Meta(ge=0.0)] = 0.0
    reliability: Share | None = None


class Goal(_Part, frozen=True, kw_only=True):
    """A business goal and the KPIs that show it."""

    id: Id
    name: Text
    kpis: tuple[Kpi, ...]


Date = Annotated[str, Meta(pattern=patterns.DATE, description="Day, YYYY-MM-DD, in UTC.")]


class Dip(_Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A declared early window in which results are expected to fall; first and last day, both included.

    In it a skill is never *underperforming*: the stage is *settling-in*, for which no rule is meant.
    """

    from_: Date
    to: Date

    def holds(self, now_ms: int) -> bool:
        """Say whether a time (ms since the epoch) lies in the window; never for days that do not exist."""
        span = self.days()
        return span is not None and span[0] <= now_ms // DAY_MS <= span[1]

    def days(self) -> tuple[int, int] | None:
        """Return first and last day as days since the epoch, None for days that do not exist."""
        try:
            first, last = dt.date.fromisoformat(self.from_), dt.date.fromisoformat(self.to)
        except ValueError:
            return None
        return first.toordinal() - _EPOCH_DAY, last.toordinal() - _EPOCH_DAY


class Skill(_Part, frozen=True, kw_only=True):
    """A skill that people need on the job.

    kpis: ids of the KPIs that it serves. target: transfer score aimed at, 0..1. roles: role →
    importance (0..8). job_aid_minutes: a success so soon after job-aid use is assisted.
    opportunity_days: how often the job normally offers a chance to use it. volatile: what is
    right changes quickly, so the 30-day job sums are used in place of the 90-day ones. dips: declared
    early windows in which results are expected to fall.
    """

    id: Id
    name: Text
    kpis: tuple[Id, ...] = ()
    target: Share = 0.75
    roles: dict[Annotated[str, Meta(min_length=1, max_length=100)], Weight] = {}
    safety_critical: bool = False
    volatile: bool = False
    job_aid_minutes: Annotated[int, Meta(ge=0, le=1440)] = 30
    opportunity_days: Annotated[int, Meta(ge=1, le=3650)] = 14
    dips: Annotated[tuple[Dip, ...], Meta(max_length=50)] = ()

    def in_dip(self, now_ms: int) -> bool:
        """Say whether a time lies in a declared dip."""
        return any(dip.holds(now_ms) for dip in self.dips)


class Objective(_Part, frozen=True, kw_only=True):
    """What a learner will do after the activities, stated so that it can be observed."""

    id: Id
    skill: Id
    statement: Text
    activities: tuple[Id, ...] = ()


class Match(_Part, frozen=True, kw_only=True):
    """Which statements an activity covers: any value of a member, and every member that is given."""

    activity: Strings = ()
    activity_prefix: Strings = ()
    activity_type: Strings = ()
    category: Strings = ()
    parent: Strings = ()
    grouping: Strings = ()
    verb: Strings = ()


class ActivityEvidence(_Part, frozen=True, kw_only=True):
    """What a matched statement says about a skill.

    outcome: how y is read ("none": exposure only). weight: 0..8. item "activity": the object id
    is an item of its own for difficulty and spacing. difficulty: expected share of right
    answers, 0..1 (a low value is a hard item).
    """

    skill: Id
    channel: ChannelName
    outcome: OutcomeName = "none"
    weight: Weight = 1.0
    item: Literal["activity", "none"] = "none"
    difficulty: Share = DIFFICULTY_DEFAULT


class Activity(_Part, frozen=True, kw_only=True):
    """A learning activity, how its statements are recognised, and what they are evidence of."""

    id: Id
    name: Text
    match: Match
    modality: Literal["formal", "informal", "support"] = "formal"
    evidence: tuple[ActivityEvidence, ...] = ()


class EventMatch(_Part, frozen=True, kw_only=True):
    """Which performance events a rule covers: any value of a member, and every member given."""

    kind: tuple[EventKind, ...] = ()
    kpi: Strings = ()
    activity: Strings = ()
    source: Strings = ()


class EventEvidence(_Part, frozen=True, kw_only=True):
    """What a matched performance event says about a skill; weight multiplies the kind's own (0..8)."""

    skill: Id
    channel: Literal["job", "observed", "support", "voice"] = "job"
    weight: Weight = 1.0


class EventRule(_Part, frozen=True, kw_only=True):
    """How performance events become evidence when they do not name a skill themselves."""

    id: Id
    match: EventMatch
    evidence: tuple[EventEvidence, ...]


class When(_Part, frozen=True, kw_only=True):
    """What must be true of a (person, skill) for a reinforcement rule to be eligible.

    falls_within_days: and the score, on its target now, will be below it after so many days if nothing
    happens; 0 asks for no forecast.
    """

    stage: StageName
    falls_within_days: Annotated[int, Meta(ge=0, le=365)] = 0


class Reinforcement(_Part, frozen=True, kw_only=True):
    """One declarative reinforcement rule with the content that it sends.

    expires_h: hours after the decision beyond which it is never delivered, 1..720.
    """

    id: Id
    when: When
    action: ActionName
    to: Literal["employee", "manager"] = "employee"
    title: Annotated[str, Meta(max_length=200)] = ""
    body: Annotated[str, Meta(max_length=4000)] = ""
    link: Annotated[str, Meta(max_length=2000)] = ""
    expires_h: Annotated[int, Meta(ge=1, le=720)] = 72
    adapters: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()


Clock = Annotated[str, Meta(pattern=patterns.CLOCK, description="Local time of day, HH:MM.")]


class Quiet(_Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Local hours in which nothing is sent; may span midnight; equal ends mean no quiet hours."""

    from_: Clock = "20:00"
    to: Clock = "07:00"

    def minutes(self) -> tuple[int, int]:
        """Return (start, end) as minutes after local midnight, 0..1439."""
        start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (self.from_, self.to))
        return start, end


class Kill(_Part, frozen=True, kw_only=True):
    """What is switched off: actions by name, adapters by name, people by roster id or pseudonym."""

    actions: tuple[ActionName, ...] = ()
    adapters: tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...] = ()
    subjects: tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...] = ()


class Policy(_Part, frozen=True, kw_only=True):
    """The guards that hold whatever the rules say.

    holdout: share of people who never get an action, 0..0.5. minimum_outcomes and
    minimum_effective: no score is shown under these (outcomes, and their decayed weight). minimum_group:
    people with a score under whom a group has none.
    """

    per_day: Annotated[int, Meta(ge=0, le=10)] = 1
    per_week: Annotated[int, Meta(ge=0, le=50)] = 3
    cooldown_h: Annotated[int, Meta(ge=0, le=8760)] = 72
    quiet: Quiet = Quiet()
    days_off: tuple[DayName, ...] = ("sat", "sun")
    holdout: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.05
    kill: Kill = Kill()
    minimum_outcomes: Annotated[int, Meta(ge=1, le=1000)] = 5
    minimum_effective: Annotated[float, Meta(ge=0.0, le=1000.0)] = 3.0
    minimum_group: Annotated[int, Meta(ge=3, le=1000)] = 8


class ProgramMap(_Part, frozen=True, kw_only=True, rename={"id": "map"}):
    """A whole program map, version by version; `id` is the key `map` of the file."""

    id: Id
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    name: Text
    owner: Annotated[str, Meta(max_length=200)] = ""
    goals: tuple[Goal, ...] = ()
    skills: Annotated[tuple[Skill, ...], Meta(min_length=1)]
    objectives: tuple[Objective, ...] = ()
    activities: tuple[Activity, ...] = ()
    events: tuple[EventRule, ...] = ()
    reinforcement: tuple[Reinforcement, ...] = ()
    policy: Policy = Policy()
