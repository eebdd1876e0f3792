"""The parameter `agent` of the resources that are about one agent: an Agent object as JSON."""

from __future__ import annotations

from typing import NoReturn

import msgspec

from carrythrough.gateway.xapi import parameters
from carrythrough.xapi import strict_json
from carrythrough.xapi.rules import actor
from carrythrough.xapi.statement import Agent

DEPTH_MAX = 8
"""An agent has two levels; what is deeper is no agent."""


def agent_of(given: dict[str, str], name: str, *, rule: str) -> Agent:
    """Return the agent that a parameter describes; pointers in refusals begin with the parameter's name.

    Raises PermanentError 400: missing, not JSON, not an agent with exactly one identifier, or a group.
    """
    text = parameters.required(given, name, rule=rule)
    if not isinstance(parameters.json_value(given, name), dict):
        _refuse(name, f"{text[:80]!r} is not an Agent object")
    value = strict_json.read(text.encode(), name, DEPTH_MAX)
    if value.get("objectType") == "Group":
        _refuse(name, "a group is given", "send an Agent object with the identifier of the group")
    actor.agent(value, name)
    return msgspec.convert(value, Agent)


def _refuse(
    name: str, detail: str, fix: str = 'send one, as in {"mbox":"mailto:ana@example.org"}, percent-encoded'
) -> NoReturn:
    parameters.refuse(
        "parameter-invalid",
        name,
        detail,
        rule="Communication 2.3, 2.4 and 2.6: the parameter is an Agent object (JSON)",
        fix=fix,
    )
