"""What cmi5-defined statements mean: which judgements of a registration count, and whether moveOn is met.

cmi5 allows, for one assignable unit (AU) and one registration, one *completed*, one *passed*, and no
*failed* after it; order is by timestamp (9.3). Senders break that, and statements arrive in any order. So
what counts is a function of the whole set, read in the order of (timestamp, id): the *failed* before the
first valid *passed* count, that *passed* counts, the first *completed* counts, and the rest is set aside
with its reason. "cmi5 allowed" statements (without the category) are none of this: they are mapped as any.

Source: cmi5 specification, sections 7.1.3, 9.3, 9.5, 9.6 and 13.1.4 (github.com/AICC/CMI-5_Spec_Current).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

import msgspec

from carrythrough.xapi.formats import uuid_bytes
from carrythrough.xapi.statement import Activity, Context, Statement

CATEGORY = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
CATEGORY_MOVE_ON = "https://w3id.org/xapi/cmi5/context/categories/moveon"
_EXTENSION = "https://w3id.org/xapi/cmi5/context/extensions/"
MARKS_MAX = 1_000
"""Statements of one unit of one registration that are judged. Judging reads them all each time, so a sender in
a loop would slow everybody down; what arrives beyond them stands aside, and there the order of arrival matters."""
SESSION_CHARACTERS_MAX = 200
"""Session ids are UUIDs in practice; what is longer is cut, since it only has to tell sessions apart."""


class Verb(enum.IntEnum):
    """The verbs that cmi5 defines (9.3)."""

    LAUNCHED = 1
    INITIALIZED = 2
    COMPLETED = 3
    PASSED = 4
    FAILED = 5
    ABANDONED = 6
    WAIVED = 7
    TERMINATED = 8
    SATISFIED = 9


_VERBS = {
    "http://adlnet.gov/expapi/verbs/launched": Verb.LAUNCHED,
    "http://adlnet.gov/expapi/verbs/initialized": Verb.INITIALIZED,
    "http://adlnet.gov/expapi/verbs/completed": Verb.COMPLETED,
    "http://adlnet.gov/expapi/verbs/passed": Verb.PASSED,
    "http://adlnet.gov/expapi/verbs/failed": Verb.FAILED,
    "https://w3id.org/xapi/adl/verbs/abandoned": Verb.ABANDONED,
    "https://w3id.org/xapi/adl/verbs/waived": Verb.WAIVED,
    "http://adlnet.gov/expapi/verbs/terminated": Verb.TERMINATED,
    "https://w3id.org/xapi/adl/verbs/satisfied": Verb.SATISFIED,
}
SILENT = frozenset({Verb.LAUNCHED, Verb.ABANDONED, Verb.WAIVED, Verb.TERMINATED, Verb.SATISFIED})
"""Verbs that are evidence of nothing: the LMS's own, and the end of a session. Waived is met, not done."""


class MoveOn(enum.IntEnum):
    """The criterion of an AU (13.1.4); UNKNOWN until its *launched* says it."""

    UNKNOWN = 0
    PASSED = 1
    COMPLETED = 2
    COMPLETED_AND_PASSED = 3
    COMPLETED_OR_PASSED = 4
    NOT_APPLICABLE = 5


MOVE_ON_WORDS = {
    MoveOn.UNKNOWN: "",
    MoveOn.PASSED: "Passed",
    MoveOn.COMPLETED: "Completed",
    MoveOn.COMPLETED_AND_PASSED: "CompletedAndPassed",
    MoveOn.COMPLETED_OR_PASSED: "CompletedOrPassed",
    MoveOn.NOT_APPLICABLE: "NotApplicable",
}
_MOVE_ON = {word: value for value, word in MOVE_ON_WORDS.items() if word}


class Aside(enum.IntEnum):
    """Why a judgement does not count."""

    AFTER_PASSED = 1
    REPEATED_COMPLETED = 2
    BELOW_MASTERY = 3
    NOT_BELOW_MASTERY = 4
    NOT_NORMAL = 5
    AFTER_ABANDONED = 6
    CONTRADICTS = 7
    TOO_MANY = 8


ASIDE_SENTENCES = {
    Aside.AFTER_PASSED: "this unit was passed before in this registration (cmi5 9.3: one passed, no failed after it)",
    Aside.REPEATED_COMPLETED: "this unit was completed before in this registration (cmi5 9.3.3: one completed)",
    Aside.BELOW_MASTERY: "it says passed, and its score is below the mastery score (cmi5 9.3.4)",
    Aside.NOT_BELOW_MASTERY: "it says failed, and its score is not below the mastery score (cmi5 9.3.5)",
    Aside.NOT_NORMAL: "its session was launched to browse or review, where nothing is judged (cmi5 10, launchMode)",
    Aside.AFTER_ABANDONED: "its session was abandoned before (cmi5 9.3.6)",
    Aside.TOO_MANY: "this unit has had too many statements in this registration to judge more of them",
    Aside.CONTRADICTS: "its result says the opposite of its verb (cmi5 9.5.2 and 9.5.3)",
}

FLAG_MOVE_ON = 1
"""The statement carries the category that makes it count for moveOn (9.6.2.2)."""
FLAG_CONTRADICTS = 2
"""success or completion say the opposite of the verb."""
FLAG_NOT_NORMAL = 4
"""A *launched* whose launchMode is Browse or Review."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What the state of a registration needs of one cmi5-defined statement.

    source: 16-byte statement id. registration: 16 bytes. activity: id of the object, which is the AU
    (for *satisfied* a block or course). verb: `Verb`. t_ms: the sender's timestamp, not clamped: cmi5
    orders by it. session: session id, "" when it is missing. scaled: score in 0..1 or None. mastery:
    the mastery score that the statement itself names, or None. move_on: `MoveOn`. flags: FLAG_*.
    """

    source: bytes
    registration: bytes
    activity: str
    verb: int
    t_ms: int
    session: str = ""
    scaled: float | None = None
    mastery: float | None = None
    move_on: int = 0
    flags: int = 0

    def order(self) -> tuple[int, bytes]:
        """Return the place in the order that decides: timestamp, then id."""
        return (self.t_ms, self.source)


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One AU in one registration of one learner, judged.

    asides: statements that do not count, with the reason. passed, failed, completed, waived: the
    counted statements (failed: the last one). satisfied: the first *satisfied*, of a block or course.
    mastery: as last launched. met: whether moveOn is met, None when its criterion is not known.
    met_ms: since when, 0 when not or from the start. sessions: launched or seen; abandoned: so ended.
    """

    asides: dict[bytes, Aside]
    passed: Mark | None
    failed: Mark | None
    completed: Mark | None
    waived: Mark | None
    satisfied: Mark | None
    mastery: float | None
    move_on: MoveOn
    met: bool | None
    met_ms: int
    sessions: int
    abandoned: int


def mark_of(st: Statement, source: bytes, t_ms: int) -> Mark | None:
    """Return the mark of a cmi5-defined statement, None for every other one.

    cmi5-defined: one of the nine verbs, the cmi5 category, a registration and an activity as object
    (7.1.3, 9.4, 9.6). t_ms: its timestamp in ms since the epoch, the log time when it has none.
    """
    context = st.context
    if context is None or context.context_activities is None or context.registration is None:
        return None
    category = context.context_activities.category
    verb = _VERBS.get(st.verb.id)
    if not category or verb is None or type(st.object) is not Activity:
        return None
    names = [activity.id for activity in category]
    registration = uuid_bytes(context.registration)
    if CATEGORY not in names or registration is None:
        return None
    return _mark(st, context, verb, source, registration, t_ms, move_on=CATEGORY_MOVE_ON in names)


def _mark(
    st: Statement,
    context: Context,
    verb: Verb,
    source: bytes,
    registration: bytes,
    t_ms: int,
    *,
    move_on: bool,
) -> Mark:
    extensions = context.extensions or {}
    session = extensions.get(_EXTENSION + "sessionid")
    flags = FLAG_MOVE_ON if move_on else 0
    if _contradicts(st, verb):
        flags |= FLAG_CONTRADICTS
    if verb is Verb.LAUNCHED and extensions.get(_EXTENSION + "launchmode") in ("Browse", "Review"):
        flags |= FLAG_NOT_NORMAL
    score = None if st.result is None else st.result.score
    criterion = extensions.get(_EXTENSION + "moveon")
    return Mark(
        source=source,
        registration=registration,
        activity=st.object.id if isinstance(st.object, Activity) else "",
        verb=int(verb),
        t_ms=t_ms,
        session=session[:SESSION_CHARACTERS_MAX] if isinstance(session, str) else "",
        scaled=None if score is None else score.scaled,
        mastery=_share(extensions.get(_EXTENSION + "masteryscore")),
        move_on=int(_MOVE_ON.get(criterion, MoveOn.UNKNOWN)) if isinstance(criterion, str) else 0,
        flags=flags,
    )


def _share(value: Any) -> float | None:
    """Return a mastery score as a number in 0..1, None for anything else (some senders write it as text)."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        return None
    return float(value)


def _contradicts(st: Statement, verb: Verb) -> bool:
    result = st.result
    if result is None:
        return False
    if verb is Verb.PASSED:
        return result.success is False
    if verb is Verb.FAILED:
        return result.success is True
    return verb is Verb.COMPLETED and result.completion is False


def judge(marks: Iterable[Mark]) -> Unit:
    """Judge one AU of one registration of one learner; the order of `marks` and repeats do not matter."""
    ordered = sorted({mark.source: mark for mark in marks}.values(), key=Mark.order)
    launches = [mark for mark in ordered if mark.verb == Verb.LAUNCHED]
    by_session = {mark.session: mark for mark in reversed(launches) if mark.session}
    ended: dict[str, int] = {}
    for mark in ordered:
        if mark.verb == Verb.ABANDONED:
            ended.setdefault(mark.session, mark.t_ms)
    first: dict[int, Mark] = {}
    failed: Mark | None = None
    asides: dict[bytes, Aside] = {}
    for mark in ordered:
        verb = mark.verb
        if verb in (Verb.PASSED, Verb.FAILED, Verb.COMPLETED):
            aside = _aside(mark, by_session.get(mark.session), launches, ended, first)
            if aside is not None:
                asides[mark.source] = aside
                continue
        if verb == Verb.FAILED:
            failed = mark
        first.setdefault(verb, mark)
    move_on = next((MoveOn(mark.move_on) for mark in reversed(launches) if mark.move_on), MoveOn.UNKNOWN)
    passed, completed, waived = (first.get(verb) for verb in (Verb.PASSED, Verb.COMPLETED, Verb.WAIVED))
    met, met_ms = _met(move_on, passed, completed, waived)
    return Unit(
        asides=asides,
        passed=passed,
        failed=failed,
        completed=completed,
        waived=waived,
        satisfied=first.get(Verb.SATISFIED),
        mastery=next((mark.mastery for mark in reversed(launches) if mark.mastery is not None), None),
        move_on=move_on,
        met=met,
        met_ms=met_ms,
        sessions=len({mark.session for mark in ordered if mark.session and mark.verb not in _NO_SESSION}),
        abandoned=len(ended),
    )


_NO_SESSION = frozenset({Verb.WAIVED, Verb.SATISFIED})
"""The LMS makes up a session id for these; nobody sat in it."""


def _aside(
    mark: Mark, launch: Mark | None, launches: list[Mark], ended: dict[str, int], first: dict[int, Mark]
) -> Aside | None:
    """Return why a judgement does not count, given those before it that do; None when it counts.

    launch: the *launched* of its session. ended: when sessions were abandoned.
    """
    if launch is not None and launch.flags & FLAG_NOT_NORMAL:
        return Aside.NOT_NORMAL
    if mark.session and mark.t_ms > ended.get(mark.session, mark.t_ms):
        return Aside.AFTER_ABANDONED
    if mark.flags & FLAG_CONTRADICTS:
        return Aside.CONTRADICTS
    if mark.verb == Verb.COMPLETED:
        return Aside.REPEATED_COMPLETED if Verb.COMPLETED in first else None
    mastery = _mastery(mark, launch, launches)
    if mastery is not None and mark.scaled is not None:
        if mark.verb == Verb.PASSED and mark.scaled < mastery:
            return Aside.BELOW_MASTERY
        if mark.verb == Verb.FAILED and mark.scaled >= mastery:
            return Aside.NOT_BELOW_MASTERY
    return Aside.AFTER_PASSED if Verb.PASSED in first else None


def _mastery(mark: Mark, launch: Mark | None, launches: list[Mark]) -> float | None:
    """Return the mastery score that holds: the statement's own, its session's, else that of the launch before it."""
    if mark.mastery is not None:
        return mark.mastery
    if launch is not None:
        return launch.mastery
    before = [one for one in launches if one.order() < mark.order()]
    return before[-1].mastery if before else None


def _met(
    move_on: MoveOn, passed: Mark | None, completed: Mark | None, waived: Mark | None
) -> tuple[bool | None, int]:
    """Say whether moveOn is met and since when: by what carries its category, or by a waiver (9.3.7)."""
    passed_ms, completed_ms = (
        mark.t_ms if mark is not None and mark.flags & FLAG_MOVE_ON else None for mark in (passed, completed)
    )
    ways: list[int] = [] if waived is None else [waived.t_ms]
    done = [at for at in (passed_ms, completed_ms) if at is not None]
    if move_on is MoveOn.NOT_APPLICABLE:
        ways.append(0)
    elif move_on is MoveOn.PASSED and passed_ms is not None:
        ways.append(passed_ms)
    elif move_on is MoveOn.COMPLETED and completed_ms is not None:
        ways.append(completed_ms)
    elif move_on is MoveOn.COMPLETED_AND_PASSED and len(done) == 2:
        ways.append(max(done))
    elif move_on is MoveOn.COMPLETED_OR_PASSED and done:
        ways.append(min(done))
    if ways:
        return True, min(ways)
    return (None, 0) if move_on is MoveOn.UNKNOWN else (False, 0)
