"""Activities and event rules: how records are recognised, and what they are evidence of."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from carrythrough.authoring import patterns
from carrythrough.events.types import EventKind
from carrythrough.program.part import ChannelName, Id, Iri, Part, Scalar, Share, Strings, Text, Weight

DIFFICULTY_DEFAULT = 0.65
"""Expected share of right answers of an item about which nothing is known."""

OutcomeName = Literal["score", "success", "completion", "question", "progress", "extension", "none"]
ModalityName = Literal["formal", "informal", "mentoring", "coaching", "social", "support", "on-the-job"]
Place = Literal["result", "context", "activity"]
"""Where a statement carries extensions: its result, its context, the definition of its activity."""
Step = Annotated[str, Meta(min_length=1, max_length=200)]
Uuid = Annotated[str, Meta(pattern=patterns.UUID, description="UUID of a registration, in hexadecimal.")]


class Extension(Part, frozen=True, kw_only=True):
    """A value that a statement carries in an extension.

    iri: key of the extension. at: where the statement carries it. path: keys that lead on into its value, from
    the outside in; a number counts list entries from 0.
    """

    iri: Iri
    at: Place = "result"
    path: Annotated[tuple[Step, ...], Meta(max_length=16)] = ()


class ExtensionMatch(Extension, frozen=True, kw_only=True):
    """An extension that a statement must carry.

    iri: key of the extension. at: where the statement carries it. path: keys that lead on into its value, from
    the outside in; a number counts list entries from 0. equals: values that will do; left out: any value.
    """

    at: Place = "context"
    equals: Annotated[tuple[Scalar, ...], Meta(max_length=200)] = ()


class ExtensionValue(Extension, frozen=True, kw_only=True):
    """An extension whose number, or true or false, says how well it went.

    iri: key of the extension. at: where the statement carries it. path: keys that lead on into its value, from
    the outside in; a number counts list entries from 0. worst: the number that means not at all. best: the
    number that means perfect; it may be the smaller one. true is 1 and false is 0.
    """

    worst: float = 0.0
    best: float = 1.0


class Exclusion(Part, frozen=True, kw_only=True):
    """Statements that an activity leaves out: those that carry any of these values.

    activity: ids of the object. activity_prefix: beginnings of the id of the object. activity_type: types of the
    object. category, parent, grouping: ids of the context activities. verb: ids of the verb.
    """

    activity: Strings = ()
    activity_prefix: Strings = ()
    activity_type: Strings = ()
    category: Strings = ()
    parent: Strings = ()
    grouping: Strings = ()
    verb: Strings = ()


class Match(Part, frozen=True, kw_only=True, rename={"except_": "except"}):
    """Which statements an activity covers: any value of a member, and every member that is given.

    activity: ids of the object. activity_prefix: beginnings of the id of the object. activity_type: types of the
    object. category: ids of the context category. profile: IRIs of xAPI profiles, or of their versions: a
    statement names them as a category. parent: ids of the context parent. grouping: ids of the context grouping.
    verb: ids of the verb. registration: registrations of the context (cmi5: one person's enrolment).
    extension: extensions that the statement must carry, each of them. except: statements that are left out all
    the same.
    """

    activity: Strings = ()
    activity_prefix: Strings = ()
    activity_type: Strings = ()
    category: Strings = ()
    profile: Strings = ()
    parent: Strings = ()
    grouping: Strings = ()
    verb: Strings = ()
    registration: tuple[Uuid, ...] = ()
    extension: Annotated[tuple[ExtensionMatch, ...], Meta(max_length=16)] = ()
    except_: Exclusion = Exclusion()


class ActivityEvidence(Part, frozen=True, kw_only=True):
    """What a matched statement says about a skill.

    skill: the skill that it is about. channel: what kind of evidence it is; learn, practice, job and observed
    carry outcomes, exposure, support and voice never do. outcome: how it is read how well it went: from the
    score, the success, the completion, the answer to a question held against its correct responses, the progress
    (cmi5, in percent), the extension named below; "none": that it happened, not how well. extension: which
    extension, and its scale, for outcome: extension. weight: how much one outcome counts, 0..8;
    voice of weight 0 is counted and does not say how sure somebody is (an opinion of the course). item: what is a
    question of its own for difficulty and spacing: "activity": the object id; "extension": the text in
    `item_extension`. item_extension: which extension, for item: extension. difficulty: expected share of right
    answers, 0..1 (a low value is a hard item).
    """

    skill: Id
    channel: ChannelName
    outcome: OutcomeName = "none"
    extension: ExtensionValue | None = None
    weight: Weight = 1.0
    item: Literal["activity", "extension", "none"] = "none"
    item_extension: Extension | None = None
    difficulty: Share = DIFFICULTY_DEFAULT


class Activity(Part, frozen=True, kw_only=True):
    """A learning activity, how its statements are recognised, and what they are evidence of.

    id: how objectives and explanations name it. name: what people call it. match: which statements are its own.
    modality: how people learn in it; "support" is for job aids, "on-the-job" for real work that sends statements.
    evidence: what its statements say about skills.
    """

    id: Id
    name: Text
    match: Match
    modality: ModalityName = "formal"
    evidence: tuple[ActivityEvidence, ...] = ()


class EventMatch(Part, frozen=True, kw_only=True):
    """Which performance events a rule covers: any value of a member, and every member given.

    kind: kinds of event. kpi: ids of KPIs. activity: what was done, as the event names it. source: the systems
    that send it.
    """

    kind: tuple[EventKind, ...] = ()
    kpi: Strings = ()
    activity: Strings = ()
    source: Strings = ()


class EventEvidence(Part, frozen=True, kw_only=True):
    """What a matched performance event says about a skill.

    skill: the skill that it is about. channel: what kind of evidence it is; observations, job-aid use and
    self-reports say so themselves. weight: multiplies the kind's own (0..8).
    """

    skill: Id
    channel: Literal["job", "observed", "support", "voice"] = "job"
    weight: Weight = 1.0


class EventRule(Part, frozen=True, kw_only=True):
    """How performance events become evidence when they do not name a skill themselves.

    id: how objectives and explanations name it. match: which events are its own. evidence: what they say about
    skills.
    """

    id: Id
    match: EventMatch
    evidence: tuple[EventEvidence, ...]
