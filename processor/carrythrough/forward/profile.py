"""The names of our own xAPI profile, as `schemas/xapi-profile.jsonld` publishes them; a test compares the two."""

from __future__ import annotations

from urllib.parse import quote

from carrythrough.evidence.needs import EXTENSION

PROFILE = "urn:carrythrough:xapi-profile"
PROFILE_VERSION = f"{PROFILE}:v1"
"""Stands in the category of each statement that follows the profile (Profiles 1.0, structure 4.0)."""
PROFILE_TYPE = "http://adlnet.gov/expapi/activities/profile"

CARRIED_THROUGH = f"{PROFILE}:verb:carried-through"
REACHED_TARGET = f"{PROFILE}:verb:reached-target"
WAS_SENT = f"{PROFILE}:verb:was-sent"
ANSWERED = f"{PROFILE}:verb:answered"
SKILL = f"{PROFILE}:activity-type:skill"
ACTION = f"{PROFILE}:activity-type:action"
TRANSFER_SCORE = f"{PROFILE}:result-extension:transfer-score"
STAGE = f"{PROFILE}:result-extension:stage"
NEEDS_SURVEY = EXTENSION
"""The one name that is read and never written: what people and managers answer in a needs survey."""
ACTION_RULE = f"{PROFILE}:context-extension:action"

DISPLAY = {
    CARRIED_THROUGH: "carried through",
    REACHED_TARGET: "reached the target of",
    WAS_SENT: "was sent",
    ANSWERED: "answered",
}
PLATFORM = "Carrythrough"


def skill_id(tenant: str, skill: str) -> str:
    """Return the activity id of a skill of a tenant."""
    return f"urn:carrythrough:skill:{quote(tenant, safe='')}:{quote(skill, safe='')}"


def action_id(action: str) -> str:
    """Return the activity id of a kind of action."""
    return f"urn:carrythrough:action:{quote(action, safe='')}"
