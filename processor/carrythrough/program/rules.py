"""Reinforcement rules and the policy that holds whatever they say."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from carrythrough.authoring import patterns
from carrythrough.authoring.action_names import ActionName, AudienceName
from carrythrough.program.part import ChannelName, Id, Part, Share, StageName

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
AdapterName = Annotated[str, Meta(min_length=1, max_length=64)]
COUNT_MAX = 8
"""The newest outcomes that the state keeps of a channel (`scoring.state.NEWEST_KEPT`): none further back count."""
Days = Annotated[int, Meta(ge=1, le=3650)]


class Seen(Part, frozen=True, kw_only=True):
    """A count of recent evidence in one channel.

    channel: what kind of evidence. days: how far back it counts. at_least: so many or more of them, up to the 8
    that are kept. at_most: so many or fewer. result: count all outcomes, only successes (0.5 or more), or only
    failures.
    """

    channel: ChannelName
    days: Days
    at_least: Annotated[int, Meta(ge=0, le=COUNT_MAX)] = 1
    at_most: Annotated[int, Meta(ge=0, le=COUNT_MAX - 1)] | None = None
    result: Literal["any", "success", "failure"] = "any"


class Unseen(Part, frozen=True, kw_only=True):
    """Absence: no evidence in a channel for some time.

    channel: what kind of evidence. days: for how long there has been none, or never.
    """

    channel: ChannelName
    days: Days


class When(Part, frozen=True, kw_only=True):
    """What must be true of a (person, skill) for a reinforcement rule to be eligible: all that is given.

    stage: where the person stands, any of these. score_below: the score is surely below this, 0..1 (see
    certainty). score_from: the score is this or more, 0..1. certainty: how sure "below" must be.
    falls_within_days: and the score, on its target now, will be below it after so many days if nothing
    happens; 0 asks for no forecast. seen: counts of recent evidence, each of them. unseen: evidence that has been
    absent, each of them.
    """

    stage: tuple[StageName, ...] = ()
    score_below: Share | None = None
    score_from: Share | None = None
    certainty: Annotated[float, Meta(ge=0.5, lt=1.0)] = 0.8
    falls_within_days: Annotated[int, Meta(ge=0, le=365)] = 0
    seen: Annotated[tuple[Seen, ...], Meta(max_length=10)] = ()
    unseen: Annotated[tuple[Unseen, ...], Meta(max_length=10)] = ()


LanguageTag = Annotated[str, Meta(pattern=patterns.LOCALE, max_length=35)]


class Wording(Part, frozen=True, kw_only=True):
    """The content of an action in one language.

    title: first line of the message. body: the message. link: where the content is in that language; left out:
    the rule's.
    """

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    body: Annotated[str, Meta(min_length=1, max_length=4000)]
    link: Annotated[str, Meta(max_length=2000)] = ""


class Reinforcement(Part, frozen=True, kw_only=True):
    """One declarative reinforcement rule with the content that it sends.

    id: how decisions and tests name it. skills: the skills that it is for; left out: all of them. when: what must
    be true. action: what is asked for. to: who gets it. title: first line of the message; left out, with the body:
    the text that comes with the product. body: the message. link: where the content is. texts: title, body and link
    by language ("de", "de-CH"), for people whose locale it is. expires_h: hours after the decision beyond which it is
    never delivered, 1..720. adapters: what delivers it. fixed: where it may act it is taken, whatever chance or
    experience would choose.
    """

    id: Id
    skills: tuple[Id, ...] = ()
    when: When
    action: ActionName
    to: AudienceName = "employee"
    title: Annotated[str, Meta(max_length=200)] = ""
    body: Annotated[str, Meta(max_length=4000)] = ""
    link: Annotated[str, Meta(max_length=2000)] = ""
    texts: Annotated[dict[LanguageTag, Wording], Meta(max_length=50)] = msgspec.field(default_factory=dict)
    expires_h: Annotated[int, Meta(ge=1, le=720)] = 72
    adapters: tuple[AdapterName, ...] = ()
    fixed: bool = False


Clock = Annotated[str, Meta(pattern=patterns.CLOCK, description="Local time of day, HH:MM.")]


class Quiet(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Local hours in which nothing is sent; may span midnight; equal ends mean no quiet hours.

    from: when they begin. to: when they end.
    """

    from_: Clock = "20:00"
    to: Clock = "07:00"

    def minutes(self) -> tuple[int, int]:
        """Return (start, end) as minutes after local midnight, 0..1439."""
        start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (self.from_, self.to))
        return start, end


class Kill(Part, frozen=True, kw_only=True):
    """What is switched off.

    actions: actions by name. adapters: adapters by name. subjects: people by roster id or pseudonym. teams: teams
    by name. everything: all actions to everybody.
    """

    actions: tuple[ActionName, ...] = ()
    adapters: tuple[AdapterName, ...] = ()
    subjects: tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...] = ()
    teams: tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...] = ()
    everything: bool = False


class Policy(Part, frozen=True, kw_only=True):
    """The guards that hold whatever the rules say.

    per_day: pushes to one person in a day. per_week: pushes to one person in a week. cooldown_h: hours between two
    pushes to one person about one skill. quiet: hours of the night. days_off: days without pushes; those of the
    roster come first. holdout: share of people who never get an action, 0..0.5. kill: what is switched off.
    minimum_outcomes and minimum_effective: no score is shown under these (outcomes, and their decayed weight).
    minimum_group: people with a score under whom a group has none. choice: among several rules that may act, take
    the first in the map, or let chance choose by what has helped so far. nothing: the least probability of sending
    nothing where chance chooses; skills on which lives depend are never left to it. manager_per_week: requests
    about others that one manager gets in a week. blast: people whom one rule may reach within an hour; beyond it
    its actions wait for approval.
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
    choice: Literal["first", "learnt"] = "first"
    nothing: Annotated[float, Meta(ge=0.0, le=0.9)] = 0.15
    manager_per_week: Annotated[int, Meta(ge=0, le=50)] = 2
    blast: Annotated[int, Meta(ge=1, le=1_000_000)] = 200


class Needs(Part, frozen=True, kw_only=True):
    """How answers to a needs survey become priorities: importance times what is missing, for each skill.

    manager_share: how much the manager's view counts where the learner answered too, 0..1. high_from: a priority is
    high from here, 0..1. medium_from: a priority is medium from here, 0..1. valid_days: older answers no longer
    count.
    """

    manager_share: Share = 0.5
    high_from: Share = 0.4
    medium_from: Share = 0.2
    valid_days: Days = 365
