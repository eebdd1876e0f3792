"""What a person asked of us by answering actions: what to leave for later, and what never to send."""

from __future__ import annotations

import msgspec


class Wishes(msgspec.Struct, frozen=True):
    """What somebody wants. later: skill → until when it is left alone. never: rule → until when it is silent.

    topics: adapters and kinds of action that they opted out of, or "all".
    """

    later: dict[str, int] = {}
    never: dict[str, int] = {}
    topics: tuple[str, ...] = ()

    def silences(self, rule: str, now_ms: int) -> bool:
        """Say whether a rule is not relevant to them."""
        return now_ms < self.never.get(rule, 0)

    def later_ms(self, skill: str, now_ms: int) -> int:
        """Return until when a skill is put off, 0 when it is not."""
        until_ms = self.later.get(skill, 0)
        return until_ms if now_ms < until_ms else 0


NO_WISHES = Wishes()
