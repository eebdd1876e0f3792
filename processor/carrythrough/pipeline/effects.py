"""Effects: values that the core returns and a shell carries out.

Every id is deterministic (same log, same id), so that a reader that ignores
repeats sees each effect once.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason behind a score: a stable code, a plain sentence and its size in score points."""

    code: str
    text: str
    points: float = 0.0


class ScoreChanged(msgspec.Struct, frozen=True, kw_only=True, tag="score", tag_field="type"):
    """The transfer score of one (subject, skill) after its operation number `sequence`.

    score, low, high: 0..1 (80 % interval), or None under the minimum evidence (`stage` is then
    "not-enough-evidence"). outcomes: undecayed count of outcomes; effective: their decayed
    weight. Times in ms since the epoch. source: hex id of the statement or event that moved it,
    "" when only time did.
    """

    id: str
    subject: str
    skill: str
    sequence: int
    as_of_ms: int
    valid_until_ms: int
    score: float | None
    low: float | None
    high: float | None
    previous: float | None
    outcomes: int
    exposures: int
    effective: float
    stage: str
    source: str
    reasons: tuple[Reason, ...]
    model: str


class ScoreRetracted(msgspec.Struct, frozen=True, kw_only=True, tag="retracted", tag_field="type"):
    """What was published of one (subject, skill) no longer stands: it is somebody else's, or kept aside.

    The roster knows by now who the pseudonym is, or no longer knows the person. into: the pseudonym that
    has the evidence from now on, the first one where there are several; its scores follow as their own,
    if it is on the roster. "" where the evidence stays and waits until the roster knows the person.
    previous: the score that was last published, None when there was none.
    """

    id: str
    subject: str
    skill: str
    sequence: int
    as_of_ms: int
    previous: float | None
    into: str


class StageChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag="stage", tag_field="type", omit_defaults=True
):
    """A (subject, skill) moved from one stage to another.

    why: what the diagnosis rests on, one plain sentence. reasons: those of the score behind it.
    """

    id: str
    subject: str
    skill: str
    sequence: int
    as_of_ms: int
    before: str
    after: str
    why: str = ""
    reasons: tuple[Reason, ...] = ()


class ActionRequested(
    msgspec.Struct, frozen=True, kw_only=True, tag="action", tag_field="type", omit_defaults=True
):
    """A reinforcement request for the dispatcher; `id` is also the idempotency key.

    action: a name of the catalogue (`program.actions.ACTIONS`). to: "employee", "manager", "report"
    or "peer", as seen from the subject. recipient: pseudonym of who gets it. expires_ms: never delivered after it.
    title/body/link: content in the recipient's language; names stand in it as placeholders until it is sent.
    answer_link: where the recipient answers it, and only they: signed, so it is added just before sending and
    is in no log; unsubscribe_link: where they ask for no more by the adapter that sends it. Both are "" before.
    """

    id: str
    subject: str
    recipient: str
    to: str
    skill: str
    skill_name: str
    action: str
    rule: str
    stage: str
    score: float | None
    as_of_ms: int
    expires_ms: int
    title: str
    body: str
    link: str
    why: str
    answer_link: str = ""
    unsubscribe_link: str = ""


class ActionAnswered(
    msgspec.Struct, frozen=True, kw_only=True, tag="answer", tag_field="type", omit_defaults=True
):
    """A push met with something: the person answered it, or something was done with the skill after it.

    action_ms: `as_of_ms` of the action that it answers, the last of `pushes` without an answer.
    answered_ms: event time of what was done. source: its hex id. How it went is not said here, and
    that the action was the cause is not claimed. action, answer: the id of the action and what the person
    answered (`events.replies.AnswerName`); both "" where evidence of the skill came in place of an answer.
    """

    id: str
    subject: str
    skill: str
    sequence: int
    as_of_ms: int
    action_ms: int
    answered_ms: int
    pushes: int
    source: str
    action: str = ""
    answer: str = ""


class ActionReferred(msgspec.Struct, frozen=True, kw_only=True, tag="referral", tag_field="type"):
    """A request about somebody for another person: the shell appends it to the log, keyed to `recipient`.

    There it is decided again under the caps and hours of the recipient. Members as in `ActionRequested`; id: also of
    the record, so that it is appended once.
    """

    id: str
    subject: str
    recipient: str
    to: str
    skill: str
    skill_name: str
    action: str
    rule: str
    stage: str
    as_of_ms: int
    expires_ms: int
    title: str
    body: str
    link: str
    why: str


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One choice that guards let pass: the rule that offered it ("" for nothing), its action, its probability 0..1."""

    rule: str = ""
    action: str = "nothing"
    probability: float = 0.0


class Decision(
    msgspec.Struct, frozen=True, kw_only=True, tag="decision", tag_field="type", omit_defaults=True
):
    """What was eligible at a decision point, what was chosen (perhaps "nothing"), and why.

    rule: of what was chosen, or of what would have been. eligible: actions of the rules that hold. suppressed_by:
    names of the guards that held it back, empty when it was sent or chance chose nothing. propensity: probability
    with which `chosen` was chosen, 0..1. stage: where the person stood. policy: the map and its version, and the
    version of the posteriors where chance chose. choices: what guards let pass, with probabilities; empty where they
    let nothing pass. holdout: the person belongs to the permanent holdout. randomised: chance chose among `choices`.
    recipient: whom a request about `subject` is for, "" where it is for `subject`. request: id of the referral that
    is decided again here, for its recipient (who is `subject` then), "" elsewhere.
    """

    id: str
    subject: str
    skill: str
    rule: str
    as_of_ms: int
    eligible: tuple[str, ...]
    chosen: str
    propensity: float
    suppressed_by: tuple[str, ...]
    why: str
    stage: str = ""
    policy: str = ""
    choices: tuple[Choice, ...] = ()
    holdout: bool = False
    randomised: bool = False
    recipient: str = ""
    request: str = ""


class SetAside(msgspec.Struct, frozen=True, kw_only=True, tag="quarantine", tag_field="type"):
    """A log record that could not be folded: kept with its reason, replayable."""

    id: str
    position: int
    code: str
    detail: str


Effect = (
    ScoreChanged
    | ScoreRetracted
    | StageChanged
    | ActionRequested
    | ActionReferred
    | ActionAnswered
    | Decision
    | SetAside
)


def effect_id(*parts: str | int) -> str:
    """Return the deterministic id of an effect: 128 bits of BLAKE2b over its parts, as a UUID text."""
    digest = blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
