"""The item bank of a program map: short questions about a skill, asked again when they are due.

Each question is an xAPI activity of its own, so that an answer to it counts as every other answer does: as
learn evidence of its skill, with the question as the item whose memory is followed.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from carrythrough.authoring import patterns
from carrythrough.program.activities import Activity, ActivityEvidence, Match
from carrythrough.program.part import Id, Part

ITEMS_MAX = 5_000
"""Questions of one map: far more than people can be asked, and few enough to be looked through."""
CHOICES_MAX = 10

Choice = Annotated[str, Meta(min_length=1, max_length=300, pattern=patterns.PLAIN)]


class Item(Part, frozen=True, kw_only=True):
    """One question of the item bank.

    id: unique among the items; a question that asks something else gets a new one. skill: the skill that it is
    about. question: what is asked. choices: what can be chosen, in this order; left out: the answer is written.
    right: the right choices, all of which must be chosen; without choices, every spelling that is right, whatever
    its case. explanation: shown after the answer.
    """

    id: Id
    skill: Id
    question: Annotated[str, Meta(min_length=1, max_length=1000)]
    choices: Annotated[tuple[Choice, ...], Meta(max_length=CHOICES_MAX)] = ()
    right: Annotated[tuple[Choice, ...], Meta(min_length=1, max_length=CHOICES_MAX)]
    explanation: Annotated[str, Meta(max_length=2000)] = ""

    def is_right(self, given: tuple[str, ...]) -> bool:
        """Say whether an answer is right: exactly the right choices, or one of the right spellings."""
        if self.choices:
            return set(given) == set(self.right)
        return len(given) == 1 and _plain(given[0]) in {_plain(text) for text in self.right}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(".")


def activity_of(map_id: str, item: str) -> str:
    """Return the activity id under which answers to a question are stored."""
    return f"urn:carrythrough:item:{map_id}:{item}"


def activities_of(map_id: str, items: tuple[Item, ...]) -> tuple[Activity, ...]:
    """Return the activities that the item bank stands for: one a skill, which matches each of its questions."""
    by_skill: dict[str, list[str]] = {}
    for item in items:
        by_skill.setdefault(item.skill, []).append(activity_of(map_id, item.id))
    return tuple(
        Activity(
            id=f"items-{skill}"[:64],
            name="Review questions",
            match=Match(activity=tuple(names)),
            evidence=(ActivityEvidence(skill=skill, channel="learn", outcome="success", item="activity"),),
        )
        for skill, names in by_skill.items()
    )
