"""The catalogue of actions: what each is for, whom it may go to, what it must bring with it.

Everything that knows an action takes it from here: the linter, the pages, the reference, the shipped texts.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from carrythrough.authoring.action_names import ActionName, AudienceName
from carrythrough.program.part import StageName

NOTHING = "nothing"
"""What is chosen when nothing is sent: an action among the others for whoever compares them, never a rule."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of action.

    word: its name for people. cause: why a skill does not carry through that it answers. stages: where that cause
    shows; () for any. to: who may get it, the usual one first. link: whether it needs a place to go to ("needed"),
    may have one ("optional"), or gets one from us when it is sent ("ours").
    """

    name: ActionName
    word: str
    cause: str
    stages: tuple[StageName, ...] = ()
    to: tuple[AudienceName, ...] = ("employee",)
    link: Literal["needed", "optional", "ours"] = "optional"


_ALL = (
    Action(
        name="nudge",
        word="Nudge",
        cause="it is known and practised, and not used at work",
        to=("employee", "manager"),
    ),
    Action(
        name="spaced-review",
        word="Spaced review",
        cause="what was learnt is being forgotten",
        stages=("fading", "not-yet-learnt", "unpractised", "carried-through", "unapplied", "underperforming"),
        to=("employee", "manager"),
    ),
    Action(
        name="simulation",
        word="Simulation practice",
        cause="it is known, and practice is weak or missing",
        stages=("unpractised", "underperforming", "fading", "unapplied", "not-yet-learnt"),
        link="needed",
    ),
    Action(
        name="microlearning",
        word="Short lesson",
        cause="it was never learnt well enough",
        stages=("not-yet-learnt", "fading", "underperforming"),
        link="needed",
    ),
    Action(
        name="job-aid",
        word="Job aid",
        cause="the moment of need comes too seldom or too suddenly to have it by heart",
        stages=("unapplied", "underperforming", "settling-in", "fading"),
        link="needed",
    ),
    Action(
        name="fade-job-aid",
        word="Fade the job aid",
        cause="it works only with help at hand",
        stages=("applied-with-support",),
        to=("employee", "manager"),
    ),
    Action(
        name="coaching",
        word="Coaching session",
        cause="it is tried at work and falls short",
        stages=("underperforming", "unapplied", "unpractised", "applied-with-support", "settling-in"),
        to=("manager", "employee"),
    ),
    Action(
        name="mentor-match",
        word="Mentor match",
        cause="it is easier to learn from somebody who does it well than to read about",
        stages=("underperforming", "unapplied", "unpractised", "applied-with-support", "not-yet-learnt"),
    ),
    Action(
        name="feedback-request",
        word="Request for feedback",
        cause="nobody has said how it goes at work",
        to=("manager", "report", "peer"),
        link="ours",
    ),
    Action(
        name="opportunity-request",
        word="Request for an opportunity",
        cause="the work offers no chance to use it",
        stages=("unapplied", "fading", "carried-through"),
        to=("manager",),
    ),
    Action(
        name="action-plan",
        word="Action plan",
        cause="the will is there and no next step",
        stages=("unapplied", "unpractised", "underperforming", "applied-with-support", "settling-in"),
    ),
    Action(
        name="recognition",
        word="Recognition",
        cause="what is done well and goes unseen is done less",
        stages=("carried-through",),
        to=("employee", "manager"),
        link="ours",
    ),
    Action(
        name="needs-survey",
        word="Needs survey",
        cause="nobody has asked what the person needs",
        to=("employee", "manager"),
        link="needed",
    ),
)
ACTIONS: dict[str, Action] = {action.name: action for action in _ALL}
"""Every action that a rule may ask for, by name."""
