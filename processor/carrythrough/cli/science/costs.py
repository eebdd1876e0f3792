"""What one piece of evidence and one read cost in production code, in microseconds on one core."""

from __future__ import annotations

import random
import statistics
import time
from importlib import resources

import msgspec

from carrythrough.evidence.types import W_ONE, Y_ONE, Channel, Evidence
from carrythrough.identity.directory import RosterIndex
from carrythrough.identity.roster import load_roster
from carrythrough.pipeline.fold import Fold
from carrythrough.pipeline.plan import Add, InForce
from carrythrough.pipeline.reading import read_pair
from carrythrough.pipeline.reasons import reasons_for
from carrythrough.pipeline.step import State
from carrythrough.program.compile import Program
from carrythrough.program.load import load_program
from carrythrough.scoring.codec import encode_pair
from carrythrough.scoring.decay import DAY_MS
from carrythrough.scoring.model import SHIPPED
from carrythrough.scoring.state import LearnerState, PairState, apply
from carrythrough.testing.simulator_people import load_organisation

PAIRS = 400
EVIDENCE_PER_PAIR = 40
REPEATS = 5
START_MS = 20_000 * DAY_MS


class Costs(msgspec.Struct, frozen=True):
    """Medians over REPEATS runs, in microseconds a piece of evidence or a read.

    update_us: copy on first touch and `state.apply`, what the fold does to the state for one piece.
    fold_us: the whole fold of one piece: seen before, ledger row, state, score, reasons, decision.
    read_us: score with interval, stage and reasons of one pair. pair_bytes: mean size of a stored pair.
    """

    update_us: float
    fold_us: float
    read_us: float
    pair_bytes: float


def measure(pairs: int = PAIRS, repeats: int = REPEATS) -> Costs:
    """Return the costs over so many pairs of mixed evidence, each the median of so many runs."""
    in_force = _in_force()
    skills = sorted(in_force.program.skills)
    evidence = _evidence(skills, pairs)
    updates, folds, reads = [], [], []
    people: dict[str, LearnerState] = {}
    for _ in range(repeats):
        people = {}
        updates.append(_update_us(evidence, people))
        folds.append(_fold_us(evidence, in_force))
        reads.append(_read_us(people, in_force))
    sizes = [len(encode_pair(pair)) for person in people.values() for pair in person.pairs.values()]
    return Costs(
        update_us=statistics.median(updates),
        fold_us=statistics.median(folds),
        read_us=statistics.median(reads),
        pair_bytes=statistics.fmean(sizes),
    )


def _in_force() -> InForce:
    organisation = load_organisation(10)
    text = (
        resources.files("carrythrough").joinpath("testing/demo_organisation/program.yaml").read_text("utf-8")
    )
    directory = RosterIndex(load_roster(organisation.roster_json(), "roster.json"), bytes(32))
    return InForce(Program(load_program(text, "program.yaml")), directory, SHIPPED)


def _evidence(skills: list[str], pairs: int) -> list[tuple[str, Evidence]]:
    """Return evidence in order of arrival: all outcome channels, half a year, some of it late."""
    rng = random.Random(7)  # noqa: S311 - a fixed load, not cryptography
    made = []
    for number in range(pairs * EVIDENCE_PER_PAIR):
        who = f"p{rng.randrange(pairs // 2)}"
        skill = skills[rng.randrange(2)]
        day = 180.0 * number / (pairs * EVIDENCE_PER_PAIR) - (rng.random() < 0.03) * rng.uniform(0.0, 3.0)
        t_ms = START_MS + round(max(0.0, day) * DAY_MS)
        y, item = (rng.random() < 0.75) * Y_ONE, f"item {rng.randrange(50)}"
        channel = rng.choice((Channel.LEARN, Channel.PRACTICE, Channel.JOB, Channel.OBSERVED))
        e = Evidence(rng.randbytes(16), skill, channel, t_ms, y, W_ONE, Y_ONE // 2, item=item)
        made.append((who, e))
    return made


def _update_us(evidence: list[tuple[str, Evidence]], people: dict[str, LearnerState]) -> float:
    began = time.perf_counter()
    for who, e in evidence:
        before = people.get(who)
        learner = people[who] = LearnerState() if before is None else before.copy()
        found = learner.pairs.get(e.skill)
        pair = learner.pairs[e.skill] = PairState() if found is None else found.copy()
        apply(learner, pair, e, assisted=False)
    return (time.perf_counter() - began) / len(evidence) * 1e6


def _fold_us(evidence: list[tuple[str, Evidence]], in_force: InForce) -> float:
    operations = [Add(who, (e,), n + 1, e.t_ms) for n, (who, e) in enumerate(evidence)]
    began = time.perf_counter()
    Fold(State(), in_force).run(operations)
    return (time.perf_counter() - began) / len(evidence) * 1e6


def _read_us(people: dict[str, LearnerState], in_force: InForce) -> float:
    now_ms = START_MS + 190 * DAY_MS
    program, model = in_force.program, in_force.model
    pairs = [(person, skill, pair) for person in people.values() for skill, pair in person.pairs.items()]
    began = time.perf_counter()
    for person, skill, pair in pairs:
        reading = read_pair(person, pair, now_ms, program.skills[skill], model, program.policy)
        reasons_for(reading, model, program.policy)
    return (time.perf_counter() - began) / len(pairs) * 1e6
