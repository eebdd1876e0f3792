"""Decision points as the log of decisions gives them, whatever version wrote them.

Chance is only where it was logged: a decision without probabilities, or with one certain choice, is no experiment. It
still counts where pushes are counted.
"""

from __future__ import annotations

import msgspec

NOTHING = "nothing"
"""The choice of sending nothing."""


class Option(msgspec.Struct, frozen=True):
    """One choice that was eligible: the rule that offered it ("" for nothing), its action and its probability 0..1."""

    rule: str = ""
    action: str = NOTHING
    probability: float = 0.0


class DecisionPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One logged decision.

    chosen: the action, or "nothing". rule: of what was chosen. choices: with probabilities,
    "nothing" among them; () where none were logged. held_by: guards that allowed nothing. holdout: the person
    belongs to the permanent holdout. randomised: chance chose among `choices`. as_of_ms: when, ms since the epoch.
    recipient: whom a request about the person is for, "" for the person. request: the request that is decided again
    here for its recipient, "" elsewhere: no experiment, chance had its part before.
    """

    subject: str
    skill: str
    stage: str
    as_of_ms: int
    policy: str
    choices: tuple[Option, ...]
    chosen: str
    rule: str
    held_by: tuple[str, ...]
    holdout: bool
    randomised: bool
    recipient: str
    request: str

    @property
    def pushed(self) -> bool:
        """Whether something was sent."""
        return self.chosen != NOTHING


class _Logged(msgspec.Struct, kw_only=True):
    """The stored form of a decision; members that a version does not write have defaults."""

    subject: str
    skill: str
    as_of_ms: int
    chosen: str
    rule: str = ""
    stage: str = ""
    policy: str = ""
    choices: tuple[Option, ...] = ()
    suppressed_by: tuple[str, ...] = ()
    holdout: bool = False
    randomised: bool = False
    recipient: str = ""
    request: str = ""


_decode = msgspec.json.Decoder(_Logged).decode


def read_point(body: bytes) -> DecisionPoint:
    """Return a decision effect in its stored form (JSON) as a decision point; raises msgspec.MsgspecError."""
    logged = _decode(body)
    return DecisionPoint(
        subject=logged.subject,
        skill=logged.skill,
        stage=logged.stage,
        as_of_ms=logged.as_of_ms,
        policy=logged.policy,
        choices=logged.choices,
        chosen=logged.chosen,
        rule=logged.rule,
        held_by=logged.suppressed_by,
        holdout=logged.holdout or "holdout" in logged.suppressed_by,
        randomised=logged.randomised and len(logged.choices) > 1 and not logged.request,
        recipient=logged.recipient,
        request=logged.request,
    )
