"""Which badges somebody has: the skills that they carried through and for which the program map recognises it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from carrythrough.gateway.badges.credential import credential, holder_of
from carrythrough.gateway.badges.signing import BadgeKey
from carrythrough.pipeline.plan import InForce
from carrythrough.program.types import Skill

DAY_MS = 86_400_000
BADGE = "badge"
"""Purpose of the link with which a person fetches a badge of their own."""


class Carried(msgspec.Struct, frozen=True):
    """A skill that somebody carried through. first_ms: when for the first time; since_ms: since when, 0: not now."""

    skill: str
    first_ms: int
    since_ms: int


class Badge(msgspec.Struct, frozen=True):
    """One badge. streak_days: whole days on the standard without a break until now, None when that is over."""

    skill: str
    skill_name: str
    achieved_ms: int
    streak_days: int | None


class BadgeBook:
    """Lists and signs badges; safe to call from any thread."""

    def __init__(
        self,
        carried: Callable[[str], list[Carried]],
        in_force: Callable[[], InForce],
        key: Callable[[], BadgeKey],
        base: str,
        tenant_key: bytes,
    ) -> None:
        """carried: what a pseudonym carried through. key: the same one each time. base: our public address."""
        self._carried = carried
        self._in_force = in_force
        self._tenant_key = tenant_key
        self.key = key
        self.base = base.rstrip("/")

    @property
    def issuer_name(self) -> str:
        """Return who issues: who answers for the program map."""
        program = self._in_force().program.map
        return program.owner or program.name

    def skill(self, name: str) -> Skill | None:
        """Return a skill that the map in force recognises with a badge, None for another."""
        program = self._in_force().program
        rules = [rule for rule in program.reinforcement if rule.action == "recognition"]
        recognised = any(not rule.skills or name in rule.skills for rule in rules)
        return program.skills.get(name) if recognised else None

    def of(self, subject: str, now_ms: int) -> list[Badge]:
        """Return the badges of somebody, by the id of the skill."""
        found = []
        for one in self._carried(subject):
            if (skill := self.skill(one.skill)) is not None:
                streak = max(now_ms - one.since_ms, 0) // DAY_MS if one.since_ms else None
                found.append(Badge(skill.id, skill.name, one.first_ms, streak))
        return found

    def signed(
        self, subject: str, skill: str, *, with_name: bool = False
    ) -> tuple[dict[str, Any], str] | None:
        """Return (a badge as JSON, the same signed), None when there is none."""
        wanted = self.skill(skill)
        got = next((one for one in self._carried(subject) if one.skill == skill), None)
        if wanted is None or got is None:
            return None
        person = self._in_force().directory.person(subject)
        name = person.name if with_name and person is not None else ""
        achieved_s = got.first_ms // 1000
        holder = holder_of(self._tenant_key, subject)
        made = credential(self.base, self.issuer_name, wanted, holder, achieved_s, name)
        return made, self.key().sign(made, self.base, achieved_s)
