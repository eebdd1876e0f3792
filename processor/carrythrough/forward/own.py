"""Our own statements, built with tincan by the profile in `schemas/xapi-profile.jsonld`.

The same effect gives the same id and the same statement, so that a store which gets it twice keeps it
once. People are named by pseudonym unless the target's settings say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec
import tincan

from carrythrough.forward import profile
from carrythrough.forward.milestones import Milestone
from carrythrough.identity.person import Person

NAMESPACE = UUID("5a6e9d1c-0f3b-5f0e-9a57-3c1d2b7e4f60")
"""Of the ids of our own statements (RFC 9562 5.5); never change it: a store would count everything twice."""
VERSION = "1.0.3"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ActorOf = Callable[[str], dict[str, Any]]
"""Gives the actor behind a pseudonym, as xAPI has it."""


def pseudonymous(home: str, subject: str) -> dict[str, Any]:
    """Return an actor that tells nobody outside who it is: an account on this installation."""
    return {"objectType": "Agent", "account": {"homePage": home, "name": subject}}


def identified(person: Person | None, home: str, subject: str) -> dict[str, Any]:
    """Return the actor as other systems know the person: the first identifier of the roster, else by e-mail."""
    if person is None:
        return pseudonymous(home, subject)
    named: dict[str, Any] = {"objectType": "Agent"}
    if person.name:
        named["name"] = person.name
    for one in person.identifiers:
        if one.account is not None:
            return {**named, "account": {"homePage": one.account.home_page, "name": one.account.name}}
        for member in ("mbox", "mbox_sha1sum", "openid"):
            value = getattr(one, member)
            if value is not None:
                return {**named, member: value}
    if person.email:
        return {**named, "mbox": f"mailto:{person.email}"}
    return pseudonymous(home, subject)


def statement_id(milestone: Milestone) -> str:
    """Return the id of the statement of a milestone."""
    return _id(milestone.what, milestone.effect)


def _id(what: str, effect: str) -> str:
    return str(uuid5(NAMESPACE, f"{what}\x1f{effect}"))


def statement(milestone: Milestone, tenant: str, actor: dict[str, Any]) -> bytes:
    """Return a milestone as a statement in JSON."""
    made = _BUILDERS[milestone.what](milestone, tenant)
    made.id = statement_id(milestone)
    made.actor = tincan.Agent(_snake(actor))
    made.timestamp = _EPOCH + timedelta(milliseconds=milestone.at_ms)
    members = msgspec.json.decode(made.to_json(tincan.Version.latest))
    # Without a version the statement is good for a store of either version (Data 2.4.10).
    members.pop("version", None)
    return msgspec.json.encode(members)


def _carried_through(milestone: Milestone, tenant: str) -> Any:
    # Not the stage before: it might be one that is nobody else's business.
    result = tincan.Result(success=True, extensions=tincan.Extensions({profile.STAGE: "carried-through"}))
    return _about_skill(profile.CARRIED_THROUGH, milestone, tenant, result)


def _reached_target(milestone: Milestone, tenant: str) -> Any:
    said = {
        "score": milestone.score,
        "low": milestone.low,
        "high": milestone.high,
        "outcomes": milestone.outcomes,
        "target": milestone.target,
        "model": milestone.model,
    }
    known = {name: value for name, value in said.items() if value not in (None, "")}
    result = tincan.Result(
        score=tincan.Score(scaled=milestone.score),
        extensions=tincan.Extensions({profile.TRANSFER_SCORE: known}),
    )
    return _about_skill(profile.REACHED_TARGET, milestone, tenant, result)


def _was_sent(milestone: Milestone, tenant: str) -> Any:
    return _about_action(profile.WAS_SENT, milestone, tenant, milestone.effect)


def _answered(milestone: Milestone, tenant: str) -> Any:
    made = _about_action(profile.ANSWERED, milestone, tenant, milestone.sent)
    made.context.statement = tincan.StatementRef(id=_id("was-sent", milestone.sent))
    return made


def _about_action(verb: str, milestone: Milestone, tenant: str, action: str) -> Any:
    activities = _activities()
    activities.other = [_skill(milestone, tenant)]
    said = {"kind": milestone.action, "rule": milestone.rule, "to": milestone.to, "action": action}
    context = _context(activities)
    context.extensions = tincan.Extensions({profile.ACTION_RULE: said})
    name = milestone.action.replace("-", " ")
    return tincan.Statement(
        verb=_verb(verb),
        object=_activity(profile.action_id(milestone.action), profile.ACTION, name),
        context=context,
    )


_BUILDERS: dict[str, Callable[[Milestone, str], Any]] = {
    "carried-through": _carried_through,
    "reached-target": _reached_target,
    "was-sent": _was_sent,
    "answered": _answered,
}


def _about_skill(verb: str, milestone: Milestone, tenant: str, result: Any) -> Any:
    return tincan.Statement(
        verb=_verb(verb),
        object=_skill(milestone, tenant),
        result=result,
        context=_context(_activities()),
    )


def _verb(id_: str) -> Any:
    return tincan.Verb(id=id_, display=tincan.LanguageMap({"en": profile.DISPLAY[id_]}))


def _skill(milestone: Milestone, tenant: str) -> Any:
    name = milestone.skill_name or milestone.skill
    return _activity(profile.skill_id(tenant, milestone.skill), profile.SKILL, name)


def _activity(id_: str, type_: str, name: str) -> Any:
    definition = tincan.ActivityDefinition(type=type_, name=tincan.LanguageMap({"en": name}))
    return tincan.Activity(id=id_, definition=definition)


def _activities() -> Any:
    version = tincan.Activity(
        id=profile.PROFILE_VERSION, definition=tincan.ActivityDefinition(type=profile.PROFILE_TYPE)
    )
    return tincan.ContextActivities(category=[version])


def _context(activities: Any) -> Any:
    return tincan.Context(platform=profile.PLATFORM, context_activities=activities)


def _snake(actor: dict[str, Any]) -> dict[str, Any]:
    """Return an actor with the names of members that tincan has."""
    names = {"objectType": "object_type", "homePage": "home_page"}
    return {
        names.get(name, name): _snake(value) if isinstance(value, dict) else value
        for name, value in actor.items()
    }
