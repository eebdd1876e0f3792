"""What makes sense as a performance event beyond its shape: about whom, with which outcome, taking back what."""

from __future__ import annotations

from collections.abc import Sequence

from carrythrough.events.needs import fault_of
from carrythrough.events.refusals import refuse
from carrythrough.events.replies import fault_of as fault_of_reply
from carrythrough.events.types import BARE_KINDS, OUTCOME_KINDS, OWN_SOURCES, AdmittedEvent, PerformanceEvent


def check_sense(event: PerformanceEvent, where: str) -> None:
    """Refuse what is well-formed but says nothing, or two things at once; raises PermanentError."""
    _check_person(event, where)
    _check_actor(event, where)
    _check_taking_back(event, where)
    _check_outcome(event, where)
    _check_needs(event, where)
    _check_reply(event, where)


def _check_person(event: PerformanceEvent, where: str) -> None:
    given = [name for name in ("employee", "actor", "team") if getattr(event, name)]
    if event.kind == "retraction" and len(given) <= 1:
        return
    if event.team and event.grain != "team":
        refuse(
            "event-invalid",
            f"{where}/team",
            'the event names a team, but its grain is "individual"',
            rule="a fact about a person names the person; the roster knows the team",
            fix='write "grain": "team" for a reading of a whole team, else leave "team" out',
        )
    if len(given) != 1:
        state = f"both an {' and an '.join(given[:2])}" if given else "neither an employee nor an actor"
        refuse(
            "event-invalid",
            f"{where}/employee",
            f"the event names {state}",
            rule="an event is about one person: a roster id, or an xAPI agent; "
            'with "grain": "team" it may be about a team',
            fix='keep one: "employee" with the roster id, or "actor"',
        )


def _check_actor(event: PerformanceEvent, where: str) -> None:
    actor = event.actor
    if actor is None:
        return
    names = ("mbox", "mbox_sha1sum", "openid", "account")
    given = [name for name in names if getattr(actor, name) is not None]
    if len(given) != 1:
        refuse(
            "event-invalid",
            f"{where}/actor",
            f"the actor has {len(given)} identifiers",
            rule="xAPI 1.0.3, Data 2.4.2: exactly one inverse functional identifier",
            fix=f"keep exactly one of {', '.join(names)}",
        )


def _check_taking_back(event: PerformanceEvent, where: str) -> None:
    """Refuse a retraction of nothing, and an event that takes itself back."""
    if (event.kind == "retraction") != bool(event.retracts):
        refuse(
            "event-invalid",
            f"{where}/retracts",
            "a retraction that names no event" if not event.retracts else f'a "{event.kind}" that retracts',
            rule='the kind "retraction", and no other, has "retracts": the id of an event of its source',
            fix='write "kind": "retraction" and "retracts": the id of the event that is taken back; '
            'an event that replaces another one has "corrects"',
        )
    if event.corrects and event.kind == "retraction":
        refuse(
            "event-invalid",
            f"{where}/corrects",
            "an event that corrects and retracts",
            rule="a retraction leaves nothing in the place of what it takes back",
            fix='leave "corrects" out, or send the corrected event with its own kind and without "retracts"',
        )
    for name in ("corrects", "retracts"):
        if getattr(event, name) == event.id:
            refuse(
                "event-invalid",
                f"{where}/{name}",
                f'the event "{event.id[:60]}" {name} itself',
                rule="an event is never changed: what replaces it has an id of its own",
                fix=f'give this event a new "id" and keep "{name}" as it is',
            )
    if event.revision and not event.corrects:
        refuse(
            "event-invalid",
            f"{where}/revision",
            "a revision of nothing",
            rule='"revision" ranks the corrections of one event',
            fix='add "corrects" with the id of the event that is replaced, or leave "revision" out',
        )


def _check_needs(event: PerformanceEvent, where: str) -> None:
    """Refuse a needs survey without answers, answers in another kind, and answers off their scale."""
    if (event.kind == "needs-survey") != (event.needs is not None):
        refuse(
            "event-invalid",
            f"{where}/needs",
            "a needs survey without answers"
            if event.needs is None
            else f'a "{event.kind}" with survey answers',
            rule='the kind "needs-survey", and no other, has "needs"',
            fix='add "needs": {"respondent": "learner", "scale": "1-5", "skills": [...]}, or leave it out',
        )
    if event.needs is None:
        return
    if event.grain == "team":
        refuse(
            "event-invalid",
            f"{where}/grain",
            "a needs survey about a team",
            rule="a survey is about one person; group figures are made from those of people",
            fix="send one event for each person",
        )
    if (fault := fault_of(event.needs)) is not None:
        pointer, message, rule, fix = fault
        refuse("event-invalid", f"{where}/needs{pointer}", message, rule=rule, fix=fix)


def _check_reply(event: PerformanceEvent, where: str) -> None:
    """Refuse an answer to an action that does not say what is answered, and an answer in another kind."""
    if (event.kind == "action-answer") != (event.reply is not None):
        refuse(
            "event-invalid",
            f"{where}/reply",
            "an answer without a reply" if event.reply is None else f'a "{event.kind}" with a reply',
            rule='the kind "action-answer", and no other, has "reply"',
            fix='add "reply": {"action": "...", "answer": "done"}, or leave it out',
        )
    if event.reply is None:
        return
    if not event.skill or event.grain == "team":
        refuse(
            "event-invalid",
            f"{where}/skill" if not event.skill else f"{where}/grain",
            "an answer that names no skill" if not event.skill else "an answer of a team",
            rule="an answer is one person's, to an action about one skill",
            fix='add "skill" as the action names it, and leave "grain" out',
        )
    outcome = event.outcome
    scored = outcome is not None and outcome.score is not None
    found = fault_of_reply(event.reply, has_score=scored, has_outcome=outcome is not None)
    if found is not None:
        pointer, message, rule, fix = found
        refuse("event-invalid", where + pointer, message, rule=rule, fix=fix)


def _check_outcome(event: PerformanceEvent, where: str) -> None:
    outcome = event.outcome
    if outcome is None:
        if event.kind in OUTCOME_KINDS:
            refuse(
                "event-invalid",
                f"{where}/outcome",
                f'a "{event.kind}" event without an outcome',
                rule=f"an outcome is required for: {', '.join(sorted(OUTCOME_KINDS))}",
                fix='add "outcome": {"met": true}, {"score": 0.8} or {"value": 12.5}; '
                'a chance without an outcome is "kind": "opportunity"',
            )
        return
    if event.kind in BARE_KINDS:
        refuse(
            "event-invalid",
            f"{where}/outcome",
            f'a "{event.kind}" event with an outcome',
            rule=f"no outcome belongs to: {', '.join(sorted(BARE_KINDS))}",
            fix='leave it out, or send "kind": "task-outcome"',
        )
    given = [name for name in ("met", "score", "value") if getattr(outcome, name) is not None]
    if len(given) != 1:
        refuse(
            "event-invalid",
            f"{where}/outcome",
            f"the outcome has {len(given)} members",
            rule="an outcome has exactly one of met, score, value",
            fix="keep the one that the source system measured",
        )
    if outcome.value is not None and not event.kpi:
        refuse(
            "event-invalid",
            f"{where}/kpi",
            "an outcome by value needs the KPI whose target it is held against",
            rule="a value is an outcome only against the target of a KPI",
            fix='add "kpi" with its id in the program map, or send "met" or "score"',
        )


def refuse_reserved(events: Sequence[AdmittedEvent]) -> None:
    """Refuse events that claim to come from this product's own forms, which vouch for who filled them in."""
    for number, one in enumerate(events):
        if one.event.source.startswith(OWN_SOURCES):
            refuse(
                "event-source-reserved",
                f"/{number}/source",
                f'"{one.event.source[:60]}" is a source of this program itself',
                rule=f'sources that begin with "{OWN_SOURCES}" are written by its forms, which know who filled them in',
                fix="name the system that the events come from",
            )
