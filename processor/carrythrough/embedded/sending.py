"""What decides at the moment of sending in the embedded shell: by which adapters, and whether at all any more."""

from __future__ import annotations

from collections.abc import Iterable

from carrythrough.pipeline.effects import ActionRequested
from carrythrough.pipeline.plan import InForce
from carrythrough.reinforcement.addressee import limits_of
from carrythrough.reinforcement.presence import absence_at


def adapters_of(action: ActionRequested, in_force: InForce, configured: Iterable[str]) -> Iterable[str]:
    """Return the adapters of the rule that asked, else all that are configured."""
    for rule in in_force.program.reinforcement:
        if rule.id == action.rule and rule.adapters:
            return rule.adapters
    return tuple(configured)


def reason_to_hold(action: ActionRequested, adapter: str, in_force: InForce, now_ms: int) -> str | None:
    """Return why an action must not leave any more under the policy and roster now in force, or None."""
    limits = limits_of(in_force.program.policy, in_force.orders)
    if limits.killed_all:
        return "all actions are switched off"
    if action.action in limits.killed_actions:
        return f"the action {action.action} is switched off"
    if action.rule in limits.killed_rules:
        return f"the rule {action.rule} is switched off"
    if adapter in limits.killed_adapters:
        return f"the adapter {adapter} is switched off"
    for subject in {action.subject, action.recipient}:
        person = in_force.directory.person(subject)
        names = {subject} if person is None else {subject, person.id}
        if not names.isdisjoint(limits.killed_subjects):
            return "actions are switched off for this person"
        if person is not None and person.team and person.team in limits.killed_teams:
            return f"actions are switched off for the team {person.team}"
        if in_force.directory.keeps_aside(subject):
            return "the person is not on the roster"
        if person is not None and (absence := absence_at(person, now_ms)):
            return f"the person is not at work: {absence}"
    return None
