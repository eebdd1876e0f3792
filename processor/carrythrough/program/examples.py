"""Tests inside the map: given these statements and events, the map gives this evidence and these actions.

`carrythrough program test` runs them; here is only what an author writes.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from carrythrough.program.part import ChannelName, Id, Part, Share, StageName, Text


class Given(Part, frozen=True, kw_only=True):
    """One record that a test begins with: a statement or an event.

    statement: an xAPI statement; what is left out (actor, id, timestamp) is made up, a verb or an object may be
    its id alone. event: a performance event; what is left out (employee, id, source, time) is made up. days_ago:
    how long before the end of the test it happened. times: how often it happened, an hour apart, the last of
    them at days_ago.
    """

    statement: dict[str, Any] | None = None
    event: dict[str, Any] | None = None
    days_ago: Annotated[float, Meta(ge=0.0, le=3650.0)] = 0.0
    times: Annotated[int, Meta(ge=1, le=1000)] = 1


class ExpectedEvidence(Part, frozen=True, kw_only=True):
    """One piece of evidence that a test expects.

    skill: the skill that it is about. channel: what kind of evidence. outcome: how well it went, 0..1, within
    0.001; left out: not compared. by: the activity or event rule that gives it; left out: not compared.
    """

    skill: Id
    channel: ChannelName
    outcome: Share | None = None
    by: Id | None = None


class Expect(Part, frozen=True, kw_only=True):
    """What a test expects; what is left out is not compared.

    evidence: exactly these pieces of evidence, in any order; what repeated records give again counts once. []:
    none at all. actions: exactly the reinforcement rules, by id, that act at the end, with no guard in their way.
    []: none. stages: where the person stands at the end, by skill.
    """

    evidence: tuple[ExpectedEvidence, ...] | None = None
    actions: tuple[Id, ...] | None = None
    stages: dict[Id, StageName] = msgspec.field(default_factory=dict)


class MapTest(Part, frozen=True, kw_only=True):
    """A test inside the map, about one made-up person.

    id: unique among the tests. name: what it shows, in a sentence. role: role of the person, where one matters.
    given: what happened, in any order. expect: what the map makes of it.
    """

    id: Id
    name: Text
    role: Annotated[str, Meta(max_length=100)] = ""
    given: Annotated[tuple[Given, ...], Meta(min_length=1, max_length=1000)]
    expect: Expect
