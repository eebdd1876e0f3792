"""What an action says to whom: the rule's words in the person's language, or those that come with the product.

The nearest language wins: the rule's text for the very locale, for its language, the rule's own title and body,
then the shipped text. A text in which something would be missing is passed over, so nobody gets one with a hole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from carrythrough.program.shipped_texts import FALLBACK_LANGUAGE, SHIPPED
from carrythrough.program.types import Reinforcement
from carrythrough.program.wording import filled, filled_link, tags_of
from carrythrough.reinforcement.conditions import Facts, quiet_since
from carrythrough.reinforcement.stage import Stage
from carrythrough.scoring.decay import DAY_MS


class Said(msgspec.Struct, frozen=True):
    """The words of one action. Names stand in them as placeholders until it is sent (`program.wording.AT_SENDING`)."""

    title: str
    body: str
    link: str


def facts_told(facts: Facts, stage: Stage, why: str) -> dict[str, str]:
    """Return the values of `program.wording.MEANINGS` that are known when it is decided."""
    since = quiet_since(facts.pair, "job")
    return {
        "skill": facts.skill.name,
        "score": str(round(100 * facts.score.value)),
        "target": str(round(100 * facts.skill.target)),
        "stage": stage.text.replace("-", " "),
        "why": why,
    } | ({"days": str(max((facts.now_ms - since) // DAY_MS, 0))} if since else {})


def said(rule: Reinforcement, locale: str, values: Mapping[str, str], ids: Mapping[str, str]) -> Said:
    """Return what a rule says in a locale.

    values: by placeholder (`program.wording.MEANINGS`). ids: by placeholder of links (`LINK_MEANINGS`).
    """
    own = {tag.lower(): wording for tag, wording in rule.texts.items()}
    nearest = next((own[tag] for tag in tags_of(locale) if tag in own), None)
    links = (nearest.link if nearest else "", rule.link)
    link = next((found for one in links if one and (found := filled_link(one, ids)) is not None), "")
    for title, body in _texts(rule, locale):
        words = filled(title, values), filled(body, values)
        if words[0] and words[1]:
            return Said(words[0], words[1], link)
    return Said(values.get("skill", ""), "", link)


def _texts(rule: Reinforcement, locale: str) -> Iterator[tuple[str, str]]:
    """Yield the texts that would do, the best first."""
    own = {tag.lower(): wording for tag, wording in rule.texts.items()}
    for tag in tags_of(locale):
        if tag in own:
            yield own[tag].title, own[tag].body
    if rule.title and rule.body:
        yield rule.title, rule.body
    for tag in (*tags_of(locale), FALLBACK_LANGUAGE):
        if (shipped := SHIPPED.get(tag, {}).get((rule.action, rule.to))) is not None:
            yield shipped
