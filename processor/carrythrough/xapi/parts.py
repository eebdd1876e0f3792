"""Checks of decoded parts for the fast way: whether an agent, verb or activity keeps the rules, yes or no.

The rules of record (`rules`) look at plain values and say what is wrong and where. These look at values that
a typed decoder made, which has refused null, wrong types and unknown properties already, and leave only what a
type cannot say. A property test and `make fuzz` hold them to the rules of record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from carrythrough.xapi import formats
from carrythrough.xapi.rules.activity import INTERACTION_TYPES
from carrythrough.xapi.statement import (
    Activity,
    Agent,
    ContextActivities,
    Definition,
    Extensions,
    Group,
    InteractionComponent,
    LanguageMap,
    Verb,
)

SEEN_MAX: Final = 10_000
"""Language tags, and keys of extensions, remembered as good ones; beyond it the memory starts anew."""
DEFINITION_DEPTH_MAX: Final = 8
"""Levels in the extensions of a definition; deeper ones go the careful way, which knows the limit of the request."""

_TAGS: set[str] = set()
_EXTENSION_KEYS: set[str] = set()
_are_known_tags = _TAGS.issuperset
_are_known_keys = _EXTENSION_KEYS.issuperset
_has_no_container = frozenset({dict, list}).isdisjoint
_INTERACTIONS = frozenset(INTERACTION_TYPES)


def forget() -> None:
    """Drop everything remembered, so that a measurement starts cold."""
    _TAGS.clear()
    _EXTENSION_KEYS.clear()


def actor(who: Agent) -> bool:
    """Say whether an agent or group keeps the rules."""
    if not isinstance(who, Group):
        return who.object_type in {None, "Agent"} and _identifiers(who) == 1
    if who.object_type != "Group":
        return False
    count = _identifiers(who)
    if count > 1 or count < 0 or (count == 0 and not who.member):
        return False
    return all(member.object_type in {None, "Agent"} and _identifiers(member) == 1 for member in who.member)


def _identifiers(who: Agent) -> int:
    """Return how many identifiers there are, -1 when one of them is none."""
    count = 0
    account = who.account
    if account is not None:
        if not formats.is_iri(account.home_page):
            return -1
        count = 1
    if who.mbox is not None:
        if not formats.is_mailbox(who.mbox):
            return -1
        count += 1
    if who.mbox_sha1sum is not None:
        if not formats.is_sha1(who.mbox_sha1sum):
            return -1
        count += 1
    if who.openid is not None:
        if not formats.is_iri(who.openid):
            return -1
        count += 1
    return count


def verb(done: Verb) -> bool:
    """Say whether a verb keeps the rules."""
    return formats.is_iri(done.id) and (done.display is None or language_map(done.display))


def activity(what: Activity) -> bool:
    """Say whether an activity keeps the rules."""
    return (
        what.object_type in {None, "Activity"}
        and formats.is_iri(what.id)
        and (what.definition is None or _definition(what.definition))
    )


def context_activities(related: ContextActivities) -> bool:
    """Say whether related activities keep the rules."""
    return (
        all(map(activity, related.parent))
        and all(map(activity, related.grouping))
        and all(map(activity, related.category))
        and all(map(activity, related.other))
    )


def _definition(said: Definition) -> bool:
    lists = (said.choices, said.scale, said.source, said.target, said.steps)
    if said.interaction_type is None:
        if said.correct_responses_pattern is not None or lists != (None, None, None, None, None):
            return False
    elif said.interaction_type not in _INTERACTIONS or not all(map(_components, filter(None, lists))):
        return False
    return (
        (said.name is None or language_map(said.name))
        and (said.description is None or language_map(said.description))
        and (said.type is None or formats.is_iri(said.type))
        and (said.more_info is None or formats.is_iri(said.more_info))
        and (said.extensions is None or extensions(said.extensions, DEFINITION_DEPTH_MAX))
    )


def _components(listed: tuple[InteractionComponent, ...]) -> bool:
    if len({component.id for component in listed}) < len(listed):
        return False
    return all(c.description is None or language_map(c.description) for c in listed)


def language_map(words: LanguageMap) -> bool:
    """Say whether every key is a language tag; that the values are texts is for the decoder to see."""
    return _are_known_tags(words) or _all_new(words, formats.is_language_tag, _TAGS)


def extensions(found: Extensions, depth_max: int) -> bool:
    """Say whether every key is an IRI, and no value is nested deeper than `depth_max` levels."""
    if not (_are_known_keys(found) or _all_new(found, formats.is_iri, _EXTENSION_KEYS)):
        return False
    return _has_no_container(map(type, found.values())) or _depth(found) <= depth_max


def _all_new(words: Iterable[str], is_good: Any, seen: set[str]) -> bool:
    for word in words:
        if not is_good(word):
            return False
        if len(seen) >= SEEN_MAX:
            seen.clear()
        seen.add(word)
    return True


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0
