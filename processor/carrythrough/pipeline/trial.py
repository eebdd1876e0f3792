"""One log read under two maps, and what comes out differently: before a new version of a map goes live.

Both maps read every record from the first one on, with the people, the model and the baselines of today, so
that what differs, differs because of the map.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from carrythrough.pipeline.effects import ActionRequested
from carrythrough.pipeline.live import LiveState
from carrythrough.pipeline.plan import InForce
from carrythrough.pipeline.reading import read_pair
from carrythrough.pipeline.records import ACTIVATIONS, Kind, Record
from carrythrough.pipeline.step import batches
from carrythrough.program.compile import Program
from carrythrough.program.types import ProgramMap

MOVED_MIN = 0.005
"""Scores that differ by less are shown the same."""


class Standing(msgspec.Struct, frozen=True):
    """Where somebody stands in a skill. score: 0..1, None under the minimum evidence."""

    score: float | None
    stage: str
    outcomes: int


class Mover(msgspec.Struct, frozen=True):
    """A (person, skill) that comes out differently; None: the map knows nothing of the skill, or has no evidence."""

    subject: str
    skill: str
    before: Standing | None
    after: Standing | None

    @property
    def by(self) -> float:
        """Return by how much the score moved, 0..1; a score that appears or goes has moved by its whole height."""
        old = 0.0 if self.before is None or self.before.score is None else self.before.score
        new = 0.0 if self.after is None or self.after.score is None else self.after.score
        return new - old

    @property
    def moved(self) -> bool:
        """Say whether score or stage differ, or whether one of the two is not there."""
        if self.before is None or self.after is None:
            return True
        if (self.before.score is None) != (self.after.score is None) or self.before.stage != self.after.stage:
            return True
        return abs(self.by) >= MOVED_MIN


class SkillChange(msgspec.Struct, frozen=True):
    """What becomes of one skill. people: with evidence; scored: with a score; mean: of those scores, 0..1, or None."""

    skill: str
    people_before: int
    people_after: int
    scored_before: int
    scored_after: int
    mean_before: float | None
    mean_after: float | None
    stages: dict[str, tuple[int, int]]
    moved: int


class Outcome(msgspec.Struct, frozen=True):
    """What differs between the two maps. actions: rule → how often it acted before and after. evidence: pieces."""

    skills: tuple[SkillChange, ...]
    movers: tuple[Mover, ...]
    actions: dict[str, tuple[int, int]]
    evidence: tuple[int, int]
    records: int
    failed: int


class _Side:
    """One map and all that it makes of the records."""

    def __init__(self, program: ProgramMap, in_force: InForce) -> None:
        self.in_force = msgspec.structs.replace(in_force, program=Program(program))
        self.state = LiveState()
        self.actions: Counter[str] = Counter()
        self.failed = 0

    def fold(self, records: Sequence[Record]) -> None:
        for batch in batches(records):
            try:
                effects = self.state.fold(batch, self.in_force)
            except Exception:  # noqa: BLE001 - as the server does: one bad record stops nothing
                if len(batch) == 1:
                    self.failed += 1
                    continue
                for record in batch:
                    self.fold([record])
                continue
            self.actions.update(effect.rule for effect in effects if isinstance(effect, ActionRequested))

    def standings(self, now_ms: int) -> dict[tuple[str, str], Standing]:
        program, model = self.in_force.program, self.in_force.model
        found = {}
        for subject, learner in self.state.learners.items():
            for skill_id, pair in learner.pairs.items():
                skill = program.skills.get(skill_id)
                if skill is None:
                    continue
                reading = read_pair(learner, pair, now_ms, skill, model, program.policy)
                score = None if reading.score is None else round(reading.score.value, 4)
                found[subject, skill_id] = Standing(score, reading.stage.text, reading.weight.outcomes)
        return found

    def pieces(self) -> int:
        return sum(1 for row in self.state.rows.values() if not row.voided)


class Trial:
    """Folds records under two maps at once; `old` None compares with having no map."""

    def __init__(self, old: ProgramMap | None, new: ProgramMap, in_force: InForce) -> None:
        self._old = None if old is None else _Side(old, in_force)
        self._new = _Side(new, in_force)
        self.records = 0

    def fold(self, records: Sequence[Record]) -> None:
        """Take records in log order; those that bring versions into force are passed over."""
        kept = [record for record in records if record.kind not in ACTIVATIONS]
        self.records += sum(record.kind is not Kind.TICK for record in kept)
        for side in (self._old, self._new):
            if side is not None and kept:
                side.fold(kept)

    def outcome(self, now_ms: int) -> Outcome:
        """Return what differs as of `now_ms`, movers by how much they moved."""
        before = {} if self._old is None else self._old.standings(now_ms)
        after = self._new.standings(now_ms)
        movers = [
            Mover(subject, skill, before.get((subject, skill)), after.get((subject, skill)))
            for subject, skill in sorted(before.keys() | after.keys())
        ]
        movers = [mover for mover in movers if mover.moved]
        names = dict.fromkeys(
            (
                *(() if self._old is None else self._old.in_force.program.skills),
                *self._new.in_force.program.skills,
            )
        )
        old_actions = Counter() if self._old is None else self._old.actions
        rules = sorted(old_actions.keys() | self._new.actions.keys())
        return Outcome(
            skills=tuple(_skill(name, before, after, movers) for name in names),
            movers=tuple(sorted(movers, key=lambda mover: (-abs(mover.by), mover.subject, mover.skill))),
            actions={rule: (old_actions[rule], self._new.actions[rule]) for rule in rules},
            evidence=(0 if self._old is None else self._old.pieces(), self._new.pieces()),
            records=self.records,
            failed=self._new.failed,
        )


def _skill(
    name: str,
    before: dict[tuple[str, str], Standing],
    after: dict[tuple[str, str], Standing],
    movers: Sequence[Mover],
) -> SkillChange:
    old, new = ([s for (_, skill), s in side.items() if skill == name] for side in (before, after))
    old_stages, new_stages = (Counter(standing.stage for standing in side) for side in (old, new))
    return SkillChange(
        skill=name,
        people_before=len(old),
        people_after=len(new),
        scored_before=sum(standing.score is not None for standing in old),
        scored_after=sum(standing.score is not None for standing in new),
        mean_before=_mean(old),
        mean_after=_mean(new),
        stages={
            stage: (old_stages[stage], new_stages[stage])
            for stage in sorted(old_stages.keys() | new_stages.keys())
            if old_stages[stage] != new_stages[stage]
        },
        moved=sum(mover.skill == name for mover in movers),
    )


def _mean(standings: Sequence[Standing]) -> float | None:
    scores = [standing.score for standing in standings if standing.score is not None]
    return round(sum(scores) / len(scores), 4) if scores else None
